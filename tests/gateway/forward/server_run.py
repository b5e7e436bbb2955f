"""A locomotive of its own, forwarded into one real server, with all that must be there."""

import uuid
from pathlib import Path
from random import Random

import msgspec
import pytest
from axwire.codes import OK, OPEN, OUT_OF_RANGE
from axwire.places import AXLE, LEFT, MOTOR, RIGHT, place
from manual_clock import ManualClock
from real_servers import Server

from gateway.forward import (
    CursorFile,
    Forwarder,
    ForwardSettings,
    InfluxSink,
    server_of,
)
from gateway.ledger import Run as RunRecord
from gateway.spool import Kind
from hil.victoria_metrics import Key

from .node_double import MISSING, UTC_US, FilledSpool, NodeDouble, channel, groups

BOOTED_US = UTC_US - 60_000_000
MOTORS = groups(
    [channel("motor.current", place(MOTOR, n), 20_000_000, -3) for n in (1, 2)],
    [channel("motor.winding_temperature", place(MOTOR, n), 31_250_000) for n in (1, 2)],
)
AXLES = groups(
    [channel("axle.load", place(AXLE, 1, side), 1_234_567) for side in (LEFT, RIGHT)]
    + [channel("axle.vibration_rms", place(AXLE, 1, LEFT), 10_000_000)]
    + [channel("axle.vibration_peak", place(AXLE, 1, LEFT), 10_000_000)]
)


class Run:
    """A locomotive of its own with two nodes, forwarded into one server."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.locomotive = f"test-{uuid.uuid4().hex[:12]}"
        self.clock = ManualClock(UTC_US)
        self.spool = FilledSpool(folder, self.clock)
        self.expected: dict[Key, float] = {}
        self._server = server
        self._sink = InfluxSink(server.url, server.org, server.bucket, server.token, self.clock)
        self.forwarder = self._forwarder()
        self._motors = NodeDouble("motors-a", MOTORS, boot=1)
        self._axles = NodeDouble("axles", AXLES, boot=2)
        for node in (self._motors, self._axles):
            self.spool.message(node.hello())
        self._t_ms = 0

    def read(self, seconds: int) -> None:
        """Both nodes at work; one row in each second has a gap, a fault or a wild value."""
        for node in (self._motors, self._axles):
            self.spool.append(Kind.CLOCK, node.clock(BOOTED_US, t_ms=self._t_ms))
        for _ in range(seconds):
            t_ms = self._t_ms
            currents = [[k - 50, 30_000 + k] for k in range(10)]
            currents[3][0] = MISSING
            self.spool.message(self._motors.readings(t_ms, currents))
            temperatures = [[3200 + k, 32_000] for k in range(2)]
            self.spool.message(
                self._motors.readings(t_ms, temperatures, group=1, statuses=[OK, OPEN])
            )
            loads = [[17_000 + k, 17_100, k, 5 * k] for k in range(5)]
            loads[4][0] = 32_767
            self.spool.message(self._axles.readings(t_ms, loads))
            self._expect_currents(t_ms, currents)
            self._expect_temperatures(t_ms, temperatures)
            self._expect_loads(t_ms, loads)
            self._t_ms += 1000
        self.spool.message(self._motors.health(self._t_ms, 0, [4242]))
        self._expect("node_heap_free_bytes", self._t_ms, 4242, node="motors-a")
        self._expect("node_boot", self._t_ms, 1, node="motors-a")
        self._expect("node_lost_messages", self._t_ms, 0, node="motors-a")
        self._expect("node_lost_samples", self._t_ms, 0, node="motors-a")
        error_us = 500 + 30 * seconds
        self._expect("node_clock_error_us", self._t_ms, error_us, node="motors-a")
        self.spool.commit()

    def rest(self, seconds: int) -> None:
        """Nothing is read for so long; what was read before is accounted for then."""
        self._t_ms += seconds * 1000
        self.clock.advance_us(seconds * 1_000_000)
        for _ in range(100):
            body = msgspec.msgpack.encode(RunRecord(3, "0.1.0", self.locomotive))
            self.spool.append(Kind.RUN, body)
        self.spool.commit()

    def drain(self) -> None:
        for _ in range(1000):
            next_us = self.forwarder.step()
            if self.forwarder.state().state == "idle":
                return
            self.clock.advance_us(max(0, next_us - self.clock.monotonic_us()))
        raise AssertionError(self.forwarder.state())

    def restart(self) -> None:
        """A new forwarder that knows nothing but the cursor file."""
        self.forwarder.close()
        self.forwarder = self._forwarder()

    def stored(self) -> dict[Key, list[float]]:
        """What the server has of the nodes, but for the account."""
        return {
            key: values
            for key, values in self._server.read_back(self.locomotive).items()
            if "node" in dict(key.tags) and not key.name.startswith("axlebox_audit")
        }

    def check(self) -> None:
        """Everything expected is stored once, and nothing else of a node."""
        stored = self.stored()
        assert stored.keys() == self.expected.keys()
        for key, values in stored.items():
            assert values == [pytest.approx(self.expected[key], abs=1e-4)], key

    def close(self) -> None:
        self.forwarder.close()
        self._sink.close()
        self.spool.__exit__()

    def _forwarder(self) -> Forwarder:
        server = self._server
        return Forwarder(
            self.spool.log,
            self._sink,
            CursorFile(self.spool.folder, server_of(server.url, server.org, server.bucket)),
            self.clock,
            Random(1),
            lambda line, reason: pytest.fail(f"{line!r} was refused: {reason}"),
            ForwardSettings(self.locomotive, batch_values=150),
        )

    def _expect(self, name: str, t_ms: int, value: float, **tags: str) -> None:
        time_us = BOOTED_US + t_ms * 1000
        time_us -= time_us % self._server.resolution_us
        tags["locomotive"] = self.locomotive
        key = Key(name, tuple(sorted(tags.items())), time_us)
        assert key not in self.expected
        self.expected[key] = value

    def _expect_currents(self, t_ms: int, rows: list[list[int]]) -> None:
        for k, row in enumerate(rows):
            for raw, motor in zip(row, (1, 2), strict=True):
                if raw != MISSING:
                    tags = {"node": "motors-a", "place": f"motor {motor}", "unit": "A"}
                    self._expect("motor_current", t_ms + 10 * k, raw * 0.02 - 3e-9, **tags)

    def _expect_temperatures(self, t_ms: int, rows: list[list[int]]) -> None:
        for k, (sound, broken) in enumerate(rows):
            tags = {"node": "motors-a", "unit": "°C"}
            name, at_ms = "motor_winding_temperature", t_ms + 10 * k
            self._expect(name, at_ms, sound * 0.03125, place="motor 1", **tags)
            self._expect(f"{name}_suspect", at_ms, broken * 0.03125, place="motor 2", **tags)
            self._expect(f"{name}_status", at_ms, OPEN, place="motor 2", **tags)

    def _expect_loads(self, t_ms: int, rows: list[list[int]]) -> None:
        for k, (left, right, rms, peak) in enumerate(rows):
            at_ms = t_ms + 10 * k
            tags = {"node": "axles", "place": "axle 1 left", "unit": "t"}
            if left == 32_767:
                self._expect("axle_load_suspect", at_ms, left * 0.001234567, **tags)
                self._expect("axle_load_status", at_ms, OUT_OF_RANGE, **tags)
            else:
                self._expect("axle_load", at_ms, left * 0.001234567, **tags)
            tags["place"] = "axle 1 right"
            self._expect("axle_load", at_ms, right * 0.001234567, **tags)
            tags = {"node": "axles", "place": "axle 1 left", "unit": "m/s²"}
            self._expect("axle_vibration_rms", at_ms, rms * 0.01, **tags)
            self._expect("axle_vibration_peak", at_ms, peak * 0.01, **tags)
