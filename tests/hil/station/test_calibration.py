"""Two references make a calibration that the node keeps; nonsense is refused."""

import json
import os
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import pytest
from axwire import codes
from cut_off import Killed
from manual_clock import ManualClock
from memory_boards import MemoryBoard, pulled

from gateway import sealed
from gateway.profiles import LoopSensor, load_profile
from hil.fitting import fit_node
from hil.node_files import CONFIGURATION_FILE, encode, lay_out_node
from hil.station.calibrating import Calibrating, Order
from hil.station.calibration import Point, calibrate
from hil.station.depot import Depot, open_depot
from hil.station.errors import ContactError, StationError
from hil.station.inventory import FITTED, Known
from hil.station.limits import load_limits
from hil.station.node_link import Samples

SEED = 8
LIMITS = load_limits()
FIT = next(fit for fit in load_profile("te33a").all_nodes if fit.name == "axles-a")
GROUP = FIT.groups[0]
SENSOR = GROUP.sensor
assert isinstance(SENSOR, LoopSensor)
SPAN = SENSOR.high - SENSOR.low
QUANTITY, PLACE = GROUP.quantity, "axle 1"
ORDER = Order(QUANTITY, PLACE, 0.0, 20.0, "AB", "KZ-17", 1.0)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed, "_COST", 2)
    monkeypatch.setattr(os, "fsync", lambda handle: None)


class MemoryNode:
    """A board whose channel reads `gain` x what is applied + `zero`, by its node.json."""

    def __init__(self, board: MemoryBoard) -> None:
        self.board = board
        self.applied = 0.0
        self.gain, self.zero, self.noise = 1.0, 0.0, 0.001
        self.statuses = {codes.OK}
        self._random = random.Random(SEED)

    def channel(self) -> dict[str, int]:
        configuration = json.loads(self.board.content(CONFIGURATION_FILE) or b"{}")
        channels = [c for group in configuration["groups"] for c in group["channels"]]
        return next(c for c in channels if (c["quantity"], c["place"]) == (QUANTITY, PLACE))

    def reading(self, value: float) -> float:
        """What the node tells when the sensor sees `value`."""
        fitted = fit_node(FIT, self.board.unique_id, 0).configuration
        nominal = next(
            c
            for group in fitted["groups"]
            for c in group["channels"]
            if (c["quantity"], c["place"]) == (QUANTITY, PLACE)
        )
        seen = self.gain * value + self.zero
        raw = (seen * 1e9 - nominal["offset"]) / nominal["scale"]
        channel = self.channel()
        return (raw * channel["scale"] + channel["offset"]) / 1e9

    def listen(self, duration_s: float) -> list[Samples]:
        values = [
            self.reading(self.applied) + self._random.gauss(0, self.noise) for _ in range(50)
        ]
        return [
            Samples(QUANTITY, "axle 2", "t", values=[1.0] * 50, statuses={codes.OK}),
            Samples(QUANTITY, PLACE, "t", values=values, statuses=self.statuses),
        ]

    def at_prompt(self) -> MemoryBoard:
        return self.board

    def started(self) -> int:
        self.board.operations.one()
        return crc32(self.board.content(CONFIGURATION_FILE) or b"")


class Bench:
    """A fitted board in a depot, and a person who applies what is asked for."""

    def __init__(self, folder: Path) -> None:
        self.depot: Depot = open_depot(folder / "station", ManualClock())
        self.board = MemoryBoard()
        lay_out_node(folder, fit_node(FIT, self.board.unique_id, 0).configuration, bytes(32))
        for path in folder.glob("node.*"):
            self.board.files[path.name] = path.read_bytes()
        self.node = MemoryNode(self.board)
        self.asked: list[str] = []
        self.accepts = False
        self.known = Known(
            *(self.board.unique_id, FITTED, "TE33A-0123", "axles-a", "te33a", "axle 1-6"),
            *("pico", "Pico", "0.1.0", "ab", "cd", "2026-11-29T12:00:00Z"),
        )
        self.depot.inventory.begin(self.known)

    def calibrate(self, order: Order = ORDER) -> None:
        def apply(words: str) -> None:
            self.node.applied = float(words.split()[1])

        def accept(words: str) -> bool:
            self.asked.append(words)
            return self.accepts

        Calibrating(self.depot, self.known, FIT, LIMITS, apply, accept).run(self.node, order)

    def last(self) -> dict[str, object]:
        calibrations = self.depot.inventory.calibrations(self.board.unique_id)
        return vars(calibrations[-1]) if calibrations else {}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    print(f"seed {SEED}")
    return Bench(tmp_path)


def test_a_channel_reads_right_after_its_calibration(bench: Bench) -> None:
    bench.node.gain, bench.node.zero = 1.04, 0.3
    assert abs(bench.node.reading(10.0) - 10.0) > 0.5
    bench.calibrate()
    for value in (0.0, 10.0, 20.0, 35.0):
        assert abs(bench.node.reading(value) - value) < 0.01
    last = bench.last()
    assert (last["initials"], last["certificate"], last["drift"]) == ("AB", "KZ-17", None)
    assert bench.node.channel()["calibration"] == last["number"]
    files = bench.board.files
    assert files["node.json.0"] == files["node.json.1"]
    known = bench.depot.inventory.board(bench.board.unique_id)
    assert known is not None
    assert known.configuration_sha256 != bench.known.configuration_sha256
    (record,) = [
        json.loads(path.read_text()) for path in (bench.depot.folder / "records").iterdir()
    ]
    assert record["result"] == "pass"
    assert record["facts"]["order"]["certificate"] == "KZ-17"
    assert len(record["facts"]["points"]) == 2


def test_drift_is_told_against_the_last_calibration(bench: Bench) -> None:
    bench.calibrate()
    bench.node.zero = 0.2
    bench.calibrate()
    assert bench.last()["drift"] == pytest.approx(-0.2, abs=0.01)
    assert bench.asked == []
    numbers = [one.number for one in bench.depot.inventory.calibrations(bench.board.unique_id)]
    assert numbers == sorted(set(numbers))


def test_a_drift_beyond_its_limit_needs_a_persons_word(bench: Bench) -> None:
    bench.calibrate()
    before = dict(bench.board.files)
    bench.node.zero = 2.0
    with pytest.raises(StationError, match="drifted too far"):
        bench.calibrate()
    assert bench.board.files == before
    (asked,) = bench.asked
    assert "drifted by -2 t" in asked
    bench.accepts = True
    bench.calibrate()
    assert abs(bench.node.reading(10.0) - 10.0) < 0.01


@pytest.mark.parametrize(
    ("spoil", "order", "words"),
    [
        (lambda node: None, replace(ORDER, high=0.0), "too close together"),
        (lambda node: None, replace(ORDER, low=3.0, high=8.0), "too close together"),
        (lambda node: setattr(node, "noise", 2.0), ORDER, "not at rest"),
        (lambda node: setattr(node, "gain", 0.0), ORDER, "does not follow"),
        (lambda node: setattr(node, "gain", 2.0), ORDER, "no sensor of this kind"),
        (lambda node: setattr(node, "gain", -1.0), ORDER, "no sensor of this kind"),
        (lambda node: node.statuses.add(codes.OPEN), ORDER, "cannot be calibrated: open"),
        (lambda node: None, replace(ORDER, place="axle 9"), "has no axle.load at axle 9"),
        (lambda node: None, replace(ORDER, initials=" "), "needs a person"),
        (lambda node: None, replace(ORDER, certificate=""), "needs a person"),
    ],
)
def test_nonsense_is_refused_and_changes_nothing(
    bench: Bench, spoil: Callable[[MemoryNode], None], order: Order, words: str
) -> None:
    before = dict(bench.board.files)
    spoil(bench.node)
    with pytest.raises(StationError, match=words) as refused:
        bench.calibrate(order)
    assert refused.value.what_to_do
    assert bench.board.files == before
    assert bench.last() == {}
    (record,) = [
        json.loads(path.read_text()) for path in (bench.depot.folder / "records").iterdir()
    ]
    assert record["result"] == "fail"


@pytest.mark.parametrize("result", ["fail", "interrupted"])
def test_cut_off_anywhere_the_node_has_one_whole_calibration(tmp_path: Path, result: str) -> None:
    def killed() -> None:
        raise Killed

    cuts = 0
    while True:
        folder = tmp_path / str(cuts)
        folder.mkdir()
        bench = Bench(folder)
        bench.node.gain = 1.05
        bench.board.operations.cut = cuts
        bench.board.operations.break_off = pulled if result == "fail" else killed
        try:
            bench.calibrate()
            break
        except (ContactError, Killed):
            cuts += 1
        bench.board.operations.cut = None
        channel = bench.node.channel()
        if channel["calibration"]:
            assert abs(bench.node.reading(10.0) - 10.0) < 0.02
        else:
            assert bench.node.reading(10.0) == pytest.approx(10.5)
        bench.calibrate()
        assert abs(bench.node.reading(10.0) - 10.0) < 0.02
        told = bench.depot.inventory.calibrations(bench.board.unique_id)
        assert told[-1].number == bench.node.channel()["calibration"]
        if channel["calibration"]:
            assert told[0].number == channel["calibration"]
    assert cuts > 5


def test_two_points_by_hand() -> None:
    """A channel of 0.001 t a step that read 1 and 21 where 0 and 22 were."""
    line = calibrate(
        "axle.load",
        [Point(0.0, 1.0), Point(22.0, 21.0)],
        (1_000_000, 0),
        (1_000_000, 0),
        40.0,
        "axles-a",
        LIMITS,
    )
    assert (line.scale, line.offset) == (1_100_000, -1_100_000_000)
    assert abs(line.drift) == 1.0


def test_the_file_is_what_a_node_reads(bench: Bench) -> None:
    bench.calibrate()
    content = bench.board.content(CONFIGURATION_FILE)
    assert content is not None
    assert encode(json.loads(content)) == content
