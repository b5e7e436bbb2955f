"""A scenario: a locomotive, what happens to it, and what must be seen. One TOML file each."""

from importlib import resources
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct, field

from gateway.alarms.rulebook import load_rules
from gateway.errors import ConfigError
from gateway.profiles import NodeFit, Profile, load_profile
from hil.bench.capabilities import BY_LINK, lacking, needs_of_happening
from hil.bench.expectations import (
    AlarmRaised,
    Answers,
    Backlog,
    Expectation,
    InServer,
    NoAlarm,
    OthersOk,
)
from hil.bench.happenings import (
    ChipFault,
    DiskStall,
    GatewayDown,
    Happening,
    Machine,
    OfServer,
    SensorFault,
)
from simulators.board.faults import BUS, CHIP, INPUT, WORDS
from simulators.locomotive import Locomotive

__all__ = ["Scenario", "load_scenario", "scenario_files"]

FOLDER = "scenarios"
_AS = " as "


class Scenario(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What happens to which nodes, and what must be seen; docs/bench.md explains each key."""

    title: str
    covers: list[str]
    profile: str = "te33a"
    recording: str = ""
    duty: str = "demo"
    duty_from_s: float = 0.0
    nodes: list[str]
    link: Literal["serial", "mqtt"] = "serial"
    by_broker: int = 1
    seconds: float
    seed: int = 1
    needs: list[str] = field(default_factory=list)
    long: bool = False
    allows: list[str] = field(default_factory=list)
    settle_s: float = 30.0
    unsaved_most: int = 0
    settings: dict[str, dict[str, int]] = field(default_factory=dict)
    spool: dict[str, int] = field(default_factory=dict)
    flash_blocks: int = 0
    rules: str = ""
    happens: list[Happening] = field(default_factory=list)
    expect: list[Expectation] = field(default_factory=list)
    name: str = ""
    run_as: str = ""
    """What `axlebox bench run` takes for it: its name, or the path of a file of one's own."""

    def fits(self, profile: Profile) -> list[NodeFit]:
        """Those of its nodes; "motors-a as motors-c" is another like motors-a."""
        known = {fit.name: fit for fit in profile.all_nodes}
        fits = []
        for entry in self.nodes:
            name, _, alias = entry.partition(_AS)
            if name not in known:
                raise ConfigError(
                    f"profile {profile.id} has no node {name}; it has {', '.join(known)}"
                )
            fits.append(msgspec.structs.replace(known[name], name=alias or name))
        return fits

    def locomotive(self, profile: Profile) -> Locomotive:
        """With its duty and its faults. Raises ConfigError where it cannot have them."""
        faults = [
            (what.at_s, what.until_s, what.fault)
            for what in self.happens
            if isinstance(what, Machine)
        ]
        return Locomotive(profile, self.seed, self.duty, faults, self.duty_from_s)

    @property
    def has_server(self) -> bool:
        """Whether the gateway forwards, because something is said of the server."""
        return any(
            isinstance(each, OfServer | Backlog | InServer)
            for each in (*self.expect, *self.happens)
        )

    def channels(self) -> dict[tuple[str, str], None]:
        """Those that it speaks of, quantity and place, in that order."""
        spoken: dict[tuple[str, str], None] = {}
        for each in (*self.expect, *self.happens):
            quantity = getattr(each, "quantity", None)
            if quantity is not None:
                for place in (getattr(each, "place", None), getattr(each, "than", None)):
                    if place is not None:
                        spoken[quantity, place] = None
        return spoken


def scenario_files() -> list[Path]:
    """Those that come with axlebox, in order of their names."""
    folder = Path(str(resources.files("hil") / FOLDER))
    return sorted(folder.glob("*.toml"))


def load_scenario(path: Path) -> Scenario:
    """Read and check a scenario. Raises ConfigError, which names what to mend."""
    try:
        scenario = msgspec.toml.decode(path.read_bytes(), type=Scenario)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from None
    if scenario.name or scenario.run_as:
        raise ConfigError(f"{path}: take `name` and `run_as` out: a scenario is named by its file")
    run_as = path.stem if path in scenario_files() else str(path)
    beside = {
        key: str((path.parent / name).resolve())
        for key in ("recording", "rules")
        if (name := getattr(scenario, key))
    }
    scenario = msgspec.structs.replace(scenario, name=path.stem, run_as=run_as, **beside)
    profile = load_profile(scenario.profile)
    try:
        fits = {fit.name: fit for fit in scenario.fits(profile)}
        scenario.locomotive(profile)
        shipped = load_rules(profile)
        own = load_rules(profile, Path(scenario.rules) if scenario.rules else None)
        known = {one.rule.id for one in (*shipped, *own) if not one.rule.sign}
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    for number, what in enumerate(scenario.happens, 1):
        for why in _wrong_happening(what, scenario, fits):
            raise ConfigError(f"{path}: happens {number}: {why}")
    for number, expected in enumerate(scenario.expect, 1):
        for why in _wrong_expectation(expected, fits, known):
            raise ConfigError(f"{path}: expect {number}: {why}")
    if not scenario.covers:
        raise ConfigError(f"{path}: say in `covers` which promise or requirement this is about")
    return scenario


def _wrong_happening(what: Happening, scenario: Scenario, fits: dict[str, NodeFit]) -> list[str]:
    wrong = []
    lacks = lacking(needs_of_happening(what), BY_LINK[scenario.link])
    if lacks and not isinstance(what, (SensorFault, ChipFault)):
        wrong.append(f"this cannot happen where link is {scenario.link}: there is no {lacks}")
    node = getattr(what, "node", None)
    if node is not None and node not in fits:
        wrong.append(f"node {node} is not one of {', '.join(fits)}")
    until_s = getattr(what, "until_s", None)
    if not 0 <= what.at_s < scenario.seconds:
        wrong.append(f"at_s {what.at_s} is not within the {scenario.seconds} s of the scenario")
    if until_s is not None and not what.at_s < until_s <= scenario.seconds:
        wrong.append(f"until_s {until_s} is not between at_s and the end of the scenario")
    if isinstance(what, GatewayDown) and any(
        what.at_s <= other.until_s and other.at_s <= what.until_s
        for other in scenario.happens
        if isinstance(other, DiskStall)
    ):
        wrong.append("the gateway cannot be stopped while its disk stalls: it waits for the disk")
    if isinstance(what, (SensorFault, ChipFault)):
        if what.word not in WORDS:
            wrong.append(f"there is no fault {what.word}; there are {', '.join(sorted(WORDS))}")
        elif (WORDS[what.word][0] == INPUT) != isinstance(what, SensorFault):
            kinds = {BUS: "chip", CHIP: "chip", INPUT: "sensor"}
            wrong.append(f"{what.word} is of kind {kinds[WORDS[what.word][0]]!r}")
        if not wrong and (what.quantity, what.place) not in _channels(fits[what.node]):
            wrong.append(f"node {what.node} has no {what.quantity} {what.place}")
    return wrong


def _wrong_expectation(
    expected: Expectation, fits: dict[str, NodeFit], rules: set[str]
) -> list[str]:
    if isinstance(expected, (AlarmRaised, NoAlarm)):
        named = [expected.rule] if isinstance(expected, AlarmRaised) else expected.rules
        return [
            f"there is no rule {name} that raises an alarm" for name in named if name not in rules
        ]
    if isinstance(expected, (OthersOk, Answers)) and expected.node not in fits:
        return [f"node {expected.node} is not one of {', '.join(fits)}"]
    quantity = getattr(expected, "quantity", None)
    if quantity is None:
        return []
    there = [channel for fit in fits.values() for channel in _channels(fit)]
    places = [getattr(expected, "place", "")]
    places += [expected.than] if hasattr(expected, "than") else []
    return [
        f"none of the nodes measures {quantity} at {place}"
        for place in places
        if (quantity, place) not in there
    ]


def _channels(fit: NodeFit) -> list[tuple[str, str]]:
    return [channel for group in fit.groups for channel in group.channels]
