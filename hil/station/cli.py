"""`axlebox station`: gathers the sub-commands of the depot station's parts."""

import typer

from hil.station.calibrate_cli import calibrate
from hil.station.export_cli import export
from hil.station.flash_cli import flash, verify
from hil.station.practice import practice
from hil.station.provision_cli import provision
from hil.station.records_cli import records
from hil.station.run_cli import run
from hil.station.slots_cli import slots
from hil.station.testing_cli import run_test

__all__ = ["app"]

app = typer.Typer(
    help="The depot station: makes nodes of boards that are plugged in. Needs no network.",
    no_args_is_help=True,
)
app.command()(slots)
app.command()(run)
app.command()(flash)
app.command()(verify)
app.command()(provision)
app.command("test")(run_test)
app.command()(calibrate)
app.command()(export)
app.command()(practice)
app.add_typer(records, name="records")
