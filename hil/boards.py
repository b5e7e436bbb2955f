"""The boards that axlebox supports: pins, buses and how a node is wired on each, as data.

`firmware/boards/README.md` explains the files. A file is taken only whole and consistent: its own
wiring must be possible on it.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from hil.errors import BoardError
from hil.file_lines import line_of, toml_lines
from hil.firmware_files import firmware_root

__all__ = ["PIN_ROLES", "Board", "Bus", "board_names", "load_board", "read_board"]

PIN_ROLES = {"uart": ("tx", "rx"), "i2c": ("scl", "sda"), "spi": ("sck", "mosi", "miso")}
"""The lines of each kind of bus."""

_INPUTS = ("rx", "miso")


class _Fact(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    source: str
    verified: bool


class Word(_Fact, frozen=True, forbid_unknown_fields=True, kw_only=True):
    value: Literal["armv6m", "xtensawin"]


class Text(_Fact, frozen=True, forbid_unknown_fields=True, kw_only=True):
    value: str


class Size(_Fact, frozen=True, forbid_unknown_fields=True, kw_only=True):
    value: int


class Thermometer(_Fact, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the board measures its own temperature, as axnode/vitals.py names it."""

    value: Literal["adc4", "mcu", "raw"]


class Supply(_Fact, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A pin behind a divider of the supply: at `full_mv` its converter is at its end."""

    pin: int
    full_mv: int


class Pins(_Fact, frozen=True, forbid_unknown_fields=True, kw_only=True):
    numbers: list[int]


class Header(_Fact, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Numbers are pins, texts are supply and control. `first`: number of each topmost contact."""

    left: list[int | str]
    right: list[int | str]
    usb: Literal["top", "bottom"]
    first: tuple[int, int] | None = None


class Reserved(_Fact, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pins: list[int]
    why: str
    led: bool = False


class Uart(_Fact, frozen=True, forbid_unknown_fields=True, kw_only=True):
    id: int
    tx: list[int] | Literal["any"]
    rx: list[int] | Literal["any"]


class I2c(_Fact, frozen=True, forbid_unknown_fields=True, kw_only=True):
    id: int
    sda: list[int] | Literal["any"]
    scl: list[int] | Literal["any"]


class Spi(_Fact, frozen=True, forbid_unknown_fields=True, kw_only=True):
    id: int
    sck: list[int] | Literal["any"]
    mosi: list[int] | Literal["any"]
    miso: list[int] | Literal["any"]


Bus = Uart | I2c | Spi


class Wiring(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Buses as `node.json` names them, and pins in the order in which they are given away."""

    uart: dict[str, int]
    i2c: dict[str, int]
    spi: dict[str, int]
    rs485_enable: int
    chip_selects: list[int]
    pulses: list[int]


class Board(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One board."""

    id: str
    title: str
    chip: str
    port: Literal["rp2", "esp32"]
    architecture: Word
    machine: Text
    heap_bytes: Size
    counters: Size
    prefix: str
    temperature: Thermometer | None = None
    supply: Supply | None = None
    pins: Pins
    header: Header
    reserved: list[Reserved]
    input_only: Reserved | None = None
    uart: list[Uart]
    i2c: list[I2c]
    spi: list[Spi]
    wiring: Wiring

    @property
    def led(self) -> int | None:
        """The pin of a LED that a node may blink."""
        return next((one.pins[0] for one in self.reserved if one.led), None)

    def answers_as(self, machine: str) -> bool:
        """Whether MicroPython on such a board calls itself that (sys.implementation._machine)."""
        words, own = machine.split(" with "), self.machine.value.split(" with ")
        return (words[0], words[-1]) == (own[0], own[-1])

    def name(self, pin: int) -> str:
        """A pin as the board prints it."""
        return f"{self.prefix}{pin}"

    def refusal(self, pin: int, drives: bool) -> str | None:
        """Why a node must not use the pin so, or None. `drives`: as an output."""
        if pin not in self.pins.numbers:
            return f"{self.title} has no pin {self.name(pin)}"
        for one in self.reserved:
            if pin in one.pins:
                return f"{self.name(pin)} is taken on {self.title}: {one.why}"
        if drives and self.input_only is not None and pin in self.input_only.pins:
            return f"{self.name(pin)} cannot drive a line: {self.input_only.why}"
        return None

    def bus(self, kind: str, number: int) -> Bus | None:
        """The bus of that kind and id."""
        buses: list[Bus] = list(getattr(self, kind))
        return next((bus for bus in buses if bus.id == number), None)

    def bus_refusals(self, kind: str, keys: dict[str, int]) -> Iterator[tuple[str, str]]:
        """(key, why not) for everything of a bus that cannot be on this board."""
        bus = self.bus(kind, keys["id"])
        if bus is None:
            ids = ", ".join(str(one.id) for one in getattr(self, kind))
            yield "id", f"{self.title} has no {kind} {keys['id']}; there are: {ids}"
            return
        for role in PIN_ROLES[kind]:
            if role not in keys:
                yield role, f"the pin of {role} is missing"
                continue
            pin = keys[role]
            allowed = getattr(bus, role)
            if why := self.refusal(pin, role not in _INPUTS):
                yield role, why
            elif allowed != "any" and pin not in allowed:
                could = ", ".join(
                    self.name(one) for one in allowed if self.refusal(one, True) is None
                )
                yield role, f"{kind} {keys['id']} cannot have {role} on {self.name(pin)}: {could}"


def board_names() -> list[str]:
    """The ids of all boards."""
    return sorted(path.stem for path in _folder().glob("*.toml"))


def load_board(name: str) -> Board:
    """The board of that id. Raises BoardError, with file and line where the file is wrong."""
    if name not in board_names():
        raise BoardError(f"there is no board {name}; there are: {', '.join(board_names())}")
    return read_board(_folder() / f"{name}.toml")


def read_board(path: Path) -> Board:
    """A board's file. Raises BoardError with file and line."""
    text = path.read_text(encoding="utf-8")
    lines = toml_lines(text)
    try:
        board = msgspec.toml.decode(text, type=Board)
    except msgspec.ValidationError as error:
        found = re.search(r" - at `(\$[^`]*)`", str(error))
        unknown = re.search(r"unknown field `(\w+)`", str(error))
        where = (found[1] if found else "$") + (f".{unknown[1]}" if unknown else "")
        raise BoardError(f"{path}:{line_of(lines, where)}: {error}") from None
    except msgspec.DecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        raise BoardError(f"{path}:{found[1] if found else 1}: {error}") from None
    for where, why in _problems(board, path.stem):
        raise BoardError(f"{path}:{line_of(lines, where)}: {why}")
    return board


def _problems(board: Board, stem: str) -> Iterator[tuple[str, str]]:
    if board.id != stem:
        yield "$.id", f"the file's name says {stem}, its id {board.id}; make them equal"
    yield from _strangers(board)
    on_header = {*board.header.left, *board.header.right}
    taken: dict[int, str] = {}
    for where, pin, drives in _wired(board):
        if why := board.refusal(pin, drives):
            yield where, why
        elif pin not in on_header:
            yield where, f"{board.name(pin)} is not on the header"
        elif pin in taken:
            yield where, f"{board.name(pin)} is used twice: {taken[pin]} has it"
        taken[pin] = where.removeprefix("$.wiring.")
    for kind in PIN_ROLES:
        for key, why in board.bus_refusals(kind, getattr(board.wiring, kind)):
            yield f"$.wiring.{kind}.{key}", why


def _strangers(board: Board) -> Iterator[tuple[str, str]]:
    """Pins that are named and not there."""
    named: list[tuple[str, list[int]]] = [
        (f"$.reserved[{at}].pins", one.pins) for at, one in enumerate(board.reserved)
    ]
    if board.supply is not None:
        named.append(("$.supply.pin", [board.supply.pin]))
    if board.input_only is not None:
        named.append(("$.input_only.pins", board.input_only.pins))
    for side in ("left", "right"):
        pins = [pin for pin in getattr(board.header, side) if isinstance(pin, int)]
        named.append((f"$.header.{side}", pins))
    for kind, roles in PIN_ROLES.items():
        for at, bus in enumerate(getattr(board, kind)):
            for role in roles:
                allowed = getattr(bus, role)
                named.append((f"$.{kind}[{at}].{role}", [] if allowed == "any" else allowed))
    for where, pins in named:
        for pin in pins:
            if pin not in board.pins.numbers:
                yield where, f"{board.title} has no pin {board.name(pin)}"


def _wired(board: Board) -> Iterator[tuple[str, int, bool]]:
    """(path, pin, whether it is driven) of all that the board's wiring uses."""
    wiring = board.wiring
    for kind, roles in PIN_ROLES.items():
        keys: dict[str, int] = getattr(wiring, kind)
        for role in roles:
            if role in keys:
                yield f"$.wiring.{kind}.{role}", keys[role], role not in _INPUTS
    yield "$.wiring.rs485_enable", wiring.rs485_enable, True
    for pin in wiring.chip_selects:
        yield "$.wiring.chip_selects", pin, True
    for pin in wiring.pulses:
        yield "$.wiring.pulses", pin, False


def _folder() -> Path:
    return firmware_root() / "boards"
