"""`axlebox station test` on a board whose sensors a stimulus unit plays: both in software, with
wires in between that can be changed over or off."""

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from simulated_unit import SimulatedUnit, Wires
from station_boards import bench_tree_folder, plugged
from typer.testing import CliRunner

from gateway.profiles import LoopSensor, load_profile
from gateway.timebase import SystemClock
from hil.fitting import fit_node
from hil.interpreter import find_interpreter
from hil.station.cli import app
from hil.station.errors import StationError
from hil.station.practice import ANY_SPEED
from hil.virtual_board import VirtualBoard

NODE = "brakes-a"
UNIQUE_ID = "e6614103e7174a2f"
FIT = next(fit for fit in load_profile("te33a").all_nodes if fit.name == NODE)
CHANNELS = [(group, place) for group in FIT.groups for place in group.places]
PLAYED = re.compile(r"PASS error (\S+) at (.+), (\S+) kPa played: (\S+) % of span")


@dataclass
class Bench:
    """A fitted board, a unit, and a person at the station."""

    folder: Path
    board: VirtualBoard
    unit: SimulatedUnit

    def station(self, *words: str) -> str:
        call = [*words, "--slot", str(self.board.link), "--folder", str(self.folder / "station")]
        call += ["--passphrase-file", str(self.folder / "passphrase")]
        return CliRunner().invoke(app, call, catch_exceptions=False).output

    def test(self, leads: Sequence[int | None]) -> str:
        """With each channel's wires at these outputs."""
        wires = Wires(self.unit, self.board, SystemClock(), leads=leads)
        try:
            return self.station(
                *("test", "--seconds", "2", "--limits", str(self.folder / "limits.toml")),
                *("--stimulus", str(self.unit.port), "--wired", str(self.folder / "wired.toml")),
            )
        finally:
            wires.close()


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("bench")
    (folder / "passphrase").touch(mode=0o600)
    (folder / "passphrase").write_text("a long passphrase\n")
    (folder / "limits.toml").write_text(ANY_SPEED)
    (folder / "wired.toml").write_text(
        "".join(
            f'[[wired]]\noutput = "loop {number}"\nquantity = "{group.quantity}"\n'
            f'place = "{place}"\n'
            for number, (group, place) in enumerate(CHANNELS, 1)
        )
    )
    firmware = bench_tree_folder(folder / "firmware")
    wiring = fit_node(FIT, UNIQUE_ID, 1).wiring
    with ExitStack() as stack:
        board = stack.enter_context(
            plugged(folder, unique_id=UNIQUE_ID, wiring=wiring, files=firmware)
        )
        (folder / "unit").mkdir()
        unit = SimulatedUnit(folder / "unit", find_interpreter())
        stack.callback(unit.close)
        made = Bench(folder, board, unit)
        said = made.station(
            *("provision", "--locomotive", "TE33A-0123", "--node", NODE, "--usb"),
            *("--firmware", str(firmware)),
        )
        assert f"PASS {UNIQUE_ID}" in said
        yield made


def test_a_board_that_reads_what_is_played_passes(bench: Bench) -> None:
    told = bench.test(range(4))
    assert told.splitlines()[-1].startswith(f"PASS {NODE} of TE33A-0123: ")
    played = [
        (q, place, float(value), float(off)) for q, place, value, off in PLAYED.findall(told)
    ]
    assert [one[:2] for one in played] == 2 * [(group.quantity, p) for group, p in CHANNELS]
    assert all(abs(off) < 1 for *_, off in played)
    shares = [share_of(quantity, value) for quantity, _, value, _ in played]
    for first, second in zip(shares[:4], shares[4:], strict=True):
        assert abs(first - second) > 0.2
    for at_once in (shares[:4], shares[4:]):
        assert len({round(share, 3) for share in at_once}) == 4


def share_of(quantity: str, value: float) -> float:
    """How far up it is from one end of the sensor to the other."""
    (sensor,) = {group.sensor for group, _ in CHANNELS if group.quantity == quantity}
    assert isinstance(sensor, LoopSensor)
    return (value - sensor.low) / (sensor.high - sensor.low)


@pytest.mark.parametrize(
    ("leads", "what_to_do"),
    [
        (
            (0, None, 2, 3),
            "Look at the wires from loop 2 of the stimulus unit to brake.cylinder_pressure at "
            "bogie 1: nothing arrives there; then test again",
        ),
        (
            (0, 2, 1, 3),
            "Change the wires: loop 3 of the stimulus unit is where loop 2 should be, at "
            "brake.cylinder_pressure at bogie 1; then test again",
        ),
    ],
    ids=["off", "changed over"],
)
def test_a_wire_that_is_wrong_fails_with_that_to_mend(
    bench: Bench, leads: tuple[int | None, ...], what_to_do: str
) -> None:
    with pytest.raises(StationError, match="FAIL error brake") as no:
        bench.test(leads)
    assert no.value.what_to_do == what_to_do
