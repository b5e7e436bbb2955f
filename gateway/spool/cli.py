"""`axlebox spool`: list, verify, print and export. Only reads, also while a gateway writes."""

import contextlib
import json
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from gateway.history.cli import export_rows, show_trend
from gateway.spool.describe import describe, describe_message, kind_name, utc_text
from gateway.spool.errors import SpoolError
from gateway.spool.format import Kind, Position, segment_name
from gateway.spool.inspection import SegmentReport, inspect_spool
from gateway.spool.segments import read_records

app = typer.Typer(
    name="spool", help="List, verify, print and export the durable store.", no_args_is_help=True
)

Folder = Annotated[
    Path, typer.Option("--folder", envvar="AXLEBOX_SPOOL", help="The spool's folder.")
]


class KindName(StrEnum):
    """The kinds of records as the command line writes them."""

    MESSAGE = "message"
    CLOCK = "clock"
    STATE = "state"
    GAP = "gap"
    RUN = "run"
    QUARANTINE = "quarantine"


@app.command("ls")
def list_spool(folder: Folder) -> None:
    """Show each segment: its records by kind, its size, and when they were received (UTC)."""
    table = Table(box=None, pad_edge=False)
    for title in ("segment", "bytes", "records", "first", "last", "note"):
        table.add_column(title, justify="right" if title == "bytes" else "left")
    total_bytes = total_records = 0
    with _told():
        for report in inspect_spool(folder):
            total_bytes += report.size
            total_records += sum(report.records.values())
            table.add_row(
                segment_name(report.number),
                str(report.size),
                ", ".join(f"{n} {kind_name(kind)}" for kind, n in sorted(report.records.items())),
                utc_text(report.first_us)[:19] if report.first_us else "",
                utc_text(report.last_us)[:19] if report.last_us else "",
                _note(report),
            )
    console = Console()
    console.print(table)
    console.print(f"{table.row_count} segments, {total_records} records, {total_bytes} bytes")


@app.command("verify")
def verify_spool(folder: Folder) -> None:
    """Read every byte; exit status 1 where something is damaged or missing."""
    segments = records = 0
    faults: list[str] = []
    previous = None
    with _told():
        for report in inspect_spool(folder):
            segments += 1
            records += sum(report.records.values())
            faults += _missing(previous, report.number)
            if previous is not None and _is_end_unknown(previous, report):
                typer.echo(
                    f"{segment_name(previous)}: where it ended is not known, as the header of "
                    f"{segment_name(previous + 1)} is lost: what lay behind its last record may "
                    "be missing"
                )
            faults += _faults(report)
            previous = report.number
            if report.torn_bytes and report.header_sound:
                typer.echo(
                    f"{segment_name(report.number)}: the last {report.torn_bytes} bytes are an "
                    "unfinished write; nothing of it was acknowledged (normal)"
                )
    for fault in faults:
        typer.echo(fault)
    for kept in sorted(folder.glob("*.bad")):
        typer.echo(f"{kept.name}: a damaged segment, kept after its records were salvaged")
    if faults:
        typer.echo(
            f"{len(faults)} faults in {segments} segments; {records} records are sound and stay "
            "in use, the rest is read around and reported as a gap. Copy the folder, then look "
            "into `dmesg` and at the age of the card: damage means that it is failing"
        )
        raise typer.Exit(1)
    typer.echo(f"{segments} segments, {records} records: sound")


@app.command("cat")
def print_spool(
    folder: Folder,
    start: Annotated[
        str, typer.Option("--from", metavar="SEGMENT:OFFSET", help="Begin here.")
    ] = "0:0",
    limit: Annotated[int | None, typer.Option(min=0, help="Stop after so many.")] = None,
    node: Annotated[str | None, typer.Option(help="Only messages of this node.")] = None,
    kind: Annotated[KindName | None, typer.Option(help="Only records of this kind.")] = None,
) -> None:
    """Print one JSON object a line for each record."""
    with _told():
        for shown in _limited(_selected(folder, Position.parse(start), node, kind), limit):
            typer.echo(json.dumps(shown, ensure_ascii=False))


def _selected(
    folder: Path, start: Position, node: str | None, kind: KindName | None
) -> Iterator[dict[str, object]]:
    for record in read_records(folder, start):
        if kind is not None and record.kind != Kind[kind.name]:
            continue
        if node is not None and record.kind != Kind.MESSAGE:
            continue
        shown = describe(record, describe_message)
        if node is None or shown.get("node") == node:
            yield shown


def _limited(items: Iterable[dict[str, object]], limit: int | None) -> Iterator[dict[str, object]]:
    for count, item in enumerate(items):
        if count == limit:
            return
        yield item


def _note(report: SegmentReport) -> str:
    if report.unreadable:
        return report.unreadable
    notes = [] if report.header_sound else ["header damaged"]
    if report.damage:
        notes.append(f"{sum(stretch.size for stretch in report.damage)} bytes damaged")
    if report.torn_bytes:
        notes.append(f"{report.torn_bytes} bytes unfinished")
    if report.level is not None:
        notes.append(f"thinned: {report.gap_messages} messages gone")
    return ", ".join(notes)


def _faults(report: SegmentReport) -> list[str]:
    name = segment_name(report.number)
    if report.unreadable:
        return [f"{name}: cannot be read: {report.unreadable}"]
    faults = [] if report.header_sound else [f"{name}: the header is damaged"]
    return faults + [
        f"{name}: {stretch.size} bytes at {Position(report.number, stretch.offset)} hold no "
        "sound record"
        for stretch in report.damage
    ]


def _missing(previous: int | None, number: int) -> list[str]:
    first = number if previous is None else previous + 1
    return [
        f"{segment_name(n)}: missing, though older ones are there" for n in range(first, number)
    ]


def _is_end_unknown(previous: int, following: SegmentReport) -> bool:
    return following.number != previous + 1 or not following.previous_end


app.command("export")(export_rows)
app.command("trend")(show_trend)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """An error of the spool ends the command with its words and status 2."""
    try:
        yield
    except (SpoolError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
