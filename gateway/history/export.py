"""Selected rows as CSV or Parquet, one row a sample, streamed."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from gateway.errors import AxleboxError
from gateway.forward.lines import decimals
from gateway.history.rows import STATUS_WORDS, Samples
from gateway.spool.describe import utc_text

__all__ = ["COLUMNS", "MissingParquetError", "write_csv", "write_parquet"]

COLUMNS = ("time", "time_quality", "node", "quantity", "place", "unit", "value", "status")
_QUALITIES = ("estimated", "sure")
_ROWS_A_GROUP = 131_072


class MissingParquetError(AxleboxError):
    """The library that writes Parquet is not installed."""


def write_csv(rows: Iterable[Samples], stream: TextIO) -> None:
    """With a header, after RFC 4180; a value has the digits that its sensor resolves."""
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for samples in rows:
        quality = _QUALITIES[samples.sure]
        times = [utc_text(at) for at in samples.times_us.tolist()]
        values, statuses = samples.values.tolist(), samples.statuses.tolist()
        for column, (name, channel) in enumerate(samples.channels):
            head = (quality, samples.node, name.quantity, name.place, name.unit)
            form = f"%.{decimals(channel)}f"
            for row, time in enumerate(times):
                value = values[row][column]
                text = "" if value != value else form % value
                writer.writerow((time, *head, text, STATUS_WORDS[statuses[row][column]]))


def write_parquet(rows: Iterable[Samples], path: Path) -> None:
    """Version 2.6 with zstd; a value is float64, null where none was taken; time is in
    microseconds UTC. Raises MissingParquetError."""
    arrow, parquet = _load_arrow()
    words = arrow.dictionary(arrow.int32(), arrow.string())
    types = (arrow.timestamp("us", tz="UTC"), *[words] * 5, arrow.float64(), words)
    schema = arrow.schema(list(zip(COLUMNS, types, strict=True)))
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        group = _Group(arrow, schema)
        for samples in rows:
            group.add(samples)
            if group.count >= _ROWS_A_GROUP:
                writer.write_batch(group.take())
        if group.count:
            writer.write_batch(group.take())


class _Group:
    """Rows on their way into one row group."""

    def __init__(self, arrow: Any, schema: Any) -> None:
        self.count = 0
        self._arrow = arrow
        self._schema = schema
        self._parts: list[tuple[Any, ...]] = []
        self._words: list[dict[str, int]] = [{} for _ in COLUMNS]

    def add(self, samples: Samples) -> None:
        rows, channels = samples.values.shape
        names = [name for name, _ in samples.channels]
        texts: tuple[list[str], ...] = (
            [_QUALITIES[samples.sure]] * channels,
            [samples.node] * channels,
            [name.quantity for name in names],
            [name.place for name in names],
            [name.unit for name in names],
        )
        codes = [
            np.repeat(np.array([self._code(1 + k, text) for text in column], np.int32), rows)
            for k, column in enumerate(texts)
        ]
        self._parts.append(
            (
                np.tile(samples.times_us, channels),
                *codes,
                samples.values.T.ravel(),
                samples.statuses.T.ravel().astype(np.int32),
            )
        )
        self.count += rows * channels

    def take(self) -> Any:
        """All of them, as a record batch."""
        arrow = self._arrow
        columns = [np.concatenate(arrays) for arrays in zip(*self._parts, strict=True)]
        made = []
        for k, (field, column) in enumerate(zip(self._schema, columns, strict=True)):
            if arrow.types.is_dictionary(field.type):
                is_status = field.name == "status"
                words = list(STATUS_WORDS if is_status else self._words[k])
                codes = arrow.array(column, arrow.int32())
                made.append(arrow.DictionaryArray.from_arrays(codes, arrow.array(words)))
            else:
                made.append(arrow.array(column, field.type, from_pandas=True))
        self._parts, self.count = [], 0
        return arrow.record_batch(made, schema=self._schema)

    def _code(self, column: int, text: str) -> int:
        words = self._words[column]
        return words.setdefault(text, len(words))


def _load_arrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingParquetError(
            "Parquet needs pyarrow, which is not installed: pip install 'axlebox[parquet]'. "
            "CSV needs nothing: --format csv"
        ) from None
    return pyarrow, pyarrow.parquet
