"""`axlebox spool export|trend`: what the spool holds, as values. Only reads."""

import contextlib
import csv
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TextIO

import typer
from axwire.codes import STATUSES

from gateway.errors import AxleboxError
from gateway.history.export import write_csv, write_parquet
from gateway.history.rows import SelectedRows
from gateway.history.selection import Selection, SelectionError, parse_utc
from gateway.history.trend import Trend, Trends
from gateway.spool.describe import utc_text

__all__ = ["export_rows", "show_trend"]

Folder = Annotated[
    Path, typer.Option("--folder", envvar="AXLEBOX_SPOOL", help="The spool's folder.")
]
From = Annotated[
    str | None, typer.Option("--from", metavar="TIME", help="From this UTC time on (ISO 8601).")
]
To = Annotated[str | None, typer.Option("--to", metavar="TIME", help="Before this UTC time.")]
Node = Annotated[str | None, typer.Option(help="Only this node.")]
ChannelText = Annotated[
    str | None,
    typer.Option(help="Only this channel: its number, quantity, or 'quantity at place'."),
]


_TREND_COLUMNS = (
    *("time", "time_quality", "unit", "low", "mean", "high"),
    *("sound", "suspect", "missing", "status"),
)


class Format(StrEnum):
    """What `export` writes."""

    CSV = "csv"
    PARQUET = "parquet"


def export_rows(
    folder: Folder,
    out: Annotated[Path | None, typer.Option(help="The file; CSV goes to stdout without.")] = None,
    form: Annotated[Format, typer.Option("--format", help="What to write.")] = Format.CSV,
    start: From = None,
    end: To = None,
    node: Node = None,
    channel: ChannelText = None,
) -> None:
    """Write one row a sample: time, its quality, node, quantity, place, unit, value, status."""
    from_us = None if start is None else parse_utc(start)
    to_us = None if end is None else parse_utc(end)
    selection = Selection(node, channel, from_us, to_us)
    rows = SelectedRows(folder, selection)
    if form is Format.PARQUET:
        if out is None:
            raise SelectionError("Parquet goes to a file: name it with --out")
        write_parquet(rows, out)
    else:
        with _opened(out) as stream:
            write_csv(rows, stream)
    _tell_of(rows)


def show_trend(
    folder: Folder,
    node: Annotated[str, typer.Option(help="The node.")],
    channel: Annotated[str, typer.Option(help="Its channel: number or 'quantity at place'.")],
    start: Annotated[str, typer.Option("--from", metavar="TIME", help="UTC, ISO 8601.")],
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="UTC, ISO 8601.")],
    points: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 600,
) -> None:
    """Print minimum, mean and maximum of one channel in equal steps, as CSV."""
    trend = Trends(folder).query(node, channel, parse_utc(start), parse_utc(end), points)
    _print_trend(trend, sys.stdout)


def _print_trend(trend: Trend, stream: TextIO) -> None:
    writer = csv.writer(stream)
    writer.writerow(_TREND_COLUMNS)
    for k in range(len(trend.mean)):
        low, mean, high = (
            "" if value != value else f"{value:.6g}"
            for value in (trend.low[k], trend.mean[k], trend.high[k])
        )
        is_known = trend.sound[k] or trend.suspect[k] or trend.missing[k]
        writer.writerow(
            (
                utc_text(trend.start_us + k * trend.step_us),
                "estimated" if trend.estimated[k] else "sure",
                trend.channel.unit,
                low,
                mean,
                high,
                trend.sound[k],
                trend.suspect[k],
                trend.missing[k],
                STATUSES[trend.status[k]] if is_known else "unknown",
            )
        )


@contextlib.contextmanager
def _opened(path: Path | None) -> Iterator[TextIO]:
    if path is None:
        yield sys.stdout
        return
    try:
        with path.open("w", encoding="utf-8", newline="") as stream:
            yield stream
    except OSError as error:
        raise AxleboxError(f"{path} cannot be written: {error.strerror or error}") from error


def _tell_of(rows: SelectedRows) -> None:
    """What is not in the file goes to stderr: nobody may take it for complete."""
    notes = [f"{rows.samples} samples"]
    notes += [
        f"{count} messages are gone from the store ({reason})"
        for reason, count in sorted(rows.gap_messages.items())
        if count
    ]
    if rows.unreadable or rows.without_table:
        notes.append(
            f"{rows.unreadable} records unreadable, {rows.without_table} without a channel table"
        )
    if rows.skipped:
        notes.append(f"segments that cannot be read: {', '.join(map(str, rows.skipped))}")
    typer.echo("; ".join(notes), err=True)
