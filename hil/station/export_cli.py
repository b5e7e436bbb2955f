"""`axlebox station export`: a locomotive's boards and keys, for its gateway."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.sealed import new_passphrase, write_private
from hil.station.depot_options import (
    DEFAULT_FOLDER,
    FolderOption,
    PassphraseOption,
    say,
    the_depot,
    the_vault,
)
from hil.station.export import export_roll

__all__ = ["export"]


def export(
    locomotive: Annotated[str, typer.Option(help="the locomotive, as its gateway is called")],
    out: Annotated[
        Path | None, typer.Option(help="the sealed file; else the locomotive's name and .axlebox")
    ] = None,
    folder: FolderOption = DEFAULT_FOLDER,
    passphrase_file: PassphraseOption = None,
    told_file: Annotated[
        Path | None,
        typer.Option(help="write the new file's passphrase there instead of on the screen"),
    ] = None,
) -> None:
    """Seal the list of a locomotive's boards and keys for its gateway, with a new passphrase."""
    depot = the_depot(folder)
    vault = the_vault(depot, passphrase_file)
    passphrase = new_passphrase(depot.random)
    sealed, nodes, left_out = export_roll(depot, vault, locomotive, passphrase)
    if told_file is not None:
        write_private(told_file, passphrase.encode() + b"\n")
    out = out or Path(f"{locomotive}.axlebox")
    write_private(out, sealed)
    say(f"{out}: {len(nodes)} boards of {locomotive}: {', '.join(nodes)}")
    for node in left_out:
        say(f"{node} is left out: it is not fitted yet")
    if told_file is not None:
        say(f"its passphrase is in {told_file}: bring it another way than the file")
    else:
        say(f"its passphrase, told this once: {passphrase}")
    say(f"At the locomotive: axlebox gateway enrol {out.name} -c axlebox.toml")
