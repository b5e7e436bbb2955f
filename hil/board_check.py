"""Whether a node, as its `node.json` has it, can exist on its board.

What the file may say at all is the firmware's to check (`axnode/config.py`); here it is held
against the board's pins and buses, and against the sensors that the profile wants.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gateway.profiles import NodeFit
from hil.boards import PIN_ROLES, Board, load_board
from hil.errors import BoardError
from hil.file_lines import json_lines, line_of
from hil.sensor_wiring import ADDRESSES

__all__ = ["check_node_file", "problems"]

_CHIP_OUTPUTS = ("cs", "sck")
_CHIP_INPUTS = ("dout", "pin", "inverse")
"""Keys of a chip that are pins of its own."""

_COUNTERS = {"rp2": "state machine", "esp32": "PCNT unit"}
"""What `unit` numbers, by port; `sm` is always a state machine."""


def check_node_file(path: Path, fit: NodeFit | None = None) -> Board:
    """The board of a node's `node.json`. Raises BoardError: every problem with file and line.

    `fit`: the node in its profile, each of whose channels must be there.
    """
    try:
        text = path.read_text(encoding="utf-8")
        configuration = json.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise BoardError(f"{path} cannot be read: {error}") from None
    except json.JSONDecodeError as error:
        raise BoardError(f"{path}:{error.lineno}: {error.msg}") from None
    lines = json_lines(text)
    board = _board(configuration, path, lines)
    try:
        found = list(problems(board, configuration, fit))
    except (KeyError, TypeError, AttributeError) as error:
        raise BoardError(f"{path}: a key is missing or of the wrong kind: {error}") from None
    if found:
        raise BoardError("\n".join(f"{path}:{line_of(lines, at)}: {why}" for at, why in found))
    return board


def problems(
    board: Board, configuration: dict[str, Any], fit: NodeFit | None = None
) -> Iterator[tuple[str, str]]:
    """(path in the configuration, what is wrong there)."""
    yield from _buses(board, configuration)
    yield from _vitals(board, configuration)
    yield from _pins(board, configuration)
    yield from _counters(board, configuration)
    yield from _chips(configuration)
    if fit is not None:
        yield from _missing(configuration, fit)


def _board(configuration: Any, path: Path, lines: dict[str, int]) -> Board:
    name = configuration.get("board") if isinstance(configuration, dict) else None
    if not isinstance(name, str):
        raise BoardError(f"{path}:1: the key board is missing: it names the node's board")
    try:
        return load_board(name)
    except BoardError as error:
        raise BoardError(f"{path}:{line_of(lines, '$.board')}: {error}") from None


def _buses(board: Board, configuration: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for where, kind, keys in _each_bus(configuration):
        for key, why in board.bus_refusals(kind, keys):
            yield f"{where}.{key}", why
    for kind in ("i2c", "spi"):
        ids = [keys["id"] for keys in configuration.get(kind, [])]
        for at, number in enumerate(ids):
            if number in ids[:at]:
                yield f"$.{kind}[{at}].id", f"{kind} {number} is there twice"


def _vitals(board: Board, configuration: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """A thermometer or a supply pin that the board does not have."""
    thermometer = configuration.get("temperature")
    own = None if board.temperature is None else board.temperature.value
    if thermometer not in (None, own):
        yield "$.temperature", f"{board.title} measures its temperature by {own}"
    supply = configuration.get("supply")
    if supply is not None and (board.supply is None or supply["pin"] != board.supply.pin):
        has = "nowhere" if board.supply is None else f"at {board.name(board.supply.pin)}"
        yield "$.supply.pin", f"{board.title} measures its supply {has}"


def _pins(board: Board, configuration: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Pins used twice, and pins outside buses that a node must not have."""
    taken: dict[int, str] = {}
    for where, what, pin, drives in _used(configuration):
        if what == "the LED":
            why = None if pin == board.led else board.refusal(pin, drives)
        else:
            why = board.refusal(pin, drives)
        in_bus = not where.startswith(("$.led", "$.chips", "$.uart.de"))
        if why and not in_bus:
            yield where, why
        elif where.endswith(".dout") and board.input_only and pin in board.input_only.pins:
            yield where, f"{board.name(pin)} has no pull-up, which tells a chip that is not there"
        if pin in taken:
            yield where, f"{board.name(pin)} is used twice: for {taken[pin]} and for {what}"
        taken.setdefault(pin, what)


def _used(configuration: dict[str, Any]) -> Iterator[tuple[str, str, int, bool]]:
    """(path, what for, pin, whether it is driven)."""
    for where, kind, keys in _each_bus(configuration):
        for role in PIN_ROLES[kind]:
            if role in keys:
                yield (
                    f"{where}.{role}",
                    f"{role} of {kind} {keys['id']}",
                    keys[role],
                    role not in ("rx", "miso"),
                )
    if "de" in configuration.get("uart", {}):
        yield "$.uart.de", "the driver of RS-485", configuration["uart"]["de"], True
    if configuration.get("led") is not None:
        yield "$.led", "the LED", configuration["led"], True
    for at, chip in enumerate(configuration["chips"]):
        for key in (*_CHIP_OUTPUTS, *_CHIP_INPUTS):
            if chip.get(key) is not None:
                yield (
                    f"$.chips[{at}].{key}",
                    f"{key} of {chip['name']}",
                    chip[key],
                    key in _CHIP_OUTPUTS,
                )


def _counters(board: Board, configuration: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """State machines and pulse counters that are not there, or that two chips have."""
    taken: dict[int, str] = {}
    what = _COUNTERS[board.port]
    most = board.counters.value
    for at, chip in enumerate(configuration["chips"]):
        for key in ("sm", "unit"):
            if chip.get(key) is None:
                continue
            where, number = f"$.chips[{at}].{key}", chip[key]
            if key == "sm" and board.port != "rp2":
                yield where, f"{board.title} has no state machines: leave sm out"
            elif number >= most:
                yield where, f"{board.title} has no {what} {number}: 0 to {most - 1}"
            elif number in taken:
                others = f"for {taken[number]} and for {chip['name']}"
                yield where, f"{what} {number} is used twice: {others}"
            taken.setdefault(number, chip["name"])


def _chips(configuration: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Chips on buses that are not there, at one address; channels without chip, and chips without
    channel."""
    names = [chip["name"] for chip in configuration["chips"]]
    supplies = {
        chip["name"]: chip["supply_input"]
        for chip in configuration["chips"]
        if chip.get("supply_input") is not None
    }
    read = set()
    for group, channels in enumerate(configuration["groups"]):
        for at, channel in enumerate(channels["channels"]):
            read.add(channel["chip"])
            if channel.get("input", 0) == supplies.get(channel["chip"]):
                where = f"$.groups[{group}].channels[{at}].input"
                yield where, f"this input of {channel['chip']} measures the supply: supply_input"
            if channel["chip"] not in names:
                where = f"$.groups[{group}].channels[{at}].chip"
                yield where, f"there is no chip {channel['chip']}; there are: {', '.join(names)}"
    addresses: dict[tuple[int, int], str] = {}
    for at, chip in enumerate(configuration["chips"]):
        where = f"$.chips[{at}]"
        if chip["name"] in names[:at]:
            yield f"{where}.name", f"chip {chip['name']} is there twice"
        if chip["name"] not in read:
            yield f"{where}.name", f"no channel reads chip {chip['name']}"
        for kind in ("i2c", "spi"):
            ids = [keys["id"] for keys in configuration.get(kind, [])]
            if chip.get(kind) is not None and chip[kind] not in ids:
                yield (
                    f"{where}.{kind}",
                    f"chip {chip['name']} is on {kind} {chip[kind]}: not there",
                )
        address = chip.get("address", ADDRESSES.get(chip["kind"]))
        if chip.get("i2c") is not None and address is not None:
            key = (chip["i2c"], address)
            if key in addresses:
                yield (
                    f"{where}.address" if "address" in chip else f"{where}.i2c",
                    f"chips {addresses[key]} and {chip['name']} have one address, {key[1]:#x}",
                )
            addresses.setdefault(key, chip["name"])


def _missing(configuration: dict[str, Any], fit: NodeFit) -> Iterator[tuple[str, str]]:
    there = {
        (channel["quantity"], channel["place"])
        for group in configuration["groups"]
        for channel in group["channels"]
    }
    if configuration["node"] != fit.name:
        yield "$.node", f"the node is {configuration['node']}, the profile's {fit.name}"
    for group in fit.groups:
        for place in group.places:
            if (group.quantity, place) not in there:
                yield "$.groups", f"the channel {group.quantity} at {place} is missing"


def _each_bus(configuration: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, int]]]:
    if "uart" in configuration:
        yield "$.uart", "uart", configuration["uart"]
    for kind in ("i2c", "spi"):
        for at, keys in enumerate(configuration.get(kind, [])):
            yield f"$.{kind}[{at}]", kind, keys
