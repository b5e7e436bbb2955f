"""`axlebox station provision`: a plugged board becomes a node."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.errors import ConfigError
from gateway.profiles import NodeFit, load_profile
from hil.boards import load_board
from hil.station.board import Board
from hil.station.depot_options import (
    DEFAULT_FOLDER,
    FolderOption,
    LinkOption,
    PassphraseOption,
    SlotOption,
    say,
    the_depot,
    the_vault,
)
from hil.station.errors import StationError
from hil.station.identity import Firmware, Provision, Wanted
from hil.station.node_link import NodeLink
from hil.station.slots import port_of
from hil.station.tree import Tree, load_tree, tree_for

__all__ = ["fit_of", "provision", "read_settings"]

_NOT_SETTINGS = ("node", "board", "chips", "groups")


def provision(
    locomotive: Annotated[str, typer.Option(help="the locomotive, as its gateway is called")],
    node: Annotated[str, typer.Option(help="the node of the profile that the board is to be")],
    profile: Annotated[
        str, typer.Option(help="the locomotive's class: an id, or a file *.toml")
    ] = "te33a",
    slot: SlotOption = None,
    link: LinkOption = None,
    usb: Annotated[
        bool, typer.Option("--usb", help="the node speaks over its USB port on the locomotive")
    ] = False,
    settings: Annotated[
        Path | None,
        typer.Option(help="a JSON file with what node.json says besides the profile: uart, mqtt"),
    ] = None,
    firmware: Annotated[
        Path | None,
        typer.Option(help="a folder that `axlebox firmware build` made, instead of building it"),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="also a board that is a node already; a new key")
    ] = False,
    folder: FolderOption = DEFAULT_FOLDER,
    passphrase_file: PassphraseOption = None,
) -> None:
    """Make a board a node: place, key and calibration, written, read back and proved."""
    told = read_settings(settings, usb=usb)
    wanted = Wanted(locomotive, profile, fit_of(profile, node), told, again)
    speaks_usb = (told.get("uart") or {}).get("id") == "usb"
    depot = the_depot(folder, new=True)
    vault = the_vault(depot, passphrase_file)
    port = port_of(slot)
    if link is None and not speaks_usb:
        raise StationError(
            f"{node} does not speak over its USB port, so its proof comes another way",
            "Name the serial port that its link is at with --link, or add --usb",
        )
    shipped = _tree(firmware, wanted.fit.board)
    done = Provision(
        depot,
        vault,
        wanted,
        Firmware.of(shipped.firmware_version, shipped.files),
        lambda: Board.open(port),
        lambda name, key: NodeLink(link or port, name, key, depot.clock),
        say,
    ).run()
    say(f"PASS {done.known.unique_id} is {node} of {locomotive}: {done.known.places}")
    say(f"label: {depot.labels}/{locomotive}-{node}-{done.known.unique_id}.pdf")


def fit_of(profile: str, node: str) -> NodeFit:
    """A node as its locomotive class has it. Raises ConfigError."""
    fits = {fit.name: fit for fit in load_profile(profile).all_nodes}
    if node not in fits:
        raise ConfigError(f"profile {profile} has no node {node}: {', '.join(fits)}")
    return fits[node]


def _tree(folder: Path | None, board: str) -> Tree:
    kind = load_board(board)
    return tree_for(kind) if folder is None else load_tree(folder, kind)


def read_settings(path: Path | None, *, usb: bool) -> dict[str, Any]:
    """What a file, or `--usb`, says of node.json. Raises ConfigError."""
    told: dict[str, Any] = {}
    if path is not None:
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(f"{path} cannot be read as JSON: {error}") from None
        wrong = [key for key in told if key in _NOT_SETTINGS] if isinstance(told, dict) else [""]
        if wrong:
            raise ConfigError(
                f"{path} must be an object with keys of node.json, without "
                f"{', '.join(_NOT_SETTINGS)}: these follow from the profile"
            )
    if usb:
        told["uart"] = {"id": "usb"}
    return told
