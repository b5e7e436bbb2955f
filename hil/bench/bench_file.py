"""The description of a bench with a real board: what is plugged in where. One TOML file."""

from pathlib import Path

import msgspec
from msgspec import Struct

from gateway.config import as_path
from gateway.errors import ConfigError
from gateway.profiles import load_profile

__all__ = ["Bench", "load_bench"]


class BoardPort(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The board under test: a node of the profile, the port that a gateway opens, and its key.
    `supply`: the relay of the stimulus unit is in its supply."""

    node: str
    port: Path
    key_file: Path
    baud: int = 921_600
    supply: bool = False


class UnitPort(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The stimulus unit."""

    port: Path


class Wire(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which output of the unit is the sensor of which channel of the board."""

    output: str
    quantity: str
    place: str


class Bench(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """docs/stimulus.md explains each key."""

    profile: str
    board: BoardPort
    stimulus: UnitPort
    wired: list[Wire]
    name: str = ""

    @property
    def channels(self) -> dict[tuple[str, str], str]:
        """The output for each wired channel."""
        return {(wire.quantity, wire.place): wire.output for wire in self.wired}


def load_bench(path: Path) -> Bench:
    """Read and check a bench's file; paths in it are from where it lies. Raises ConfigError."""
    try:
        bench = msgspec.toml.decode(path.read_bytes(), type=Bench, dec_hook=as_path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from None
    if bench.name:
        raise ConfigError(f"{path}: take `name` out: a bench is named by its file")
    profile = load_profile(bench.profile)
    nodes = {fit.name: fit for fit in profile.all_nodes}
    if bench.board.node not in nodes:
        raise ConfigError(
            f"{path}: profile {profile.id} has no node {bench.board.node}; "
            f"it has {', '.join(nodes)}"
        )
    for names, what in (
        ([wire.output for wire in bench.wired], "output"),
        ([f"{wire.quantity} {wire.place}" for wire in bench.wired], "channel"),
    ):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ConfigError(f"{path}: {what} {twice[0]} is wired twice")
    measured = {
        (group.quantity, place)
        for group in nodes[bench.board.node].groups
        for place in group.places
    }
    for wire in bench.wired:
        if (wire.quantity, wire.place) not in measured:
            raise ConfigError(
                f"{path}: node {bench.board.node} has no {wire.quantity} {wire.place}"
            )
    folder = path.parent
    return msgspec.structs.replace(
        bench,
        name=path.name,
        board=msgspec.structs.replace(
            bench.board,
            port=folder / bench.board.port,
            key_file=folder / bench.board.key_file,
        ),
        stimulus=UnitPort(port=folder / bench.stimulus.port),
    )
