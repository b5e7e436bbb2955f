"""Draws how nodes are wired, one SVG a board: `python -m hil.wiring_diagram [FOLDER]`.

Drawn from the board's file and the nodes of a profile, so a diagram cannot say what the bench and
the nodes do not do. The text is the same wherever it is drawn.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import msgspec

from gateway.profiles import NodeFit, Profile, load_profile
from hil.boards import PIN_ROLES, Board, board_names, load_board
from hil.fitting import fit_node
from hil.sensor_wiring import SENSORS, connections, place

__all__ = ["FOLDER", "PROFILE", "diagram"]

FOLDER = Path("docs/wiring")
PROFILE = "te33a"

_WIDTH = 1120
_ROW = 26
_BOARD_X, _BOARD_WIDTH = 420, 280
_PILL_WIDTH = 330
_TABLE_X = (40, 150, 300, 640)
_SENSOR_X = 330
_CENTRE = _WIDTH // 2

_COLOURS = {
    "uart": "#1565c0",
    "rs485": "#00838f",
    "i2c": "#2e7d32",
    "spi": "#6a1b9a",
    "select": "#ad1457",
    "pulse": "#bf360c",
    "led": "#827717",
    "supply": "#c62828",
    "ground": "#212121",
}
_SUPPLY = {
    "GND": ("ground", "ground"),
    "AGND": ("ground", "ground"),
    "3V3": ("supply", "3.3 V out: supply of all chips"),
    "3V3 out": ("supply", "3.3 V out: supply of all chips"),
    "VSYS": ("supply", "5 V in, from the power supply"),
    "5V": ("supply", "5 V in, from the power supply"),
}
_KINDS = {sensor.kind: sensor.title.partition(":")[0] for sensor in SENSORS}
_LINES = {
    "tx": "to RX of converter",
    "rx": "to TX of converter",
    "scl": "to all chips on I2C",
    "sda": "to all chips on I2C",
    "sck": "to SCK of all chips on SPI",
    "mosi": "to SDI of all chips on SPI",
    "miso": "from SDO of all chips on SPI",
}


def diagram(board: Board, profile: Profile) -> str:
    """The SVG of that board with the profile's nodes on it."""
    rows = max(len(board.header.left), len(board.header.right))
    tables_y = 110 + rows * _ROW + 60
    tables: list[str] = []
    for fit in profile.nodes:
        table, tables_y = _node_table(board, profile, fit, tables_y)
        tables += table
    table, tables_y = _sensor_table(board, tables_y)
    tables += table
    title = f"{board.title}: how axlebox wires it"
    notes = "Grey contacts are not for sensors, white ones are free."
    if board.header.first:
        notes += " Small figures are the contacts' numbers."
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {tables_y}" '
            f'width="{_WIDTH}" height="{tables_y}" role="img" '
            'font-family="DejaVu Sans, Arial, sans-serif" font-size="14">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{_WIDTH}" height="{tables_y}" fill="#ffffff"/>',
            _text(_CENTRE, 36, title, size=24, anchor="middle", weight="bold"),
            _text(_CENTRE, 62, f"{board.chip}, seen from above. {notes}", anchor="middle"),
            *_outline(board, rows),
            *_contacts(board),
            *tables,
            "</svg>\n",
        ]
    )


def _outline(board: Board, rows: int) -> list[str]:
    height = rows * _ROW + 40
    usb_y = 76 if board.header.usb == "top" else 90 + height - 22
    return [
        f'<rect x="{_BOARD_X}" y="90" width="{_BOARD_WIDTH}" height="{height}" rx="10" '
        'fill="#eceff1" stroke="#37474f" stroke-width="2"/>',
        f'<rect x="{_CENTRE - 40}" y="{usb_y}" width="80" height="36" rx="4" fill="#b0bec5" '
        'stroke="#37474f" stroke-width="2"/>',
        _text(_CENTRE, usb_y + 24, "USB", anchor="middle", weight="bold"),
    ]


def _contacts(board: Board) -> Iterator[str]:
    uses = dict(_uses(board))
    for side, step, entries in ((0, 1, board.header.left), (1, -1, board.header.right)):
        for at, entry in enumerate(entries):
            y = 122 + at * _ROW
            number = board.header.first[side] + step * at if board.header.first else None
            yield from _contact(board, side, y, entry, number, uses)


def _contact(
    board: Board,
    side: int,
    y: int,
    entry: int | str,
    number: int | None,
    uses: dict[int, tuple[str, str]],
) -> Iterator[str]:
    inner = _BOARD_X + 14 if side == 0 else _BOARD_X + _BOARD_WIDTH - 14
    edge = _BOARD_X if side == 0 else _BOARD_X + _BOARD_WIDTH
    anchor = "start" if side == 0 else "end"
    label = board.name(entry) if isinstance(entry, int) else entry
    if number is not None:
        offset = 100 if side == 0 else -100
        yield _text(inner + offset, y + 5, f"{number}", anchor=anchor, size=11, fill="#78909c")
    yield _text(inner + (4 if side == 0 else -4), y + 5, label, anchor=anchor, weight="bold")
    yield f'<circle cx="{edge}" cy="{y}" r="6" fill="#ffca28" stroke="#37474f"/>'
    kind, words = _use(board, entry, uses)
    colour = _COLOURS.get(kind, "#9e9e9e")
    pill_x = edge - 40 - _PILL_WIDTH if side == 0 else edge + 40
    near = edge - 40 if side == 0 else edge + 40
    tip = edge - 6 if side == 0 else edge + 6
    if kind != "free":
        width = 3 if kind in _COLOURS else 1
        yield (
            f'<line x1="{tip}" y1="{y}" x2="{near}" y2="{y}" stroke="{colour}" '
            f'stroke-width="{width}"/>'
        )
    fill = {"free": "#ffffff", "reserved": "#e0e0e0"}.get(kind, colour)
    ink = "#ffffff" if kind in _COLOURS else "#424242"
    yield (
        f'<rect x="{pill_x}" y="{y - 11}" width="{_PILL_WIDTH}" height="22" rx="4" '
        f'fill="{fill}" stroke="{colour}"/>'
    )
    x = pill_x + _PILL_WIDTH - 8 if side == 0 else pill_x + 8
    yield _text(x, y + 5, words, anchor="end" if side == 0 else "start", fill=ink, size=13)


def _use(board: Board, entry: int | str, uses: dict[int, tuple[str, str]]) -> tuple[str, str]:
    """(kind of use, words) of a contact."""
    if isinstance(entry, str):
        return _SUPPLY.get(entry, ("reserved", "leave open"))
    if entry in uses:
        kind, words = uses[entry]
        needs_pull = board.input_only is not None and entry in board.input_only.pins
        return kind, f"{words} (add pull-up)" if needs_pull else words
    for one in board.reserved:
        if entry in one.pins:
            return "reserved", one.why
    if why := board.refusal(entry, drives=True):
        return "free", why.split(": ", 1)[-1]
    return "free", "free"


def _uses(board: Board) -> Iterator[tuple[int, tuple[str, str]]]:
    wiring = board.wiring
    for kind, roles in PIN_ROLES.items():
        keys: dict[str, int] = getattr(wiring, kind)
        for role in roles:
            words = f"{kind.upper()} {keys['id']} {role.upper()}, {_LINES[role]}"
            yield keys[role], (kind, words)
    yield wiring.rs485_enable, ("rs485", "RS-485 driver enable, where there is one")
    for at, pin in enumerate(wiring.chip_selects, 1):
        yield pin, ("select", f"to CS of chip {at} on SPI")
    for at, pin in enumerate(wiring.pulses, 1):
        yield pin, ("pulse", f"pulses of speed sensor {at}")
    if board.led is not None:
        yield board.led, ("led", "LED")


def _node_table(board: Board, profile: Profile, fit: NodeFit, y: int) -> tuple[list[str], int]:
    """A box with the node's chips, and where the next one begins."""
    configuration = fit_node(msgspec.structs.replace(fit, board=board.id), "", 0).configuration
    rows = list(_chip_rows(board, configuration))
    height = 44 + _ROW * (len(rows) + 1)
    heading = f"Node {fit.name} of the {profile.title}"
    if fit.board != board.id:
        heading += f", were it on this board (the profile has it on {load_board(fit.board).title})"
    drawn = [
        f'<rect x="20" y="{y}" width="{_WIDTH - 40}" height="{height}" rx="8" fill="#fafafa" '
        'stroke="#90a4ae"/>',
        _text(_TABLE_X[0], y + 28, heading, size=16, weight="bold"),
    ]
    line_y = y + 28 + _ROW
    for x, words in zip(_TABLE_X, ("chip", "kind", "connected to", "reads"), strict=True):
        drawn.append(_text(x, line_y, words, fill="#607d8b", size=12))
    for cells in rows:
        line_y += _ROW
        for at, (x, words) in enumerate(zip(_TABLE_X, cells, strict=True)):
            if words:
                drawn.append(
                    _text(x, line_y, words, size=13, weight="bold" if at == 0 else "normal")
                )
    return drawn, y + height + 20


def _chip_rows(board: Board, configuration: dict[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """One row a channel; the chip's own words stand in its first."""
    reads: dict[str, list[str]] = {}
    for group in configuration["groups"]:
        for channel in group["channels"]:
            what = channel["quantity"].rpartition(".")[2].replace("_", " ")
            words = f"{channel['place']}: {what}"
            if _chip(configuration, channel["chip"])["kind"] == "ads1115":
                words = f"A{channel['input']}  {words}"
            reads.setdefault(channel["chip"], []).append(words)
    for chip in configuration["chips"]:
        first, *others = reads[chip["name"]]
        yield chip["name"], _KINDS.get(chip["kind"], chip["kind"]), place(board, chip), first
        yield from (("", "", "", one) for one in others)


def _sensor_table(board: Board, y: int) -> tuple[list[str], int]:
    """A box with every kind of sensor, and where the next one would begin."""
    height = 40 + 2 * _ROW * len(SENSORS)
    drawn = [
        f'<rect x="20" y="{y}" width="{_WIDTH - 40}" height="{height}" rx="8" fill="#fafafa" '
        'stroke="#90a4ae"/>',
        _text(_TABLE_X[0], y + 28, "Every kind of sensor, on this board", size=16, weight="bold"),
    ]
    line_y = y + 28
    for sensor in SENSORS:
        line_y += _ROW
        drawn.append(_text(_TABLE_X[0], line_y, sensor.title, size=13, weight="bold"))
        drawn.append(_text(_SENSOR_X, line_y, connections(board, sensor), size=13))
        line_y += _ROW - 6
        drawn.append(_text(_SENSOR_X, line_y, sensor.beside, size=12, fill="#607d8b"))
        line_y += 6
    return drawn, y + height + 20


def _chip(configuration: dict[str, Any], name: str) -> dict[str, Any]:
    return next(chip for chip in configuration["chips"] if chip["name"] == name)


def _text(
    x: int,
    y: int,
    words: str,
    size: int = 14,
    anchor: str = "start",
    weight: str = "normal",
    fill: str = "#212121",
) -> str:
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}" '
        f'font-weight="{weight}" fill="{fill}" xml:space="preserve">{escape(words)}</text>'
    )


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name in board_names():
        path = folder / f"{name}.svg"
        path.write_text(diagram(load_board(name), load_profile(PROFILE)), encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()
