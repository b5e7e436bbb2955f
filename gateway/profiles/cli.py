"""`axlebox profile show|check|template`: locomotive classes, and whether a file is one."""

from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.errors import ConfigError
from gateway.profiles import Profile, load_profile, profile_names, read_profile, template
from gateway.profiles.check import Mistake, mistakes, warnings

__all__ = ["app"]

Check = Callable[[Profile], Iterator[tuple[str, str]]]
"""What a package above offers under `axlebox.profile_checks`: (key, what is wrong there)."""

_CHECKS = "axlebox.profile_checks"

app = typer.Typer(help="Locomotive classes.", no_args_is_help=True)


@app.command()
def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="profiles, files *.toml; without one, all that are shipped"),
    ] = None,
) -> None:
    """Say what is wrong with profiles: figures, units, places, sensors, boards. 1 if anything."""
    console = _console()
    wrong = 0
    for where, profile in _opened(files):
        found = [profile] if isinstance(profile, str) else list(_mistakes(profile))
        for one in found:
            console.print(f"{where}: {_words(one)}")
        if found:
            wrong += 1
        elif isinstance(profile, Profile):
            for warning in warnings(profile):
                console.print(f"{where}: warning: {_words(warning)}")
            console.print(f"{where}: {_summary(profile)}")
    if wrong:
        raise typer.Exit(1)


@app.command()
def show(
    profile: Annotated[str, typer.Argument(help="the id of a profile, or a file *.toml")],
    as_json: Annotated[bool, typer.Option("--json", help="print the profile as JSON")] = False,
) -> None:
    """Print a profile: every figure with its source, and the nodes."""
    shown = load_profile(profile)
    if as_json:
        print(msgspec.json.encode(shown).decode())
        return
    console = Console(highlight=False, markup=False)
    console.print(Text(shown.title, "bold"), f"({shown.id})")
    if shown.variant_of is not None:
        console.print(f"a variant of {shown.variant_of}")
    console.print(
        f"{shown.kind}, {shown.wheel_arrangement}: {_count(shown.sections, 'section')}, "
        f"{_count(shown.bogies, 'bogie')}, {_count(shown.axles, 'axle')}, "
        f"{_count(shown.motors, 'motor')}, {shown.motor_kind.replace('_', ' ')}"
    )
    console.print(_figures(shown))
    console.print(_nodes(shown))


@app.command("template")
def print_template() -> None:
    """Print a file to begin a class of one's own with."""
    print(template(), end="")


def _opened(files: list[Path] | None) -> Iterator[tuple[str, Profile | str]]:
    """Each profile, or why it cannot be read, and how to name it."""
    for file in files or []:
        try:
            yield str(file), read_profile(file)
        except ConfigError as error:
            yield str(file), str(error).removeprefix(f"{file}: ")
    if not files:
        for name in profile_names():
            yield name, load_profile(name)


def _mistakes(profile: Profile) -> Iterator[Mistake]:
    found = list(mistakes(profile))
    yield from found
    told = {mistake.key for mistake in found}
    for point in sorted(entry_points(group=_CHECKS), key=lambda point: point.name):
        offered: Check = point.load()
        for key, words in offered(profile):
            if not any(one.startswith(f"{key}.") for one in told):
                yield Mistake(key, words)


def _words(mistake: Mistake | str) -> str:
    return mistake if isinstance(mistake, str) else f"{mistake.key}: {mistake.words}"


def _summary(profile: Profile) -> str:
    open_figures = sum(not figure.verified for figure in profile.figures.values())
    return (
        f"{len(profile.figures)} figures, {open_figures} of them not verified, "
        f"{_count(len(profile.all_nodes), 'node')}: sound"
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _figures(profile: Profile) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("figure", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("verified", no_wrap=True)
    table.add_column("source")
    for name, figure in profile.figures.items():
        verified = Text("yes") if figure.verified else Text("no", "yellow")
        table.add_row(name, f"{figure.value:g}", figure.unit, verified, figure.source)
    return table


def _nodes(profile: Profile) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("node", no_wrap=True)
    table.add_column("board", no_wrap=True)
    table.add_column("quantity", no_wrap=True)
    table.add_column("ms", justify="right", no_wrap=True)
    table.add_column("sensor")
    table.add_column("places")
    for node in profile.all_nodes:
        first = (node.name, node.board)
        for group in node.groups:
            sensor = msgspec.to_builtins(group.sensor)
            kind = sensor.pop("kind")
            settings = ", ".join(f"{key} {_plain(value)}" for key, value in sensor.items())
            table.add_row(
                *first,
                group.quantity,
                str(group.period_ms),
                f"{kind}: {settings}" if settings else kind,
                ", ".join(group.places),
            )
            first = ("", "")
    return table


def _plain(value: float | str | None) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _console() -> Console:
    return Console(soft_wrap=True, highlight=False, markup=False)
