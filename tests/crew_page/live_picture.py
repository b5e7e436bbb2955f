"""A live picture that the test owns, and a TE33A to put into it."""

import asyncio
from typing import Any

import msgspec
from axwire.quantities import BY_NAME

from gateway.state import Channel, Forward, Locomotive, Node, Quality, Rates, Spool, State

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
        locomotive=Locomotive(id="TE33A-0001", profile="te33a", title="TE33A"),
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


def everything(tiles_from: int = 0, tiles: int = 99) -> State:
    """Each quantity there is: rows of motors and axles, and `tiles` of the rest from one on."""
    rows = [
        channel(f"n/{quantity.name}.{n}", quantity.name, f"{kind} {n}", quantity.unit, 23.5)
        for quantity in BY_NAME.values()
        if (kind := quantity.name.partition(".")[0]) in ("motor", "axle")
        for n in (1, 2)
    ]
    rest = [
        channel(f"n/{quantity.name}", quantity.name, "locomotive", quantity.unit, 846.0)
        for quantity in BY_NAME.values()
        if quantity.name.partition(".")[0] not in ("motor", "axle")
    ]
    return te33a(channels=(*rows, *rest[tiles_from : tiles_from + tiles]))


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
