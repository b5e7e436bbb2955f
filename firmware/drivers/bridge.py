"""Codes of a strain bridge from a 24-bit converter: sign, ends, and what a machine can have.

An axle is never without load, so its bridge has a lowest and a highest code that can be (`lowest`,
`highest` in the configuration of the chip): what is beyond is out of range. A cut wire drives a
converter to an end of its range. Two wires that touch give 0 V, which is a code like any other:
only limits that leave 0 out can tell it.

The configuration of a channel, from two loads in 10^exponent of the quantity and their codes:
    scale  = (load2 - load1) / (code2 - code1)
    offset = load1 - code1 x scale
"""

from micropython import const

from axwire.codes import OK, OUT_OF_RANGE, SATURATED

_HIGHEST = const(0x7FFFFF)
_LOWEST = const(-0x800000)

LIMITS = {"lowest": [_LOWEST, _HIGHEST], "highest": [_LOWEST, _HIGHEST]}
"""Settings that a driver of such a converter has."""

NO_LIMITS = {"lowest": _LOWEST, "highest": _HIGHEST}


def check_limits(settings: "dict[str, int]") -> None:
    """Raises ValueError for limits between which there is nothing."""
    if settings["lowest"] >= settings["highest"]:
        raise ValueError("lowest must be less than highest")


def signed(bits: int) -> int:
    """The code that 24 bits stand for."""
    return bits - 0x1000000 if bits > _HIGHEST else bits


def status(code: int, lowest: int, highest: int) -> int:
    """The status of a code."""
    if code in (_HIGHEST, _LOWEST):
        return SATURATED
    return OK if lowest <= code <= highest else OUT_OF_RANGE
