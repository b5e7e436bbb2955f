"""Commands end to end: the command line, a gateway process, real firmware, simulated chips."""

import json
import math
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from axwire.codes import EVENT_BURST
from axwire.cose import split
from axwire.parse import Event, Waveform, parse_up
from numpy.typing import NDArray
from rigs import running

from gateway.profiles import GroupFit, NodeFit, TachoSensor, VibrationSensor
from gateway.spool import Kind, read_records
from hil.account import read_store
from hil.rig import Rig

pytestmark = pytest.mark.timeout(300)

GATEWAY = (sys.executable, "-m", "gateway", "gateway")
SEED = 61
AMPLITUDE = 20.0
SPEED_RPM = 300.0
CHANNELS = 11
IIS3DWB, ADXL345 = 5, 10
"""The channels of the accelerations: behind a tacho and its own four features each."""

BOGIE = NodeFit(
    name="bogie-a",
    groups=[
        GroupFit(
            quantity="axle.speed",
            places=["axle 1"],
            period_ms=50,
            sensor=TachoSensor(teeth=60, full_rpm=1500),
        ),
        GroupFit(
            quantity="axle.acceleration",
            places=["axle 1 left"],
            period_ms=500,
            sensor=VibrationSensor(burst_on="rms", burst_level=30.0),
        ),
        GroupFit(
            quantity="axle.acceleration",
            places=["axle 2 left"],
            period_ms=500,
            sensor=VibrationSensor(chip="adxl345"),
        ),
    ],
)


class Rolling:
    """A wheel that turns evenly, and axle boxes that shake evenly, as hard as the test says."""

    def __init__(self) -> None:
        self.amplitude = AMPLITUDE

    def values(self, quantity: str, place: str, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        value = SPEED_RPM if quantity == "axle.speed" else self.amplitude
        return np.full_like(t_s, value)


ROLLING = Rolling()


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A node with a tacho and two accelerometers, and its gateway."""
    with running(
        tmp_path_factory.mktemp("bogie"),
        SEED,
        nodes=("axles-a",),
        replace={"axles-a": (BOGIE, ROLLING, False)},
    ) as started:
        yield started


def ask(rig: Rig, *words: str, node: str = "bogie-a") -> tuple[int, str]:
    """`axlebox gateway command`, as a process; its exit code and all it printed."""
    done = subprocess.run(
        [*GATEWAY, "command", node, *words, "-c", str(rig.plan.folder / "axlebox.toml")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout


def channels(rig: Rig) -> dict[tuple[str, str], dict[str, Any]]:
    """What the page shows, by quantity and place."""
    shown = rig.gateway.state()["channels"]
    return {(channel["quantity"], channel["place"]): channel for channel in shown}


def metrics(rig: Rig) -> str:
    with urllib.request.urlopen(rig.gateway.page + "metrics", timeout=5) as answer:
        return str(answer.read().decode())


def told(rig: Rig) -> Iterator[Event | Waveform]:
    """Events and waveforms in the store, each as often as it is there."""
    for record in read_records(rig.spool, None):
        if record.kind == Kind.MESSAGE:
            up = parse_up(split(record.body).payload)
            if isinstance(up, Event | Waveform):
                yield up


def bursts(rig: Rig, channel: int) -> dict[int, list[Waveform]]:
    """The pieces in the store of each whole burst of a channel, in order."""
    found: dict[int, list[Waveform]] = {}
    for up in told(rig):
        if isinstance(up, Waveform) and up.channel == channel:
            found.setdefault(up.burst, []).append(up)
    return {
        burst: sorted(pieces, key=lambda each: each.piece)
        for burst, pieces in found.items()
        if len(pieces) == pieces[0].pieces
    }


def test_features_of_vibration_reach_the_page(rig: Rig) -> None:
    shown = channels(rig)
    assert len(shown) == CHANNELS
    assert shown["axle.speed", "axle 1"]["value"] == pytest.approx(SPEED_RPM, rel=0.02)
    for place in ("axle 1 left", "axle 2 left"):
        for quantity, expected, unit in (
            ("axle.vibration_rms", AMPLITUDE / math.sqrt(2), "m/s²"),
            ("axle.vibration_peak", AMPLITUDE, "m/s²"),
            ("axle.vibration_crest", math.sqrt(2), "1"),
            ("axle.vibration_kurtosis", 1.5, "1"),
        ):
            channel = shown[quantity, place]
            assert (channel["quality"], channel["unit"]) == ("ok", unit)
            assert channel["value"] == pytest.approx(expected, rel=0.03), (quantity, place)
        assert abs(shown["axle.acceleration", place]["value"]) < 0.5


@pytest.mark.parametrize(("channel", "samples"), [(IIS3DWB, 512), (ADXL345, 256)])
def test_a_burst_arrives_whole_and_is_stored(rig: Rig, channel: int, samples: int) -> None:
    before = set(bursts(rig, channel))
    code, said = ask(rig, "burst", str(channel))
    assert (code, re.sub(r"[\d.]+ s\b", "T", said)) == (
        0,
        f"bogie-a: sends the next window of channel {channel} (T)\n",
    )
    rig.until(lambda: bool(set(bursts(rig, channel)) - before), 20)
    (burst,) = set(bursts(rig, channel)) - before
    pieces = bursts(rig, channel)[burst]
    assert [piece.piece for piece in pieces] == list(range(pieces[0].pieces))
    raw = np.frombuffer(b"".join(piece.samples for piece in pieces), "<i2")
    assert len(raw) == samples
    group = read_store(rig.spool).ledger.boot("bogie-a", pieces[0].boot).tables[0].groups[1]
    values = raw * group.scales[channel - group.first]
    assert values.max() == pytest.approx(AMPLITUDE, rel=0.05)
    assert values.std() == pytest.approx(AMPLITUDE / math.sqrt(2), rel=0.05)
    events = [up for up in told(rig) if isinstance(up, Event) and up.code == EVENT_BURST]
    assert [burst, channel] in [event.arguments for event in events]


def test_a_feature_that_reaches_its_level_sends_a_burst(rig: Rig) -> None:
    before = set(bursts(rig, IIS3DWB))
    ROLLING.amplitude = 60.0
    try:
        rig.until(lambda: bool(set(bursts(rig, IIS3DWB)) - before), 20)
    finally:
        ROLLING.amplitude = AMPLITUDE
    pieces = bursts(rig, IIS3DWB)[max(bursts(rig, IIS3DWB))]
    raw = np.frombuffer(b"".join(piece.samples for piece in pieces), "<i2")
    assert raw.std() * 488e-6 * 9.80665 >= 30.0


def test_a_self_test_tells_chips_and_board(rig: Rig) -> None:
    code, said = ask(rig, "self-test")
    assert code == 0, said
    lines = said.splitlines()
    assert lines[:4] == [
        "chip 0 (axle.speed at axle 1): ok",
        "chip 1 (axle.vibration_rms at axle 1 left): ok",
        "chip 2 (axle.vibration_rms at axle 2 left): ok",
        "flash: ok",
    ]
    assert re.fullmatch(r"memory: \d+ bytes free", lines[4])
    assert re.fullmatch(r"temperature: 3[34]\.\d °C", lines[5])
    assert re.fullmatch(r"supply: (4\.99|5\.00) V", lines[6])
    assert lines[7].startswith("bogie-a: all is well (")


def test_a_chip_that_does_not_answer_is_found(rig: Rig) -> None:
    target = rig.targets["bogie-a"]
    target.inject({"chip": "adxl3451", "word": "nack"})
    try:
        code, said = ask(rig, "self-test", "--json")
        found = json.loads(said)
    finally:
        target.inject({"chip": "adxl3451", "word": "nack", "clear": True})
    assert (code, found["result"]) == (3, "failed")
    assert [chip["status"] for chip in found["chips"]] == ["ok", "ok", "no_answer"]
    rig.wait(lambda state: all(c["quality"] == "ok" for c in state["channels"]), 20)


def test_another_period_is_told_and_kept(rig: Rig) -> None:
    code, said = ask(rig, "period", "0", "20")
    assert code == 0, said
    assert said.startswith("bogie-a: group 0 is sampled each 20 ms until the next reset")
    boot = int(rig.gateway.state()["nodes"][0]["boot"], 16)
    rig.until(lambda: 1 in read_store(rig.spool).ledger.boot("bogie-a", boot).tables, 10)
    tables = read_store(rig.spool).ledger.boot("bogie-a", boot).tables
    assert [tables[at].groups[0].period_ms for at in (0, 1)] == [50, 20]
    assert ask(rig, "period", "1", "20") == (
        3,
        "bogie-a refuses period: there is no such group, or its chips cannot convert that fast\n",
    )


def test_what_cannot_be_sent(rig: Rig) -> None:
    assert ask(rig, "hello", node="nobody") == (
        1,
        "error: there is no node nobody; there are: bogie-a\n",
    )
    code, said = ask(rig, "reboot", "--boot", "00000000")
    assert (code, said.startswith("error: node bogie-a is in boot ")) == (1, True)
    assert ask(rig, "burst", "0")[0] == 3


def test_it_is_counted_and_logged(rig: Rig) -> None:
    assert ask(rig, "identify", "1")[0] == 0
    shown = metrics(rig)
    assert 'axlebox_commands_sent_total{command="identify"} 1.0' in shown
    assert 'axlebox_commands_answered_total{command="identify",result="done"} 1.0' in shown
    assert 'axlebox_node_health{field="supply_mv",node="bogie-a"} 4' in shown
    log = (rig.plan.folder / "gateway.log").read_text(encoding="utf-8")
    words = " ".join(re.sub(r"\w+\.py:\d+", "", log).split())
    assert re.search(r"\(uid \d+, process \d+\) asks node bogie-a for identify 1 ", words)


def test_a_reboot_ends_with_another_boot_and_is_done_once(rig: Rig) -> None:
    before = rig.gateway.state()["nodes"][0]["boot"]
    code, said = ask(rig, "reboot", "--boot", before)
    assert code == 0, said
    after = re.fullmatch(r"bogie-a: started again, boot ([0-9a-f]{8}) \([\d.]+ s\)\n", said)
    assert after is not None, said
    assert after[1] != before
    assert ask(rig, "reboot", "--boot", before)[0] == 1
    rig.wait(lambda state: all(c["quality"] == "ok" for c in state["channels"]), 20)


def test_a_new_configuration_is_taken_tried_and_kept(rig: Rig) -> None:
    folder = rig.plan.folder
    new = dict(rig.targets["bogie-a"].fitting.configuration, flush_ms=200)
    (folder / "new.json").write_text(json.dumps(new), encoding="utf-8")
    before = rig.gateway.state()["nodes"][0]["boot"]
    code, said = ask(rig, "configure", str(folder / "new.json"))
    assert code == 0, said
    assert "started again with the new configuration, and keeps it" in said
    assert rig.gateway.state()["nodes"][0]["boot"] != before
    (folder / "new.json").write_text(json.dumps({**new, "flush_ms": "often"}), encoding="utf-8")
    code, said = ask(rig, "configure", str(folder / "new.json"))
    assert code == 3, said
    assert "refuses configure" in said or "went back to the configuration before" in said
    rig.wait(lambda state: all(c["quality"] == "ok" for c in state["channels"]), 20)
