"""`axlebox bench list|run|check|unit|record|report|compare`."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from gateway.errors import ConfigError
from gateway.timebase import SystemClock
from hil.bench.bench_file import load_bench
from hil.bench.board_running import check_bench, run_on_board
from hil.bench.comparing import compare
from hil.bench.record import Record, Report
from hil.bench.recording import record_run
from hil.bench.reporting import HTML, JSON, make_report, read_report, write_report
from hil.bench.running import run_scenario
from hil.bench.scenario import Scenario, load_scenario, scenario_files
from hil.firmware_files import stimulus_files
from hil.interpreter import find_fast_interpreter

__all__ = ["app"]

app = typer.Typer(help="Scenarios on a locomotive in software.", no_args_is_help=True)

_Folder = Annotated[Path, typer.Option("--report", help="folder for report.json and report.html")]
_REPORT = Path("build/hil")


@app.command("list")
def list_scenarios() -> None:
    """What can be run, and what each is about."""
    table = Table("scenario", "what", "covers", box=None)
    for path in scenario_files():
        scenario = load_scenario(path)
        table.add_row(scenario.name, scenario.title, ", ".join(scenario.covers))
    Console().print(table)


@app.command()
def run(
    scenarios: Annotated[
        list[str] | None, typer.Argument(help="names, or files of your own; none: all")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="instead of the scenario's own")] = None,
    bench: Annotated[
        Path | None, typer.Option(help="on the real board of this bench, in real time")
    ] = None,
    report: _Folder = _REPORT,
) -> None:
    """Run scenarios, in simulated time or on a real board, and report what came of them."""
    console = Console(highlight=False)
    chosen = [_seeded(load_scenario(path), seed) for path in _paths(scenarios or [])]
    run_one, ran_on = _runner(console, bench, named=bool(scenarios))
    records: list[Record] = []
    for scenario in chosen:
        record = run_one(scenario)
        records.append(record)
        _say(console, record)
    made = make_report(records, ran_on)
    write_report(made, report)
    console.print(
        f"{made.passed} of {made.scenarios} passed, {made.skipped} skipped, "
        f"{made.speedup:.0f} times real time; report: {report / HTML}",
        soft_wrap=True,
    )
    if made.failed:
        raise typer.Exit(1)


@app.command()
def check(
    bench: Annotated[Path, typer.Option(help="a bench's file")],
) -> None:
    """Say what is connected to a bench with a real board, what it can, and what is missing."""
    scenarios = [load_scenario(path) for path in scenario_files()]
    console = Console(highlight=False)
    for line in check_bench(load_bench(bench), scenarios, SystemClock()):
        console.print(line, soft_wrap=True)


@app.command()
def unit(
    out: Annotated[Path, typer.Option(help="a new or empty folder for the file tree")],
) -> None:
    """Lay out the program of a stimulus unit, to be copied to a Pico."""
    if out.exists() and any(out.iterdir()):
        raise ConfigError(f"{out} is not an empty folder; name another or empty it")
    files = stimulus_files()
    for name, source in files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(source.read_bytes())
    Console(highlight=False).print(
        f"{out}: {len(files)} files; copy them to the root of the Pico, then reset it",
        soft_wrap=True,
    )


@app.command()
def report(
    file: Annotated[Path, typer.Argument(help="a report.json")] = _REPORT / JSON,
) -> None:
    """Make report.html anew from a report.json."""
    write_report(_read(file), file.parent)
    Console(highlight=False).print(f"{file.parent / HTML}", soft_wrap=True)


@app.command("compare")
def compare_runs(
    files: Annotated[list[Path], typer.Argument(help="a report.json of each run, two or more")],
) -> None:
    """Say whether runs came to the same, or which scenario did not and in what."""
    reports = {str(file): _read(file) for file in files}
    if len(reports) < 2:
        raise ConfigError(
            "one run has nothing to be compared with: name the report.json of another, kept from "
            "before, as well"
        )
    found = compare(reports)
    console = Console(highlight=False, soft_wrap=True, markup=False)
    for line in found.notes:
        console.print(f"note: {line}")
    for name, line in found.different.items():
        console.print(f"{name}: {line}")
    console.print(
        f"the same in {len(reports)} runs: in simulated time, byte for byte: "
        f"{len(found.simulated)}; in real time, by verdict and with an exact account: "
        f"{len(found.real)}; skipped: {len(found.skipped)}"
    )
    if found.failed:
        console.print(f"failed in each: {', '.join(found.failed)}")
    if found.different:
        console.print(f"different: {', '.join(found.different)}")
        raise typer.Exit(1)


@app.command()
def record(
    folder: Annotated[Path, typer.Option(help="a gateway's spool")],
    out: Annotated[Path, typer.Option(help="the recording, a CSV file")],
) -> None:
    """Make a recording of what a gateway stored, to be played on the bench; no name or date."""
    try:
        count = record_run(folder, out)
    except OSError as error:
        raise ConfigError(f"{out}: cannot be written: {error.strerror}") from None
    Console(highlight=False).print(f"{out}: {count} samples", soft_wrap=True)


def _runner(
    console: Console, bench: Path | None, *, named: bool
) -> tuple[Callable[[Scenario], Record], str]:
    """What runs a scenario, and on what."""
    if bench is not None:
        path, described = bench, load_bench(bench)
        return (
            lambda scenario: run_on_board(scenario, described, path, SystemClock()),
            f"the board of {described.name}",
        )
    interpreter = find_fast_interpreter(tell=lambda line: console.print(line))
    return (
        lambda scenario: run_scenario(scenario, interpreter, SystemClock(), named=named),
        f"MicroPython {interpreter.version}, {interpreter.bits}-bit",
    )


def _read(file: Path) -> Report:
    try:
        return read_report(file)
    except OSError as error:
        raise ConfigError(
            f"{file}: cannot be read ({error.strerror}); `axlebox bench run` makes one"
        ) from None
    except msgspec.MsgspecError as error:
        raise ConfigError(f"{file}: not a report of the bench: {error}") from None


def _paths(named: list[str]) -> list[Path]:
    shipped = {path.stem: path for path in scenario_files()}
    if not named:
        return list(shipped.values())
    paths = []
    for name in named:
        if name in shipped:
            paths.append(shipped[name])
        elif Path(name).exists():
            paths.append(Path(name))
        else:
            raise ConfigError(
                f"there is no scenario {name}, and no file of that name; "
                "`axlebox bench list` lists them"
            )
    return paths


def _seeded(scenario: Scenario, seed: int | None) -> Scenario:
    return scenario if seed is None else msgspec.structs.replace(scenario, seed=seed)


def _duration(record: Record) -> str:
    if not record.simulated_s:
        return f"{record.took_s:.0f} s in real time"
    return f"{record.simulated_s:.0f} s in {record.took_s:.1f} s"


def _say(console: Console, record: Record) -> None:
    if record.skipped:
        console.print(f"[dim]skipped[/dim] {record.name}: {record.skipped}")
        return
    word = "[green]PASS[/green]" if record.passed else "[bold red]FAIL[/bold red]"
    console.print(f"{word} {record.name}: {_duration(record)}, {record.samples} samples")
    for line in record.broken:
        console.print(f"     {line}", style="red")
