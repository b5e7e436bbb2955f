"""Bundles for boards of the bench, and a locomotive in simulated time whose nodes take them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gateway.profiles import GroupFit, NodeFit, TachoSensor, load_profile
from gateway.update.bundle import pack, public_key, sign
from gateway.update.progress import NodeProgress
from hil.bench_firmware import firmware_of
from hil.firmware_bundle import slot_files
from hil.firmware_files import board_files
from hil.interpreter import find_interpreter
from hil.lockstep_rig import LockstepRig
from hil.rig import RigPlan
from simulators.locomotive import Locomotive

__all__ = [
    "BOARD",
    "KEY",
    "NODE",
    "STANDING_RPM",
    "Field",
    "broken",
    "field",
    "made_bundle",
    "unsigned_bundle",
]

BOARD = "pico"
NODE = "axles-a"
KEY = bytes(range(64, 96))
BLOCKS = 352
STANDING_RPM = 4.0
WITNESS = "bogie-a"
_WITNESS_FIT = NodeFit(
    name=WITNESS,
    groups=[
        GroupFit(
            quantity="axle.speed",
            places=["axle 1"],
            period_ms=500,
            sensor=TachoSensor(teeth=60, full_rpm=1500),
        )
    ],
)
_ABOUT = "axnode/__init__.py"


def unsigned_bundle(
    folder: Path,
    release: int = 2,
    version: str = "0.2.0",
    board: str = BOARD,
    minimum: int = 1,
    changes: Mapping[str, Callable[[str], str]] | None = None,
) -> bytes:
    """This firmware under another version; `changes` make another text of a source file's."""
    sources = board_files()

    def renamed(text: str) -> str:
        text = text.replace("RELEASE = 1\n", f"RELEASE = {release}\n")
        return text.replace('VERSION = "0.1.0"', f'VERSION = "{version}"')

    for name, change in {_ABOUT: renamed, **(changes or {})}.items():
        path = folder / "sources" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        before = sources[name].read_text(encoding="utf-8")
        after = change(before)
        assert after != before, name
        path.write_text(after, encoding="utf-8")
        sources[name] = path
    built = firmware_of(find_interpreter().command, sources)
    contents = {
        path.relative_to(built).as_posix(): path.read_bytes()
        for path in built.rglob("*")
        if path.is_file()
    }
    return pack(board, version, release, minimum, slot_files(contents))


def made_bundle(folder: Path, key: bytes = KEY, **options: Any) -> bytes:
    """The same, signed."""
    return sign(unsigned_bundle(folder, **options), key)


def broken(before: str, after: str) -> Callable[[str], str]:
    """A change of a source file."""
    return lambda text: text.replace(before, after)


class Wheel:
    """What one axle's speed is, in turns a minute; below 5 is under 1 km/h, which is standing."""

    def __init__(self) -> None:
        self.rpm = STANDING_RPM

    def values(self, quantity: str, place: str, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.full_like(t_s, self.rpm)


class Field:
    """A locomotive in the depot, whose gateway is asked for updates. `wheel` is seen by a node of
    its own, WITNESS."""

    def __init__(self, rig: LockstepRig, wheel: Wheel) -> None:
        self.rig = rig
        self.wheel = wheel

    @property
    def updating(self) -> Any:
        return self.rig.gateway.core.updating

    def ask(self, data: bytes, *nodes: str, vouched: bool = False) -> None:
        self.updating.ask(data, nodes or [NODE], "test", vouched=vouched)

    def progress(self, node: str = NODE) -> NodeProgress:
        state = self.updating.state()
        assert state is not None
        return next(one for one in state.nodes if one.node == node)

    def until(self, condition: Callable[[], bool], limit_s: float = 400.0) -> float:
        """Seconds that passed until it held; the test fails at the limit."""
        begin_us = self.rig.clock.monotonic_us()
        while not condition():
            passed_s = (self.rig.clock.monotonic_us() - begin_us) / 1e6
            assert passed_s < limit_s, f"{self.updating.state()}\n{self.console()}"
            self.rig.run_for(0.25)
        return (self.rig.clock.monotonic_us() - begin_us) / 1e6

    def end(self, limit_s: float = 600.0) -> NodeProgress:
        """How the update of the node ended."""
        self.until(lambda: bool(self.updating.state().ended), limit_s)
        return self.progress()

    def firmware(self, node: str = NODE) -> str | None:
        hello = self.rig.gateway.core.registry.hello(node)
        return None if hello is None else str(hello.firmware)

    def health(self, node: str = NODE) -> dict[str, int | None]:
        return dict(self.rig.gateway.core.registry.health()[node])

    def console(self, node: str = NODE) -> str:
        path = self.rig.plan.folder / "nodes" / node / "console.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


@contextmanager
def field(
    folder: Path,
    seed: int,
    nodes: tuple[str, ...] = (NODE,),
    flash_blocks: int = BLOCKS,
    **options: Any,
) -> Iterator[Field]:
    """Started, and heard for five seconds."""
    print(f"seed {seed}")
    folder.mkdir(exist_ok=True)
    profile = load_profile("te33a")
    locomotive = Locomotive(profile, seed)
    wheel = Wheel()
    fits = (
        *((node, locomotive, False) for node in profile.nodes if node.name in nodes),
        (_WITNESS_FIT, wheel, True),
    )
    plan = RigPlan(profile, "TE33A-0001", fits, folder, seed, update_keys=(public_key(KEY).hex(),))
    rig = LockstepRig(plan, find_interpreter(), flash_blocks=flash_blocks, **options)
    try:
        rig.start()
        rig.run_for(5)
        yield Field(rig, wheel)
    finally:
        rig.stop()
