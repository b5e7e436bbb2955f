"""`axlebox station`: gathers the sub-commands of the depot station's parts."""

import typer
from rich.console import Console

from hil.station.board import Board
from hil.station.calibrate_cli import calibrate
from hil.station.errors import StationError
from hil.station.export_cli import export
from hil.station.flash_cli import flash, verify
from hil.station.provision_cli import provision
from hil.station.records_cli import records
from hil.station.run_cli import run
from hil.station.slots import find_slots
from hil.station.testing_cli import run_test

__all__ = ["app"]

app = typer.Typer(
    help="The depot station: makes nodes of boards that are plugged in. Needs no network.",
    no_args_is_help=True,
)
app.command()(run)
app.command()(flash)
app.command()(verify)
app.command()(provision)
app.command("test")(run_test)
app.command()(calibrate)
app.command()(export)
app.add_typer(records, name="records")


@app.command()
def slots() -> None:
    """Say what is plugged in where."""
    console = Console(soft_wrap=True, highlight=False, markup=False)
    there = find_slots()
    for slot in there:
        if not slot.port.exists():
            console.print(f"{slot.name}: waits for MicroPython in its boot loader")
            continue
        try:
            with Board.open(str(slot.port)) as board:
                facts = board.kind()
        except StationError as error:
            console.print(f"{slot.name}: {error}")
        else:
            console.print(
                f"{slot.name}: {facts.machine}, MicroPython {facts.firmware_version}, "
                f"number {facts.unique_id}" + (", in safe mode" if facts.is_safe_mode else "")
            )
    if not there:
        console.print("There is no board in any slot.")
