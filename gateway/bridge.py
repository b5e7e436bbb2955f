"""A time for a run of the machine that ended before it got one, by nodes that ran through.

The Pi was switched off before a time source had set its clock: what it added to its monotonic
time is unknown, and nobody can be asked any more. But a board that was on all the while counted
on. Its clock is known against both runs of the Pi, so once the later run has a sure time, the
earlier one has it too.
"""

from collections.abc import Iterable

from gateway.clock import ClockRecord
from gateway.walltime import TimeRecord, Times

__all__ = ["bridges"]

_BETTER = 2
"""A time found over one node gives way to that over another, if its error is half as large."""


def bridges(times: Times, clocks: Iterable[dict[str, ClockRecord]]) -> list[TimeRecord]:
    """Records for bases that have no sure time yet, or a much worse one from another node.

    `clocks`: of each boot that lives, its latest clock record by base.
    """
    found: dict[str, TimeRecord] = {}
    present = times.of(times.base)
    if present is None or not present.trusted:
        return []
    for by_base in clocks:
        now = by_base.get(times.base)
        if now is None:
            continue
        for base, then in by_base.items():
            known = found.get(base) or times.of(base)
            if base in ("", times.base) or (known is not None and not _open(known)):
                continue
            record = _bridged(then, now, present)
            if known is None or not known.trusted or _BETTER * record.error_us < known.error_us:
                found[base] = record
    return list(found.values())


def _open(known: TimeRecord) -> bool:
    """Whether a better one would help: what a time source set is not touched."""
    return not known.trusted or bool(known.by)


def _bridged(then: ClockRecord, now: ClockRecord, present: TimeRecord) -> TimeRecord:
    """The time of the base of `then`, by a boot that is known there and in the present base."""
    at_us = then.board_us
    monotonic_us = then.monotonic_at(at_us)
    present_us = now.monotonic_at(at_us)
    return TimeRecord(
        then.base,
        present_us + present.wall_us - monotonic_us,
        True,
        monotonic_us,
        monotonic_us,
        then.error_us + now.error_at(at_us) + present.error_at(present_us),
        by=then.node,
    )
