"""`axlebox firmware build|check|provision|bundle|keygen`."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from gateway.errors import ConfigError
from gateway.profiles import NodeFit, load_profile
from gateway.update.bundle import public_key, read_bundle
from hil.board_check import check_node_file
from hil.boards import load_board
from hil.errors import BuildError
from hil.firmware_build import build as build_tree
from hil.firmware_build import find_compiler
from hil.firmware_bundle import bundle as make_bundle
from hil.firmware_bundle import make_key, read_signing_key
from hil.node_files import CONFIGURATION_FILE, KEY_FILE, read_key, write_copies

__all__ = ["app"]

app = typer.Typer(help="The firmware of the boards.", no_args_is_help=True)


@app.command()
def build(
    board: Annotated[str, typer.Option(help="the board's id: a file of firmware/boards")],
    out: Annotated[Path, typer.Option(help="a new or empty folder for the file tree")],
) -> None:
    """Compile the firmware for a board, with a manifest."""
    compiler = find_compiler()
    built = build_tree(load_board(board), out, compiler)
    _say(
        f"{built.folder}: firmware {built.firmware_version} for {board}, {built.files} files, "
        f"{built.bytes} bytes, mpy-cross {compiler.version}"
    )


@app.command()
def check(
    file: Annotated[Path, typer.Option(help="a node's configuration")] = Path("node.json"),
    profile: Annotated[
        str | None, typer.Option(help="hold it against the node of that name in a profile, too")
    ] = None,
) -> None:
    """Hold a node's configuration against its board: pins, buses, chips, channels."""
    board = check_node_file(file)
    if profile is not None:
        check_node_file(file, _fit(profile, file))
    _say(f"{file}: possible on {board.title}")


@app.command()
def provision(
    key: Annotated[Path, typer.Option(help="the node's key: a file of 64 hex digits")],
    out: Annotated[Path, typer.Option(help="a new or empty folder for the files")],
    file: Annotated[Path, typer.Option(help="a node's configuration")] = Path("node.json"),
) -> None:
    """Make the files that tell a board which node it is, in two copies each."""
    check_node_file(file)
    if out.exists() and any(out.iterdir()):
        raise BuildError(f"{out} is not an empty folder; name another or empty it")
    secret = read_key(key)
    out.mkdir(parents=True, exist_ok=True)
    write_copies(out, CONFIGURATION_FILE, file.read_bytes())
    write_copies(out, KEY_FILE, secret.hex().encode() + b"\n", mode=0o600)
    _say(f"{out}: copy all four files to the root of the board, then reset it")


@app.command()
def bundle(
    board: Annotated[str, typer.Option(help="the board's id: a file of firmware/boards")],
    key: Annotated[Path, typer.Option(help="the private key, as keygen makes it")],
    out: Annotated[Path, typer.Option(help="the bundle, *.axu")],
    minimum: Annotated[
        int, typer.Option(min=1, help="the lowest release that may be updated with it")
    ] = 1,
) -> None:
    """Compile the firmware for a board and sign it, for nodes in the field."""
    secret = read_signing_key(key)
    data = make_bundle(load_board(board), secret, find_compiler(), minimum)
    out.write_bytes(data)
    made = read_bundle(data, [public_key(secret)])
    _say(f"{out}: {made.title}, {len(made.files)} files, {len(data)} bytes")


@app.command()
def keygen(
    out: Annotated[Path, typer.Option(help="a new file for the private key")],
) -> None:
    """Make a key to sign bundles with; prints what gateways are given to trust it."""
    public = make_key(out)
    _say(f'{out}: keep it off the locomotive. Gateways trust it by\n[update]\nkeys = ["{public}"]')


def _fit(profile: str, file: Path) -> NodeFit:
    fits = {fit.name: fit for fit in load_profile(profile).all_nodes}
    name = json.loads(file.read_text(encoding="utf-8")).get("node")
    if name not in fits:
        raise ConfigError(f"{file}: profile {profile} has no node {name}: {', '.join(fits)}")
    return fits[name]


def _say(line: str) -> None:
    Console(soft_wrap=True, highlight=False, markup=False).print(line)
