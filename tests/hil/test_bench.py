"""The bench itself: a bug that is planted is found and named, a run repeats, a report is read."""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import msgspec
import numpy as np
import pytest
from axwire.errors import WireError
from crew_page.chromium import open_chromium
from typer.testing import CliRunner

import gateway.decode
import gateway.live
import hil.bench_firmware
from gateway.errors import ConfigError
from gateway.forward import Answer, Forwarder, InfluxSink, Verdict
from gateway.ingest import Ingest
from gateway.quick import Proof
from gateway.seen import Seen
from gateway.timebase import SystemClock
from hil.bench.cli import app
from hil.bench.expectations import Expectation
from hil.bench.happenings import Happening
from hil.bench.record import Record
from hil.bench.recording import record_run
from hil.bench.reporting import HTML, JSON, make_report, read_report, write_report
from hil.bench.running import run_scenario
from hil.bench.scenario import Scenario, load_scenario, scenario_files
from hil.bench.stage import LockstepStage
from hil.firmware_files import board_files
from hil.interpreter import Interpreter, find_fast_interpreter
from simulators.recordings.runs import load_run

pytestmark = pytest.mark.timeout(300)

AGAIN = """
title = "A recorded run, played again"
covers = ["promise 5"]
nodes = ["motors-a"]
recording = "run.csv"
seconds = 12

[[expect]]
kind = "tracks"
quantity = "motor.current"
place = "motor 2"
tolerance = 0.5
from_s = 4
to_s = 11
"""
DOCUMENT = Path(__file__).parents[2] / "docs" / "bench.md"
FILES = {path.stem: path for path in scenario_files()}


@pytest.fixture(scope="module")
def interpreter() -> Interpreter:
    return find_fast_interpreter()


def run(name: str, interpreter: Interpreter, **changes: object) -> Record:
    scenario = msgspec.structs.replace(load_scenario(FILES[name]), **changes)
    record = run_scenario(scenario, interpreter, SystemClock())
    print(f"seed {record.seed}", *record.broken, sep="\n")
    return record


# -- planted bugs


def change_firmware(
    monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, before: str, after: str
) -> None:
    """The boards run this file of the firmware with one text in place of another."""
    sources = board_files()
    text = sources[name].read_text(encoding="utf-8")
    assert text.count(before) == 1, f"{name} does not read as this test expects"
    changed = folder / Path(name).name
    changed.write_text(text.replace(before, after), encoding="utf-8")
    sources[name] = changed
    hil.bench_firmware.bench_firmware.cache_clear()
    monkeypatch.setattr(hil.bench_firmware, "board_files", lambda: dict(sources))


def acks_before_the_disk(patch: pytest.MonkeyPatch, folder: Path) -> None:
    holds = Ingest._hold

    def hold(self: Ingest, ticket: int, *rest: object) -> None:
        holds(self, ticket, *rest)  # type: ignore[arg-type]
        self.committed(ticket)

    patch.setattr(Ingest, "_hold", hold)


def stores_what_comes_again(patch: pytest.MonkeyPatch, folder: Path) -> None:
    patch.setattr(Seen, "__contains__", lambda self, sequence: False)


def shows_faults_as_good(patch: pytest.MonkeyPatch, folder: Path) -> None:
    patch.setattr(gateway.live, "_QUALITIES", ("ok",) * len(gateway.live._QUALITIES))


def never_calls_a_node_stale(patch: pytest.MonkeyPatch, folder: Path) -> None:
    patch.setattr(gateway.live, "NODE_SILENT_US", 1 << 60)


def believes_any_mac(patch: pytest.MonkeyPatch, folder: Path) -> None:
    patch.setattr(Proof, "check", lambda self, envelope: None)


def decodes_to_twice_the_value(patch: pytest.MonkeyPatch, folder: Path) -> None:
    true = gateway.decode.GroupTable.__init__

    def doubled(self: gateway.decode.GroupTable, *args: object, **more: object) -> None:
        true(self, *args, **more)  # type: ignore[arg-type]
        object.__setattr__(self, "scales", np.asarray(self.scales) * 2)

    patch.setattr(gateway.decode.GroupTable, "__init__", doubled)


def node_forgets_what_was_not_acknowledged(patch: pytest.MonkeyPatch, folder: Path) -> None:
    change_firmware(
        patch,
        folder,
        "axnode/outbox.py",
        "            if self._sequence[slot] >= upto:\n                break\n",
        "",
    )


def node_obeys_what_is_old(patch: pytest.MonkeyPatch, folder: Path) -> None:
    change_firmware(
        patch,
        folder,
        "axnode/session.py",
        "if last is not None and down.sequence <= last:",
        "if last is not None and down.sequence < 0:",
    )


def driver_calls_an_open_loop_good(patch: pytest.MonkeyPatch, folder: Path) -> None:
    change_firmware(
        patch,
        folder,
        "drivers/ads1115.py",
        "        if self._low <= code <= self._high:\n",
        "        if code <= self._high:\n",
    )


def node_keeps_what_it_should_let_go(patch: pytest.MonkeyPatch, folder: Path) -> None:
    change_firmware(
        patch,
        folder,
        "axnode/node.py",
        "        self._flushes += 1\n",
        "        self._flushes += 1\n        self._notes.append((0, [self._flushes]))\n",
    )


def forwarder_believes_any_answer(patch: pytest.MonkeyPatch, folder: Path) -> None:
    patch.setattr(InfluxSink, "_refusal", lambda self, error: Answer(Verdict.OK))


def forwarder_sends_other_times_again(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """What comes again after a reset is not what went out before."""
    true = InfluxSink.write

    def write(self: InfluxSink, body: bytes, meanwhile: Callable[[], None] | None) -> Answer:
        answer = true(self, body, meanwhile)
        if answer.verdict is Verdict.RESET:
            patch.setattr(InfluxSink, "write", late)
        return answer

    def late(self: InfluxSink, body: bytes, meanwhile: Callable[[], None] | None) -> Answer:
        return true(self, later(body), meanwhile)

    patch.setattr(InfluxSink, "write", write)


def later(body: bytes) -> bytes:
    """Each line 5 ms later."""
    lines = [line.rsplit(b" ", 1) for line in body.split(b"\n")]
    return b"\n".join(b"%s %d" % (line, int(stamp) + 5_000_000) for line, stamp in lines)


def page_does_not_say_what_waits(patch: pytest.MonkeyPatch, folder: Path) -> None:
    patch.setattr(Forwarder, "_delivery_error", lambda self: None)


PLANTED: list[tuple[Callable[[pytest.MonkeyPatch, Path], None], str, str]] = [
    (acks_before_the_disk, "gateway-killed", "promise 1"),
    (stores_what_comes_again, "en50159-serial-duplication", "promise 1"),
    (shows_faults_as_good, "sensor-loop-open", "promise 2"),
    (never_calls_a_node_stale, "cable-pulled", "promise 2"),
    (believes_any_mac, "en50159-serial-masquerade", "promise 3"),
    (decodes_to_twice_the_value, "sensor-spike", "what the machine does is in the data"),
    (node_forgets_what_was_not_acknowledged, "en50159-serial-deletion", "promise 1"),
    (node_obeys_what_is_old, "en50159-serial-repetition-down", "promise 3"),
    (node_keeps_what_it_should_let_go, "gateway-stopped", "heap"),
    (forwarder_believes_any_answer, "server-refuses", "promise 1"),
    (forwarder_sends_other_times_again, "server-answers-lost", "promise 1"),
    (page_does_not_say_what_waits, "server-down", "promise 1"),
    (driver_calls_an_open_loop_good, "sensor-loop-open", "promise 2"),
]


@pytest.mark.parametrize(("plant", "name", "promise"), PLANTED)
def test_a_planted_bug_fails_with_the_promise_it_breaks(
    plant: Callable[[pytest.MonkeyPatch, Path], None],
    name: str,
    promise: str,
    interpreter: Interpreter,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    with monkeypatch.context() as patch:
        plant(patch, tmp_path)
        try:
            broken = run(name, interpreter).broken
        except WireError as error:
            broken = [str(error)]
    hil.bench_firmware.bench_firmware.cache_clear()
    assert any(promise in line for line in broken), broken


def test_a_rule_that_is_switched_off_fails_its_scenario(
    interpreter: Interpreter, tmp_path: Path
) -> None:
    text = FILES["machine-lost-field"].read_text(encoding="utf-8")
    path = tmp_path / "mine.toml"
    path.write_text(text.replace("seconds = 95", 'seconds = 95\nrules = "depot.toml"'))
    depot = tmp_path / "depot.toml"
    depot.write_text('off = ["current-apart"]\n', encoding="utf-8")
    broken = run_scenario(load_scenario(path), interpreter, SystemClock()).broken
    assert [line for line in broken if "current-apart" in line and "never" in line], broken
    assert len(broken) == 1


def test_an_alarm_is_reported_with_its_delay(interpreter: Interpreter) -> None:
    record = run("machine-lost-field", interpreter)
    (check,) = [check for check in record.checks if check.text.startswith("the alarm")]
    print(check)
    assert check.passed
    assert re.fullmatch(r"after 5\.[0-9] s, medium, 100.* %", check.measured)
    assert check.limit == "8 s after 20 s, medium"


# -- runs


@pytest.mark.parametrize("name", ["en50159-serial-corruption", "supply-cut-20ms"])
def test_a_scenario_repeats_byte_for_byte_from_its_seed(
    name: str, interpreter: Interpreter
) -> None:
    first, again = run(name, interpreter), run(name, interpreter)
    other = run(name, interpreter, seed=77)
    assert first.passed
    assert first.digest == again.digest
    assert first.checks == again.checks
    assert other.digest != first.digest


def test_what_the_target_cannot_is_skipped_with_the_reason(interpreter: Interpreter) -> None:
    record = run("sensor-loop-open", interpreter, needs=["oscilloscope"])
    assert record.skipped == "the simulated board has no oscilloscope"
    assert not record.passed


def test_a_run_is_recorded_without_names_and_played_again(
    interpreter: Interpreter, tmp_path: Path
) -> None:
    scenario = load_scenario(FILES["en50159-serial-delay"])
    scenario = msgspec.structs.replace(scenario, happens=[], seconds=15, expect=[])
    stage = LockstepStage(scenario, interpreter, tmp_path / "first")
    try:
        stage.run()
    finally:
        stage.rig.stop()
    record_run(stage.rig.spool, tmp_path / "run.csv")
    text = (tmp_path / "run.csv").read_text(encoding="utf-8")
    assert not any(word in text for word in ("BENCH", "motors-a", "2025", "2026"))
    (tmp_path / "again.toml").write_text(AGAIN, encoding="utf-8")
    played = run_scenario(load_scenario(tmp_path / "again.toml"), interpreter, SystemClock())
    print(played.checks)
    assert played.passed


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("time,value\n", "its first line must be t_s,quantity,place,value"),
        ("t_s,quantity,place,value\n", "it has no samples"),
        ("t_s,quantity,place,value\n1,motor.current,motor 1,x\n", "line 2:"),
    ],
)
def test_a_file_that_is_no_recording_is_named(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=re.escape(says)):
        load_run(path)


# -- files


def test_the_scenarios_cover_what_they_must() -> None:
    covers = {what for path in FILES.values() for what in load_scenario(path).covers}
    print(len(FILES), sorted(covers))
    assert len(FILES) >= 40
    assert {f"promise {number}" for number in (1, 2, 3, 5)} <= covers
    threats = {"repetition", "deletion", "insertion", "re-sequencing"}
    threats |= {"corruption", "delay", "masquerade"}
    assert {f"EN 50159: {threat}" for threat in threats} <= covers
    assert {"EN 50155 criterion C", "server"} <= covers
    words = {type(what) for path in FILES.values() for what in load_scenario(path).happens}
    words |= {type(each) for path in FILES.values() for each in load_scenario(path).expect}
    assert words == {*get_args(Happening), *get_args(Expectation)}, "each word is used"


def test_what_a_link_cannot_is_named(tmp_path: Path) -> None:
    text = FILES["server-refuses"].read_text(encoding="utf-8")
    path = tmp_path / "mine.toml"
    path.write_text(text.replace("seconds = 50", 'link = "mqtt"\nseconds = 50'))
    says = "happens 1: this cannot happen where link is mqtt: there is no server that answers"
    with pytest.raises(ConfigError, match=says):
        load_scenario(path)
    text = FILES["en50159-mqtt-deletion"].read_text(encoding="utf-8")
    path.write_text(text.replace('link = "mqtt"', ""))
    with pytest.raises(ConfigError, match="where link is serial: there is no broker"):
        load_scenario(path)


def test_a_gateway_that_waits_for_its_disk_cannot_be_stopped(tmp_path: Path) -> None:
    text = FILES["disk-stall"].read_text(encoding="utf-8")
    path = tmp_path / "mine.toml"
    down = '[[happens]]\nkind = "gateway_down"\nat_s = 20\nuntil_s = 22\n\n[[expect]]'
    path.write_text(text.replace("[[expect]]", down, 1), encoding="utf-8")
    with pytest.raises(ConfigError, match="happens 2: the gateway cannot be stopped while"):
        load_scenario(path)


@pytest.mark.parametrize(
    ("expect", "says"),
    [
        (
            'kind = "alarm"\nrule = "winding-hott"\nafter_s = 1\nwithin_s = 1',
            "no rule winding-hott",
        ),
        ('kind = "no_alarm"\nrules = ["slowing"]\nfrom_s = 1\nto_s = 2', "no rule slowing that"),
    ],
)
def test_an_alarm_that_no_rule_raises_is_named(expect: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    text = FILES["machine-lost-field"].read_text(encoding="utf-8")
    path.write_text(f"{text}\n[[expect]]\n{expect}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=says):
        load_scenario(path)


WRONG = [
    ('word = "open"', 'word = "opne"', "happens 1: there is no fault opne"),
    ('kind = "sensor"', 'kind = "sensors"', "Invalid value 'sensors'"),
    ('node = "motors-a"', 'node = "motors-b"', "node motors-b is not one of motors-a"),
    ("at_s = 8", "at_s = 80", "happens 1: at_s 80.0 is not within the 16.0 s"),
    ("until_s = 12\nnode", "until_s = 7\nnode", "until_s 7.0 is not between at_s and the end"),
    ('nodes = ["motors-a"]', 'nodes = ["motor-a"]', "profile te33a has no node motor-a; it has"),
    ('place = "motor 3"', 'place = "motor 9"', "has no motor.current motor 9"),
    ("seconds = 16", "second = 16", "unknown field `second`"),
    ('quality = "open"', 'quality = "good"', "Invalid enum value 'good'"),
]


@pytest.mark.parametrize(("right", "wrong", "says"), WRONG)
def test_a_mistake_in_a_scenario_is_named(
    right: str, wrong: str, says: str, tmp_path: Path
) -> None:
    text = FILES["sensor-loop-open"].read_text(encoding="utf-8")
    assert right in text
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(right, wrong, 1), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_scenario(path)
    assert str(path) in str(caught.value)
    assert says in str(caught.value)


def test_the_document_takes_a_newcomer_to_a_scenario_of_his_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its example is written to the file that it names, and its command is run."""
    text = DOCUMENT.read_text(encoding="utf-8")
    _, _, rest = text.partition("```toml\n")
    example, _, rest = rest.partition("```")
    command = next(line for line in rest.splitlines() if "axlebox bench run" in line)
    monkeypatch.chdir(tmp_path)
    Path(command.split()[-1]).write_text(example, encoding="utf-8")
    done = CliRunner().invoke(app, command.split()[2:])
    print(done.output)
    assert done.exit_code == 0
    assert "1 of 1 passed" in done.output
    assert (tmp_path / "build" / "hil" / HTML).exists()


def test_a_machine_fault_that_this_locomotive_cannot_have_is_named(tmp_path: Path) -> None:
    text = FILES["machine-hot-bearing"].read_text(encoding="utf-8")
    path = tmp_path / "mine.toml"
    path.write_text(text.replace('place = "axle 2 left", rise', 'place = "axle 9 left", rise'))
    with pytest.raises(ConfigError, match="axle 9") as caught:
        load_scenario(path)
    assert str(path) in str(caught.value)


# -- reports


def failing(interpreter: Interpreter) -> Record:
    """A scenario that ends its fault a second too soon."""
    scenario: Scenario = load_scenario(FILES["sensor-loop-open"])
    happens = [msgspec.structs.replace(scenario.happens[0], until_s=11.0)]
    return run("sensor-loop-open", interpreter, happens=happens)


def test_the_report_marks_a_failed_expectation_where_it_failed(
    interpreter: Interpreter, tmp_path: Path, chromium: str
) -> None:
    records = [failing(interpreter), run("cable-pulled", interpreter)]
    write_report(make_report(records, "MicroPython"), tmp_path)
    assert read_report(tmp_path / JSON).records == records[::-1], "in order of names"
    assert (records[0].passed, records[1].passed) == (False, True)
    assert "src=" not in (tmp_path / HTML).read_text(encoding="utf-8")
    with open_chromium(chromium) as browser:
        page = browser.new_page(viewport={"width": 1100, "height": 900})
        page.goto((tmp_path / HTML).as_uri())
        assert page.locator("details.failed[open]").count() == 1
        assert "broken: promise 2" in page.locator("details.failed").inner_text()
        mark = page.locator("details.failed svg line.failed").first
        box = mark.bounding_box()
        plot = page.locator("details.failed svg").first.bounding_box()
        assert box is not None
        assert plot is not None
        at = (box["x"] - plot["x"]) / plot["width"] * 900
        second = (at - 70) / (900 - 70 - 12) * records[0].traces[0].t_s[-1]
        assert math.isclose(second, records[0].checks[0].at_s or 0, abs_tol=0.2)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 1100
