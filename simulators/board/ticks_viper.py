"""Ticks that wrap at 2**30 where the interpreter's own do not, in machine code."""

import micropython  # type: ignore[import-not-found]


@micropython.viper  # type: ignore[untyped-decorator]
def ticks_add(ticks: int, delta: int) -> int:
    return (ticks + delta) & 0x3FFFFFFF


@micropython.viper  # type: ignore[untyped-decorator]
def ticks_diff(later: int, earlier: int) -> int:
    return ((later - earlier + 0x20000000) & 0x3FFFFFFF) - 0x20000000
