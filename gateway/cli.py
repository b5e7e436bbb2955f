"""The command `axlebox`: gathers its sub-commands from entry points.

A package offers one under `axlebox.commands`, so that nothing here imports what is above it.
"""

import sys
from importlib.metadata import entry_points

import typer
from rich.console import Console
from rich.text import Text

from gateway.errors import AxleboxError
from gateway.version import VERSION

__all__ = ["command_line", "main"]

_GROUP = "axlebox.commands"


def main() -> None:
    """Run the command line; an error that a person can mend is one line and exit code 1."""
    app = command_line()
    try:
        app()
    except AxleboxError as error:
        Console(stderr=True, soft_wrap=True).print(
            Text.assemble(("error: ", "bold red"), str(error))
        )
        sys.exit(1)


def command_line() -> typer.Typer:
    """The command with all sub-commands of the packages that are installed."""
    app = typer.Typer(
        help=f"axlebox {VERSION}: watches a locomotive from the inside. It only advises: "
        "no safety system, no event recorder.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    for point in sorted(entry_points(group=_GROUP), key=lambda point: point.name):
        app.add_typer(point.load(), name=point.name)
    return app
