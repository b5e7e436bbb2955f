"""A live picture that the test owns, and a TE33A to put into it."""

import asyncio
from typing import Any

import msgspec
from axwire.quantities import BY_NAME

from gateway.alarms.rulebook import load_rules
from gateway.alarms.rules import about
from gateway.core import layout_of
from gateway.profiles import load_profile
from gateway.state import (
    Alarm,
    Channel,
    Forward,
    Layout,
    Locomotive,
    Node,
    Quality,
    Rates,
    Spool,
    State,
)
from gateway.update.progress import ENDED, NodeProgress, NodeStep, UpdateState

NOW_MS = 1_763_755_200_000


class OwnedLive:
    """Shows the state it was last given; `show` must be called in the loop that serves it."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._version = 1
        self._changed = asyncio.Event()
        self.taken = 0
        self.failing: Exception | None = None

    @property
    def version(self) -> int:
        return self._version

    def state(self) -> State:
        if self.failing is not None:
            raise self.failing
        self.taken += 1
        return self._state

    async def changed(self, since: int) -> int:
        while self._version <= since:
            await self._changed.wait()
        return self._version

    def show(self, state: State) -> None:
        self._state = state
        self._version += 1
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def channel(
    id: str,
    quantity: str,
    place: str,
    unit: str,
    value: float | None,
    decimals: int = 0,
    quality: Quality = "ok",
    age_ms: int | None = 90,
    stale_after_ms: int = 2000,
) -> Channel:
    return Channel(
        id=id,
        node=id.partition("/")[0],
        quantity=quantity,
        place=place,
        unit=unit,
        value=value,
        decimals=decimals,
        age_ms=age_ms,
        quality=quality,
        stale_after_ms=stale_after_ms,
    )


def layout(profile: str) -> Layout:
    """What the gateway says of a class."""
    return layout_of(load_profile(profile))


CURRENTS = (412.3, 408.9, 415.0, 410.2, 398.7, 411.4)
WINDINGS = (118.4, 121.0, 119.2, 96.5, 117.8, 120.3)
LOADS = (23.1, 22.8, 23.4, 22.9, 23.0, 23.2)


def te33a(**changes: Any) -> State:
    """A TE33A under way, all well; keyword arguments replace fields of the state."""
    motors = [
        channel(f"motors-a/{n}", "motor.current", f"motor {n + 1}", "A", value)
        for n, value in enumerate(CURRENTS)
    ] + [
        channel(f"motors-a/{n + 6}", "motor.winding_temperature", f"motor {n + 1}", "°C", value)
        for n, value in enumerate(WINDINGS)
    ]
    axles = [
        channel(f"axles-a/{n}", "axle.load", f"axle {n + 1}", "t", value, decimals=1)
        for n, value in enumerate(LOADS)
    ]
    brakes = [
        channel("brakes-a/0", "brake.pipe_pressure", "locomotive", "kPa", 512.4),
        channel("brakes-a/1", "brake.cylinder_pressure", "bogie 1", "kPa", 0.4),
        channel("brakes-a/2", "brake.cylinder_pressure", "bogie 2", "kPa", -0.3),
        channel("brakes-a/3", "brake.main_reservoir_pressure", "locomotive", "kPa", 846.0),
    ]
    state = State(
        locomotive=Locomotive(
            id="TE33A-0001", profile="te33a", title="TE33A", layout=layout("te33a")
        ),
        now_ms=NOW_MS,
        clock_trusted=True,
        version="0.1.0",
        nodes=tuple(
            Node(name=name, status="live", age_ms=120, boot="9f3a01c2", link=f"serial {name}")
            for name in ("motors-a", "axles-a", "brakes-a")
        ),
        channels=(*motors, *axles, *brakes),
        spool=Spool(bytes=1_234_567, free_days=31.5, commit_age_ms=640),
        forward=Forward(state="sending", sent_up_to_ms=NOW_MS - 1000),
        losses={"outbox_full": 0, "missed_deadline": 0},
        refused={"bad_mac": 0, "repeated": 7},
    )
    return msgspec.structs.replace(state, **changes)


def with_channel(state: State, id: str, **changes: Any) -> State:
    """The state with one channel changed."""
    assert id in {known.id for known in state.channels}
    return msgspec.structs.replace(
        state,
        channels=tuple(
            msgspec.structs.replace(known, **changes) if known.id == id else known
            for known in state.channels
        ),
    )


def troubled() -> State:
    """The same locomotive with one of everything that can be wrong."""
    state = te33a(
        clock_trusted=False,
        forward=Forward(
            state="waiting",
            backlog_messages=52_000,
            backlog_bytes=12_400_000,
            waiting_since_ms=NOW_MS - 2 * 3_600_000,
        ),
        losses={"outbox_full": 12, "missed_deadline": 0},
        refused={"bad_mac": 4, "repeated": 7},
        nodes=(
            Node(name="motors-a", status="live", age_ms=120),
            Node(name="axles-a", status="waiting"),
            Node(name="brakes-a", status="stale", age_ms=2_712_000),
        ),
    )
    faults: dict[str, dict[str, Any]] = {
        "motors-a/1": {"quality": "stale", "value": None, "age_ms": 12_400},
        "motors-a/3": {"quality": "short", "value": 1204.0},
        "motors-a/4": {"quality": "out_of_range", "value": -1204.0},
        "motors-a/5": {"quality": "not_ready", "value": None},
        "motors-a/6": {"quality": "open", "value": 850.0},
        "motors-a/8": {"quality": "stuck", "value": 119.2},
        "motors-a/9": {"quality": "saturated", "value": 299.0},
        "motors-a/10": {"quality": "no_answer", "value": None},
        "motors-a/11": {"quality": "stale", "value": None, "age_ms": 2_712_000},
        "brakes-a/0": {"quality": "stale", "value": None, "age_ms": 2_712_000},
        "brakes-a/1": {"quality": "open", "value": -25.0},
        "brakes-a/3": {"quality": "stale", "value": None, "age_ms": 12_000},
    }
    for number in range(6):
        faults[f"axles-a/{number}"] = {"quality": "waiting", "value": None, "age_ms": None}
    for id, changes in faults.items():
        state = with_channel(state, id, **changes)
    return state


def server_away(hours: int = 2) -> State:
    """All is well but for the server, and the clock is right."""
    return te33a(
        forward=Forward(
            state="waiting",
            backlog_messages=52_000,
            backlog_bytes=12_400_000,
            waiting_since_ms=NOW_MS - hours * 3_600_000,
            oldest_unsent_ms=NOW_MS - hours * 3_600_000 - 4000,
            sent_up_to_ms=NOW_MS - hours * 3_600_000 - 4000,
        ),
        rates=Rates(
            samples_per_s=1920.0, messages_per_s=36.0, bytes_per_s=8200.0, sent_bytes_per_s=0.0
        ),
    )


def updating(node: str = "axles-a", step: NodeStep = "sending", **changes: Any) -> State:
    """All is well, and that node takes new firmware; keyword arguments are of its progress."""
    progress = NodeProgress(node=node, step=step, bytes=38_700, of_bytes=86_000)
    state = UpdateState(
        board="pico",
        firmware="0.2.0",
        release=2,
        who="a person",
        ended=step in ENDED,
        nodes=(msgspec.structs.replace(progress, **changes),),
    )
    return te33a(update=state)


def everything() -> State:
    """Each quantity there is, on axles and motors 1 and 2 or on the locomotive."""
    channels = []
    for known in BY_NAME.values():
        kind = known.name.partition(".")[0]
        places = [f"{kind} {n}" for n in (1, 2)] if kind in ("motor", "axle") else ["locomotive"]
        channels += [
            channel(f"n/{known.name}.{n}", known.name, place, known.unit, 846.0)
            for n, place in enumerate(places)
        ]
    return te33a(channels=tuple(channels))


def whole(profile: str = "te33a", **changes: Any) -> State:
    """A locomotive with its complete fitting, all well."""
    fitted = load_profile(profile)
    channels = []
    for node in fitted.all_nodes:
        places = [(group.quantity, place) for group in node.groups for place in group.places]
        for number, (quantity, place) in enumerate(places):
            known = BY_NAME[quantity]
            channels.append(
                channel(
                    f"{node.name}/{number}",
                    quantity,
                    place,
                    known.unit,
                    WHOLE.get(quantity, 1.0),
                    known.decimals,
                )
            )
    named = Locomotive(
        id=f"{fitted.title}-0001", profile=profile, title=fitted.title, layout=layout(profile)
    )
    nodes = tuple(Node(name=node.name, status="live", age_ms=120) for node in fitted.all_nodes)
    state = te33a(locomotive=named, channels=tuple(channels), nodes=nodes)
    return msgspec.structs.replace(state, **changes)


WHOLE = {
    "motor.current": 412.3,
    "motor.winding_temperature": 118.4,
    "motor.speed": 1100.0,
    "axle.load": 23.1,
    "axle.speed": 320.0,
    "axle.bearing_temperature": 41.2,
    "brake.pipe_pressure": 512.4,
    "brake.equalising_pressure": 510.0,
    "brake.cylinder_pressure": 0.4,
    "brake.main_reservoir_pressure": 846.0,
    "supply.voltage": 74.2,
    "ambient.temperature": -31.0,
}


def alarm(
    rule: str, place: str, channels: tuple[str, ...] = (), age_ms: int = 12_000, **changes: Any
) -> Alarm:
    """One alarm of a shipped rule."""
    known = {one.rule.id: one for one in load_rules(load_profile("te33a"))}[rule]
    facts: dict[str, Any] = {
        "id": f"{rule}@{place}",
        "rule": rule,
        "code": known.words.code,
        "kind": about(known.rule),
        "priority": known.priority,
        "state": "unacknowledged",
        "place": place,
        "channels": channels,
        "since_ms": NOW_MS - age_ms,
        "age_ms": age_ms,
    }
    return Alarm(**(facts | changes))


def alarmed() -> State:
    """A locomotive with a hot axlebox, a hot motor, a dead sensor and a silent node."""
    state = whole()
    return msgspec.structs.replace(
        with_channel(
            with_channel(
                with_channel(state, "axleboxes-1/2", value=103.0), "motors-a/8", value=171.0
            ),
            "axles-a/4",
            quality="open",
            value=-5.0,
        ),
        alarms=(
            alarm(
                "axlebox-hot", "axle 2 left", ("axleboxes-1/2",),
                quantity="axle.bearing_temperature", value=103.2, limit=70.0, unit="°C",
                verified=True,
            ),
            alarm(
                "winding-warm", "motor 3", ("motors-a/8",), quantity="motor.winding_temperature",
                value=171.0, limit=165.0, unit="°C",
            ),
            alarm(
                "sensor-fault", "axle 5", ("axles-a/4",), quantity="axle.load",
                id="sensor-fault@axle.load axle 5", state="acknowledged", acknowledged_by="panel",
            ),
            alarm("node-silent", "bogie-2", state="shelved", shelved_until_ms=NOW_MS + 900_000),
        ),
    )  # fmt: skip


def with_each(state: State, **changes: Any) -> State:
    """The state with every channel changed."""
    return msgspec.structs.replace(
        state, channels=tuple(msgspec.structs.replace(c, **changes) for c in state.channels)
    )


def recorded() -> State:
    """The locomotive while its brake node replays a compressor's recording."""
    quantities = (
        ("brake.main_reservoir_pressure", "kPa", 846.0, 0),
        ("air.compressor_pressure", "kPa", 12.0, 0),
        ("air.panel_pressure", "kPa", 848.0, 0),
        ("air.separator_pressure", "kPa", 851.0, 0),
        ("air.dryer_pressure", "kPa", -2.0, 0),
        ("compressor.oil_temperature", "°C", 63.7, 0),
        ("compressor.motor_current", "A", 3.9, 1),
        ("compressor.running", "1", 1.0, 0),
    )
    state = te33a()
    kept = tuple(known for known in state.channels if known.node != "brakes-a")
    replayed = tuple(
        channel(f"brakes-a/{n}", quantity, "locomotive", unit, value, decimals)
        for n, (quantity, unit, value, decimals) in enumerate(quantities)
    )
    return msgspec.structs.replace(state, channels=kept + replayed)
