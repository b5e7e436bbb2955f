"""A machine's fault in the waveform: physics, chip, firmware and gateway, to the stored burst."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
import pytest
from axwire.cose import split
from axwire.parse import Waveform, parse_up
from axwire.places import place_name
from axwire.quantities import QUANTITIES
from beside import beside
from numpy.typing import NDArray
from rigs import running
from shaken import RATE_HZ, RING_HZ, envelope, lines, strongest_hz

from gateway.commands import Answer, Request
from gateway.profiles import GroupFit, NodeFit, TachoSensor, VibrationSensor, load_profile
from gateway.spool import Kind, read_records
from hil.account import read_store
from hil.interpreter import find_interpreter
from hil.lockstep_rig import LockstepRig
from hil.rig import RigPlan
from simulators.duties import Duty, Section, Train, load_duty
from simulators.faults import HotBearing, MachineFault, WheelFlat
from simulators.locomotive import Locomotive

pytestmark = pytest.mark.timeout(600)

SEED = 83
NODE = "bogie-a"
LOUD = "axle 2 left"
QUIET = "axle 3 left"
CRUISING_S = 90.0
SAMPLES = 512
BURST_S = 0.6
"""In which a burst that is asked for has been sent."""

FAULTS = {"outer": 9.2282, "inner": 21 - 9.2282}
"""By hand, blows a turn of 21 rollers of 23 mm on a pitch of 187 mm, at an angle of 10 degrees:
23/187 cos 10 = 0.12113, 21/2 x (1 - 0.12113) = 9.2282; both races together 21."""

THUD_HZ = (380.0, 600.0)
Values = NDArray[np.float64]

EXPRESS = Duty(
    title="160 km/h on the level",
    source="chosen",
    ambient_c=10,
    train=Train(wagons=4, wagon_t=50, wagon_length_m=25),
    driving=msgspec.structs.replace(load_duty("demo").driving, start_after_s=0, notch_s=1),
    sections=[Section(length_m=100_000, limit_kmh=160, axle_load_class_t=25)],
)
"""Fast, for a window is 19 ms long: much slower, and it holds less than two blows of a bearing."""


@dataclass(frozen=True)
class Burst:
    """m/s^2; `t_s` is the first sample's, since the boot."""

    t_s: float
    values: Values


@dataclass(frozen=True)
class Stored:
    """What came of a run: by place, bursts, and rows of times and values by quantity."""

    bursts: dict[str, list[Burst]]
    rows: dict[tuple[str, str], tuple[Values, Values]]

    def mean(self, quantity: str, place: str) -> float:
        return float(np.nanmean(self.rows[quantity, place][1]))

    def all(self, place: str) -> Values:
        return np.array([burst.values for burst in self.bursts[place]])


def node(period_ms: int, sensor: VibrationSensor) -> NodeFit:
    groups = [("axle.speed", ["axle 2"], 50, TachoSensor(teeth=60, full_rpm=1500))]
    groups.append(("axle.acceleration", [LOUD, QUIET], period_ms, sensor))
    return NodeFit(
        name=NODE,
        groups=[
            GroupFit(quantity=quantity, places=places, period_ms=every_ms, sensor=fitted)
            for quantity, places, every_ms, fitted in groups
        ],
    )


def run(
    folder: Path,
    profile_id: str,
    duty: Duty | str,
    fit: NodeFit,
    fault: MachineFault | None,
    seconds: float = 0,
    asked: Sequence[str] = (),
) -> Stored:
    """A locomotive at cruising speed, whose fault is there from the start. Then each of the places
    `asked` is asked for a burst."""
    print(f"seed {SEED}")
    profile = load_profile(profile_id)
    faults = [] if fault is None else [(0.0, None, fault)]
    locomotive = Locomotive(profile, SEED, duty, faults, start_s=CRUISING_S)
    plan = RigPlan(profile, "X", ((fit, locomotive, False),), folder, SEED)
    rig = LockstepRig(plan, find_interpreter())
    answers: list[Answer] = []
    try:
        rig.start()
        rig.run_for(4)
        signals = rig.targets[fit.name].fitting.signals
        channels = {signal.place: signal.channel for signal in signals}
        for place in asked:
            request = Request(node=fit.name, command="burst", arguments=[channels[place]])
            rig.gateway.core.commands.ask(request, "test", answers.append)
            rig.run_for(BURST_S)
        rig.run_for(seconds)
        account = rig.settle()
    finally:
        rig.stop()
    assert {answer.result for answer in answers} <= {"done"}
    assert (account.stored, account.lost, account.duplicated) == (account.taken, 0, 0)
    return stored(rig)


def waveforms(spool: Path) -> dict[tuple[int, int], list[Waveform]]:
    """By channel and burst, the pieces that are stored, in order."""
    pieces: dict[tuple[int, int], list[Waveform]] = {}
    for record in read_records(spool, None):
        if record.kind == Kind.MESSAGE:
            up = parse_up(split(record.body).payload)
            if isinstance(up, Waveform):
                pieces.setdefault((up.channel, up.burst), []).append(up)
    return {
        key: sorted(found, key=lambda piece: piece.piece) for key, found in sorted(pieces.items())
    }


def stored(rig: LockstepRig) -> Stored:
    rows: dict[tuple[str, str], list[tuple[Values, Values]]] = {}
    scales: dict[int, float] = {}
    for block in sorted(read_store(rig.spool).blocks, key=lambda block: block.sequence):
        group, raw = block.rows.group, block.rows.raw
        times = (block.rows.t_ms + np.arange(len(raw)) * group.period_ms) / 1000
        for column, channel in enumerate(group.channels):
            scales[group.first + column] = group.scales[column]
            key = (QUANTITIES[channel.quantity].name, place_name(channel.place))
            rows.setdefault(key, []).append((times, block.rows.values[:, column]))
    places = {signal.channel: signal.place for signal in rig.targets[NODE].fitting.signals}
    bursts: dict[str, list[Burst]] = {LOUD: [], QUIET: []}
    for (channel, _), pieces in waveforms(rig.spool).items():
        codes = np.frombuffer(b"".join(piece.samples for piece in pieces), "<i2")
        assert (len(codes), pieces[0].period_ns) == (SAMPLES, 37_500)
        burst = Burst(pieces[0].t_ms / 1000, codes * scales[channel])
        bursts[places[channel]].append(burst)
    joined = {
        key: (np.concatenate([t for t, _ in parts]), np.concatenate([v for _, v in parts]))
        for key, parts in rows.items()
    }
    return Stored(bursts, joined)


def turns_a_second(run: Stored) -> float:
    """Of axle 2, by its tacho."""
    _, rpm = run.rows["axle.speed", "axle 2"]
    return float(np.nanmean(rpm[np.nonzero(rpm)])) / 60


@pytest.mark.parametrize("part", FAULTS)
def test_bursts_show_a_bearing_at_its_frequency_and_a_sound_one_does_not(
    tmp_path: Path, part: Literal["outer", "inner"]
) -> None:
    fit = node(250, VibrationSensor())
    fault = HotBearing("axle 2 left", damage=0.25, part=part)
    asked = [LOUD] * 16
    broken = run(tmp_path / "broken", "kz4at", EXPRESS, fit, fault, asked=asked)
    sound = run(tmp_path / "sound", "kz4at", EXPRESS, fit, None, asked=asked)
    assert len(broken.bursts[LOUD]) == len(sound.bursts[LOUD]) == 16
    hz = FAULTS[part] * turns_a_second(broken)
    envelopes = [envelope(one.all(LOUD), RING_HZ) for one in (broken, sound)]
    beside("peak of the envelopes", strongest_hz(envelopes[0], 70, 400, fill=16), hz, "Hz", 0.04)
    at, _ = lines(envelopes[0], 16)
    near = np.abs(at - hz) < 0.04 * hz
    strength = [float((lines(one, 16)[1] ** 2).mean(axis=0)[near].max()) for one in envelopes]
    print(f"{strength[0] / strength[1]:.1f} times as strong as that of a sound bearing")
    assert strength[0] > 5 * strength[1]
    assert abs(strongest_hz(envelopes[1], 70, 400, fill=16) - hz) > 0.1 * hz


def test_a_bearing_raises_kurtosis_and_crest_of_the_rows(tmp_path: Path) -> None:
    fit = node(250, VibrationSensor())
    broken = run(tmp_path, "te33a", "demo", fit, HotBearing("axle 2 left"), 10)
    loud, quiet = (
        {what: broken.mean(f"axle.vibration_{what}", place) for what in ("kurtosis", "crest")}
        for place in (LOUD, QUIET)
    )
    print(f"defective {loud}, sound {quiet}")
    assert loud["kurtosis"] > quiet["kurtosis"] + 1
    assert loud["crest"] > quiet["crest"] + 1


def test_a_flat_sends_a_burst_when_it_strikes_which_it_does_once_a_turn(tmp_path: Path) -> None:
    """They come one by one, at an unsteady speed: the angle of the wheel is what they share."""
    fit = node(100, VibrationSensor(burst_on="peak", burst_level=70.0))
    struck = run(tmp_path / "struck", "te33a", "demo", fit, WheelFlat("axle 2"), 30)
    sound = run(tmp_path / "sound", "te33a", "demo", fit, None, 30)
    assert sound.bursts == {LOUD: [], QUIET: []}
    assert struck.bursts[QUIET] == []
    bursts = struck.bursts[LOUD]
    assert len(bursts) > 20
    beside("ringing of the wheel", strongest_hz(struck.all(LOUD), 100, 13_000, 4), 480, "Hz", 0.05)
    t_s, rpm = struck.rows["axle.speed", "axle 2"]
    t_s, rpm = t_s[np.isfinite(rpm)], rpm[np.isfinite(rpm)]
    turned = np.append(0, np.cumsum((rpm[1:] + rpm[:-1]) / 2 / 60 * np.diff(t_s)))
    thuds = np.argmax(envelope(struck.all(LOUD), THUD_HZ), axis=1) / RATE_HZ
    angles = np.interp([burst.t_s for burst in bursts] + thuds, t_s, turned)
    a_turn = np.arange(0.5, 1.6, 0.002)
    alike = np.abs(np.exp(2j * np.pi * a_turn[:, None] * angles).mean(axis=1))
    beside("blows a turn", float(a_turn[np.argmax(alike)]), 1, "", 0.005)
    assert alike.max() > 0.95


def test_the_same_comes_in_real_time(tmp_path: Path) -> None:
    """A burst that its kurtosis triggers: nothing but blows makes it so high."""
    profile = load_profile("te33a")
    locomotive = Locomotive(
        profile, SEED, "demo", [(0.0, None, HotBearing("axle 2 left"))], start_s=CRUISING_S
    )
    fit = node(250, VibrationSensor(burst_on="kurtosis", burst_level=4.0))
    with running(
        tmp_path, SEED, nodes=("axles-a",), replace={"axles-a": (fit, locomotive, False)}
    ) as rig:
        channels = {s.place: s.channel for s in rig.targets[NODE].fitting.signals}
        rig.until(lambda: any(waveforms(rig.spool)), 20)
        assert {channel for channel, _ in waveforms(rig.spool)} == {channels[LOUD]}
