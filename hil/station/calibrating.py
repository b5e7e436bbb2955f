"""Calibrates a channel of a plugged node by two points, and has the node keep it.

In this order, so that whatever is cut off, the node has a whole calibration and the inventory
knows it: both points; the inventory has the numbers; both copies of node.json, read back; the node
starts with them and tells them; the inventory knows that it has them. A node that already had them
when the station was killed is found out at the next calibration of that board.
"""

import hashlib
import json
from binascii import crc32
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.profiles import NodeFit
from hil.fitting import fit_node
from hil.node_files import CONFIGURATION_FILE, encode
from hil.station.calibration import Line, Point, calibrate, take_point
from hil.station.depot import Depot
from hil.station.errors import StationError
from hil.station.inventory import FITTED, Calibration, Known
from hil.station.limits import Limits
from hil.station.measures import FAIL
from hil.station.node_link import Samples
from hil.station.node_on_board import BoardAtPrompt, copies_of, write_both
from hil.station.records import Attempt, utc
from hil.station.spans import sensor_at, span_of

__all__ = ["Calibrating", "Node", "Order"]

_TRIAL = "trial"


@dataclass(frozen=True)
class Order:
    """What is to be calibrated, by whom, and by which reference's certificate. `low` and `high`
    are what the references say, in the quantity's unit. `seconds`: how long each is read."""

    quantity: str
    place: str
    low: float
    high: float
    initials: str
    certificate: str
    seconds: float = 5.0


class Node(Protocol):
    """A node that runs; its board at its prompt; and the node again, after that was reset."""

    def listen(self, duration_s: float) -> list[Samples]: ...

    def at_prompt(self) -> BoardAtPrompt: ...

    def started(self) -> int:
        """The number of the configuration with which it is running now."""


class Calibrating:
    """One of it. `apply` has a person bring a reference to the sensor; `accept` has one confirm a
    drift that is beyond its limit."""

    def __init__(
        self,
        depot: Depot,
        known: Known,
        fit: NodeFit,
        limits: Limits,
        apply: Callable[[str], None],
        accept: Callable[[str], bool],
    ) -> None:
        self._depot = depot
        self._known = known
        self._fit = fit
        self._limits = limits
        self._apply = apply
        self._accept = accept

    def run(self, node: Node, order: Order) -> Line:
        """The channel's new numbers, which the node runs with. Raises StationError."""
        known = self._known
        with self._depot.records.attempt(
            "calibrate", known.unique_id, known.locomotive, known.node
        ) as attempt:
            attempt.facts["order"] = vars(order)
            _check_words(order)
            span = self._span(order)
            points = [
                self._point(node, order, reference, span, attempt)
                for reference in (order.low, order.high)
            ]
            attempt.step("written")
            board = node.at_prompt()
            try:
                line = self._write(board, order, points, span, attempt)
            finally:
                board.close()
            attempt.step("started")
            number = node.started()
            if number != attempt.facts["configuration"]:
                raise StationError(
                    "the node does not run with its new calibration",
                    "Begin again; if that does not help, provision it again with --again",
                )
            self._depot.inventory.end_calibrations(known.unique_id, [attempt.facts["number"]])
            attempt.said = f"{order.quantity} at {order.place}, drift {line.drift:.4g}"
            return line

    def _span(self, order: Order) -> float:
        sensor = sensor_at(self._fit, order.quantity, order.place)
        span = None if sensor is None else span_of(sensor)
        if span is None:
            raise StationError(
                f"{self._known.node} has no {order.quantity} at {order.place} that is calibrated "
                "by two points",
                f"Its profile has: {', '.join(_calibrated(self._fit))}",
            )
        return span

    def _point(
        self, node: Node, order: Order, reference: float, span: float, attempt: Attempt
    ) -> Point:
        attempt.step(f"reference {reference:g}")
        self._apply(f"bring {reference:g} to {order.quantity} at {order.place}")
        heard = next(
            samples
            for samples in node.listen(order.seconds)
            if (samples.quantity, samples.place) == (order.quantity, order.place)
        )
        point, noise = take_point(heard, reference, span, self._fit.name, self._limits)
        attempt.measured([noise])
        attempt.facts.setdefault("points", []).append(vars(point))
        return point

    def _write(
        self,
        board: BoardAtPrompt,
        order: Order,
        points: list[Point],
        span: float,
        attempt: Attempt,
    ) -> Line:
        inventory, known = self._depot.inventory, self._known
        copies = copies_of(board, CONFIGURATION_FILE)
        if not copies:
            raise StationError(
                "the board has no whole configuration", "Provision it again, with --again"
            )
        generation, content = copies[0]
        configuration = json.loads(content)
        channels = _channels(configuration)
        inventory.end_calibrations(known.unique_id, [c.get("calibration", 0) for c in channels])
        channel = _at(channels, order)
        fitted = fit_node(self._fit, known.unique_id, 0).configuration
        nominal = _at(_channels(fitted), order)
        line = calibrate(
            order.quantity,
            points,
            (channel["scale"], channel["offset"]),
            (nominal["scale"], nominal["offset"]),
            span,
            self._fit.name,
            self._limits,
        )
        attempt.measured(line.measures)
        before = [
            one
            for one in inventory.calibrations(known.unique_id)
            if (one.quantity, one.place) == (order.quantity, order.place)
        ]
        self._check_drift(line, bool(before), attempt)
        number = inventory.begin_calibration(
            Calibration(
                number=0,
                at=utc(self._depot.clock),
                unique_id=known.unique_id,
                locomotive=known.locomotive,
                node=known.node,
                quantity=order.quantity,
                place=order.place,
                unit=line.unit,
                scale=line.scale,
                offset=line.offset,
                initials=order.initials,
                certificate=order.certificate,
                drift=line.drift if before else None,
                state="begun",
            )
        )
        channel |= {"scale": line.scale, "offset": line.offset, "calibration": number}
        new = encode(configuration)
        attempt.facts |= {"number": number, "configuration": crc32(new), **channel}
        board.remove(_TRIAL)
        write_both(board, CONFIGURATION_FILE, new, generation + 1)
        digest = hashlib.sha256(new).hexdigest()
        inventory.become(known.unique_id, FITTED, configuration_sha256=digest)
        board.reset()
        return line

    def _check_drift(self, line: Line, has_one_before: bool, attempt: Attempt) -> None:
        """What the first calibration finds is how far sensors differ, and no drift."""
        drift = line.measures[-1]
        attempt.facts["drift_accepted"] = None
        if drift.word == FAIL and has_one_before:
            attempt.facts["drift_accepted"] = self._accept(
                f"since its last calibration it has drifted by {line.drift:.4g} {line.unit}"
            )
            if not attempt.facts["drift_accepted"]:
                raise StationError(
                    f"it has drifted too far: {drift}", "Look at the sensor, or change it"
                )


def _calibrated(fit: NodeFit) -> list[str]:
    return [
        f"{group.quantity} at {place}"
        for group in fit.groups
        if span_of(group.sensor) is not None
        for place in group.places
    ]


def _channels(configuration: dict[str, Any]) -> list[dict[str, Any]]:
    return [channel for group in configuration["groups"] for channel in group["channels"]]


def _at(channels: list[dict[str, Any]], order: Order) -> dict[str, Any]:
    for channel in channels:
        if (channel["quantity"], channel["place"]) == (order.quantity, order.place):
            return channel
    raise StationError(
        f"the board's configuration has no {order.quantity} at {order.place}",
        "Provision it again, with --again",
    )


def _check_words(order: Order) -> None:
    if not order.initials.strip() or not order.certificate.strip():
        raise StationError(
            "a calibration needs a person and a certificate",
            "Give --initials and --certificate of the reference",
        )
