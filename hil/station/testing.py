"""The self-test of a node at the station: ten seconds, each value with its limits.

The node's own self-test (firmware/axnode/self_test.py) says how chips, flash and the board are;
then it is listened to while it measures. Where a stimulus unit plays its sensors, what it reads is
held against what is played.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean, pstdev
from typing import Any, Protocol

from axwire import codes
from axwire.parse import Event
from axwire.quantities import BY_NAME

from gateway.decode import ChannelTable
from gateway.profiles import NodeFit
from hil.station.errors import StationError
from hil.station.inventory import Known
from hil.station.limits import Limits
from hil.station.measures import FAIL, PASS, Measure
from hil.station.node_link import Samples
from hil.station.spans import sensor_at, span_of

__all__ = ["Played", "Speaking", "noise_of", "require", "self_test", "verdict", "wires_to_mend"]

_SELF_TEST_S = 30.0
_OF_PLAYED = ("error", "noise")
"""Measures of a channel that a stimulus unit plays."""


class Speaking(Protocol):
    """What of a node's link is needed here: hil.station.node_link.NodeLink."""

    health: dict[str, int | None]
    table: ChannelTable | None

    def command(self, code: int, arguments: Sequence[int], limit_s: float) -> list[Event]: ...

    def listen(self, duration_s: float) -> list[Samples]: ...


@dataclass(frozen=True)
class Played:
    """What a stimulus unit puts out for a channel, in the quantity's unit: `share` of the way from
    one end of what the sensor can show to the other, at its `output`."""

    quantity: str
    place: str
    value: float
    share: float
    output: str

    @property
    def channel(self) -> str:
        return f"{self.quantity} at {self.place}"


def self_test(
    link: Speaking, fit: NodeFit, limits: Limits, duration_s: float, played: Sequence[Played] = ()
) -> list[Measure]:
    """All measures, in the order in which they were taken."""
    found = _of_itself(link, fit.name, limits)
    before = link.health.get("missed_deadlines")
    samples = link.listen(duration_s)
    after = link.health.get("missed_deadlines")
    assert link.table is not None
    for group in link.table.groups.values():
        first = samples[group.first]
        of = f"{first.quantity} each {group.period_ms} ms"
        found.append(limits.measure(fit.name, "rate", _rate(first, group.period_ms), of))
    missed = None if before is None or after is None else after - before
    found.append(limits.measure(fit.name, "missed", missed))
    for one in played:
        found += _of_channel(samples, fit, limits, one)
    return found


def require(known: Known, found: Sequence[Measure], wires: Sequence[str] = ()) -> None:
    """Raise StationError where a measure of this board fails. `wires`: what `wires_to_mend` says,
    the first of which is what to do where nothing but played channels fails."""
    failed = verdict(found)
    if failed:
        what_to_do = "Look at what is told above; if it stays, set the board aside"
        if wires and all(measure.name.partition(" ")[0] in _OF_PLAYED for measure in failed):
            what_to_do = wires[0]
        raise StationError(
            f"{known.node} of {known.locomotive}: {failed[0]}"
            + (f", and {len(failed) - 1} more" if len(failed) > 1 else ""),
            what_to_do,
            code="measure",
        )


def wires_to_mend(found: Sequence[Measure], played: Sequence[Played]) -> list[str]:
    """What to do about each channel that does not read what is played for it: `found` when that
    was played."""
    by_name = {measure.name: measure for measure in found}
    told = []
    for one in played:
        error = by_name.get(f"error {_of(one)}")
        if error is None or error.word == PASS:
            continue
        if error.value is None:
            told.append(
                f"Look at the wires from {one.output} of the stimulus unit to {one.channel}: "
                "nothing arrives there; then test again"
            )
            continue
        seen = one.share + error.value / 100
        for other in played:
            off = 100 * (seen - other.share)
            if other is not one and replace(error, value=off).word == PASS:
                told.append(
                    f"Change the wires: {other.output} of the stimulus unit is where "
                    f"{one.output} should be, at {one.channel}; then test again"
                )
                break
        else:
            told.append(
                f"Look at the wires from {one.output} of the stimulus unit to {one.channel}; if "
                "they are right, calibrate it: axlebox station calibrate"
            )
    return told


def verdict(found: Sequence[Measure]) -> list[Measure]:
    """The measures that fail."""
    return [measure for measure in found if measure.word == FAIL]


def noise_of(samples: Samples, span: float) -> float | None:
    """Of what a channel gave, in % of the sensor's span; None: it gave nothing."""
    return 100 * pstdev(samples.values) / span if samples.values else None


def _rate(heard: Samples, period_ms: int) -> float | None:
    """Rows in % of those that were due between the first and the last; None: there was none."""
    if heard.first_ms is None:
        return None
    return 100 * heard.rows / ((heard.last_ms - heard.first_ms) / period_ms + 1)


def _of_itself(link: Speaking, role: str, limits: Limits) -> list[Measure]:
    found = []
    assert link.table is not None
    channels = [
        f"{quantity.name} at {place}"
        for group in link.table.groups.values()
        for quantity, place in zip(group.quantities, group.places, strict=True)
    ]
    for event in link.command(codes.COMMAND_SELF_TEST, [], _SELF_TEST_S):
        arguments: list[Any] = event.arguments
        if event.code == codes.EVENT_CHIP_TESTED:
            chip, channel, status = arguments
            of = f"{chip} ({channels[channel]})"
            found.append(limits.measure(role, "chip", status, of))
        elif event.code == codes.EVENT_BOARD_TESTED:
            flash, heap, temperature, supply = arguments
            found.append(limits.measure(role, "flash", flash))
            found.append(limits.measure(role, "heap_free", heap))
            if temperature != codes.UNKNOWN:
                found.append(limits.measure(role, "temperature", temperature / 100))
            if supply != codes.UNKNOWN:
                found.append(limits.measure(role, "supply", supply / 1000))
    return found


def _of_channel(
    samples: Sequence[Samples], fit: NodeFit, limits: Limits, played: Played
) -> list[Measure]:
    sensor = sensor_at(fit, played.quantity, played.place)
    span = None if sensor is None else span_of(sensor)
    (heard,) = (s for s in samples if (s.quantity, s.place) == (played.quantity, played.place))
    if span is None:
        return []
    whole = bool(heard.values) and heard.statuses == {codes.OK}
    error = 100 * (fmean(heard.values) - played.value) / span if whole else None
    return [
        limits.measure(fit.name, "error", error, _of(played)),
        limits.measure(fit.name, "noise", noise_of(heard, span) if whole else None, _of(played)),
    ]


def _of(played: Played) -> str:
    return f"{played.channel}, {played.value:g} {BY_NAME[played.quantity].unit} played"
