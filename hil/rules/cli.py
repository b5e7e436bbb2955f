"""`axlebox rules check|test|table`."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from gateway.alarms.cli import check
from gateway.alarms.rulebook import BoundRule, load_rules
from gateway.profiles import load_profile
from hil.rules.cases import CASES
from hil.rules.play import play
from hil.rules.recorded import RecordedFeed
from hil.rules.table import HEALTHY, Found, find, run_healthy
from simulators.recordings.runs import load_run

__all__ = ["app"]

app = typer.Typer(help="Alarm rules.", no_args_is_help=True)
app.command()(check)

_CONFIDENCE = 3.0
"""Of a thing that did not happen in so many hours, at 95 %: at most 3 in that time."""


@app.command("test")
def play_recording(
    file: Annotated[
        Path | None, typer.Argument(help="a depot's rules, *.toml; without it, those shipped")
    ] = None,
    recording: Annotated[
        Path, typer.Option(help="a run as `axlebox bench record` makes it")
    ] = ...,  # type: ignore[assignment]
    profile: Annotated[
        str, typer.Option(help="the id of a locomotive class, or a file *.toml")
    ] = "te33a",
) -> None:
    """Play a recorded run to the rules, and show when each would have fired."""
    console = Console(highlight=False, markup=False)
    shown = load_profile(profile)
    rules = load_rules(shown, file)
    run = load_run(recording)
    table = Table("at", "alarm", "priority", "", "value", "limit", box=None)
    raised: Counter[str] = Counter()
    for happened in play(rules, shown, RecordedFeed(run), run.seconds):
        record = happened.record
        raised[record.rule] += record.action == "raised"
        table.add_row(
            f"{happened.at_s:.1f} s",
            record.id,
            record.priority,
            record.action,
            "" if record.value is None else f"{record.value:.4g}",
            "" if record.limit is None else f"{record.limit:.4g}",
        )
    console.print(table)
    silent = [one.rule.id for one in rules if not one.rule.sign and not raised[one.rule.id]]
    console.print(f"{run.seconds:.0f} s; never fired: {', '.join(silent) or 'none'}")


@app.command()
def table(
    hours: Annotated[float, typer.Option(help="of healthy duty, of each class", min=0.01)] = 2.0,
    seed: Annotated[int, typer.Option(help="of the simulated locomotives")] = 1,
) -> None:
    """Let each rule find what it must on a simulated locomotive, and count what it says of
    healthy ones: the table of docs/alarms.md. 1 where one is late, or cries in healthy duty."""
    console = Console(highlight=False, markup=False, soft_wrap=True)
    found = [find(case, seed=seed) for case in CASES]
    rules = {one.rule.id: one for one in load_rules(load_profile("te33a"))}
    cries: Counter[str] = Counter()
    grave, driven_h = 0, 0.0
    for profile in HEALTHY:
        healthy = run_healthy(profile, hours, seed, console.print)
        driven_h += healthy.hours
        for (rule, priority), count in healthy.raised.items():
            cries[rule] += count
            grave += count * (priority != "low")
    console.print(
        "| code | rule | what breaks | found after | alarms in 1,000 h of healthy duty |"
    )
    console.print("|---|---|---|---|---|")
    for one in found:
        console.print(_row(one, rules[one.case.rule], cries[one.case.rule], driven_h))
    console.print(
        f"{driven_h:g} h of healthy duty of {', '.join(HEALTHY)}, seed {seed}: "
        f"{sum(cries.values())} alarms, {grave} of them high or medium"
    )
    if grave or not all(one.passed for one in found):
        raise typer.Exit(1)


def _row(one: Found, bound: BoundRule, cries: int, driven_h: float) -> str:
    delay = "never" if one.delay_s is None else f"{one.delay_s:.1f} s"
    often = f"{cries * 1000 / driven_h:.0f}"
    if not cries:
        often = f"0 (at most {_CONFIDENCE * 1000 / driven_h:.0f} at 95 %)"
    return f"| {bound.words.code} | `{bound.rule.id}` | {one.case.what} | {delay} | {often} |"
