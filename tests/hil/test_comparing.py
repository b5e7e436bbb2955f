"""Runs of the bench are held against each other: real ones, of two short scenarios."""

from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from gateway.errors import AxleboxError
from hil.bench.cli import app
from hil.bench.record import Record
from hil.bench.reporting import JSON, make_report, read_report, write_report

pytestmark = pytest.mark.timeout(300)

SCENARIO = """
title = "A few seconds of the brakes"
covers = ["promise 1"]
nodes = ["brakes-a"]
seconds = 5
seed = 11
"""
SIMULATED, REAL = "short", "short-mqtt"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs `one` and `two` are alike; `other` is of another seed."""
    folder = tmp_path_factory.mktemp("runs")
    scenarios = [folder / f"{SIMULATED}.toml", folder / f"{REAL}.toml"]
    scenarios[0].write_text(SCENARIO)
    scenarios[1].write_text(SCENARIO + 'link = "mqtt"\nsettle_s = 60\n')
    for name, seed in (("one", ()), ("two", ()), ("other", ("--seed", "12"))):
        call = ["run", *map(str, scenarios), *seed, "--report", str(folder / name)]
        done = CliRunner().invoke(app, call, catch_exceptions=False)
        print(done.output)
        assert done.exit_code == 0
    return folder


def compared(*files: Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["compare", *map(str, files)])
    assert done.exception is None or isinstance(done.exception, (AxleboxError, SystemExit))
    told = str(done.exception) if isinstance(done.exception, AxleboxError) else done.output
    print(told)
    return done.exit_code, told


def changed(runs: Path, folder: Path, name: str, **changes: object) -> Path:
    """Run `two` with something else in the record of one scenario, in `folder`."""
    read = read_report(runs / "two" / JSON)

    def made(record: Record) -> Record:
        return msgspec.structs.replace(record, **changes) if record.name == name else record

    write_report(make_report([made(each) for each in read.records], read.interpreter), folder)
    return folder / JSON


def test_two_runs_come_to_the_same(folder: Path) -> None:
    one, two = folder / "one" / JSON, folder / "two" / JSON
    taken = [read_report(path).records for path in (one, two)]
    assert taken[0][0].digest == taken[1][0].digest != ""
    assert taken[0][1].samples > 0, "of the broker's scenario; how many, chance decides"
    code, told = compared(one, two)
    assert code == 0
    assert "the same in 2 runs: in simulated time, byte for byte: 1; in real time, by " in told
    assert "exact account: 1; skipped: 0\n" in told
    assert "different" not in told


def test_a_run_of_another_seed_is_different_and_what_differs_is_named(folder: Path) -> None:
    code, told = compared(*(folder / name / JSON for name in ("one", "two", "other")))
    assert code == 1
    (line,) = [line for line in told.splitlines() if line.startswith(f"{SIMULATED}: ")]
    digests = [read_report(folder / name / JSON).records[0].digest for name in ("one", "other")]
    assert f"seed 11 in {folder}/one/{JSON}, 11 in {folder}/two/{JSON}, 12 in {folder}" in line
    assert f"digest {digests[0][:16]} in {folder}/one/{JSON}, " in line
    assert f" {digests[1][:16]} in {folder}/other/{JSON}" in line
    assert f"different: {SIMULATED}, {REAL}" in told


@pytest.mark.parametrize(
    ("name", "changes", "says"),
    [
        (SIMULATED, {"digest": "0" * 64}, "digest "),
        (SIMULATED, {"samples": 1}, "samples "),
        (SIMULATED, {"skipped": "no interpreter"}, "verdict passed in "),
        (REAL, {"stored": 1}, "account exact in "),
        (REAL, {"duplicated": 1}, "account exact in "),
        (REAL, {"skipped": "no broker"}, "verdict passed in "),
    ],
)
def test_what_came_to_something_else_is_named(
    folder: Path, tmp_path: Path, name: str, changes: dict[str, object], says: str
) -> None:
    code, told = compared(folder / "one" / JSON, changed(folder, tmp_path, name, **changes))
    assert code == 1
    assert f"{name}: {says}" in told
    assert f"different: {name}\n" in told


def test_how_many_samples_there_are_in_real_time_is_chance(folder: Path, tmp_path: Path) -> None:
    more = changed(folder, tmp_path, REAL, samples=1007, stored=1000, thinned=4, lost=3)
    assert compared(folder / "one" / JSON, more)[0] == 0


def test_a_scenario_that_a_run_lacks_is_named(folder: Path, tmp_path: Path) -> None:
    read = read_report(folder / "two" / JSON)
    write_report(make_report(read.records[:1], read.interpreter), tmp_path)
    code, told = compared(folder / "one" / JSON, tmp_path / JSON)
    assert code == 1
    assert f"{REAL}: not in {tmp_path / JSON}" in told


def test_an_account_that_is_never_exact_is_no_agreement(folder: Path, tmp_path: Path) -> None:
    code, told = compared(
        *(changed(folder, tmp_path / name, REAL, stored=1) for name in ("a", "b"))
    )
    assert code == 1
    assert f"{REAL}: account of " in told


def test_what_cannot_be_compared_is_told_with_what_to_do(folder: Path, tmp_path: Path) -> None:
    one = folder / "one" / JSON
    code, told = compared(one)
    assert code == 1
    assert "name the report.json of another" in told
    code, told = compared(one, tmp_path / "none")
    assert code == 1
    assert "`axlebox bench run` makes one" in told
