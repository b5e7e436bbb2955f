"""THINNED, written into a Writer: one message in place of many of READINGS; docs/wire.md."""

from axwire.cbor import INT8, Writer
from axwire.up import THINNED, begin

HEAD_BYTES = 1 + 1 + 5 + 5 + 5 + 3 + 2 + 3 + 2
"""At most what THINNED takes beside its blocks and the messages in doubt."""

DOUBT_BYTES = 1 + 3 + 3
"""At most what one message in doubt takes."""

RANGE_CAP = 4096
"""Most sequences that one THINNED stands for."""

DOUBT_CAP = 64


def thinned(
    writer: Writer,
    boot: int,
    first: int,
    last: int,
    messages: int,
    in_doubt: "list[tuple[int, int]]",
    revision: int,
    blocks: int,
) -> None:
    """The head of THINNED; `blocks` calls of `thinned_block` follow.

    It stands for `messages` of READINGS with sequences from `first` to `last`. `in_doubt` are
    those that may have arrived already: offset from `first`, and samples.
    """
    begin(writer, THINNED, boot, first, 5)
    writer.integer(last)
    writer.integer(messages)
    writer.array(len(in_doubt))
    for offset, samples in in_doubt:
        writer.array(2)
        writer.integer(offset)
        writer.integer(samples)
    writer.integer(revision)
    writer.array(blocks)


def thinned_block(
    writer: Writer,
    group: int,
    t_ms: int,
    tag: int,
    rows: memoryview,
    steps: "memoryview | None",
    span_ms: int,
    taken: "int | list[int]",
    statuses: "bytes | bytearray | None",
) -> None:
    """Minimum, mean and maximum: three `rows`, or the first and then int8 `steps`.

    `span_ms` from the first row to the last; `taken` = samples of each channel, one number where
    they are all alike.
    """
    writer.array(5 if statuses is None else 6)
    writer.integer(group)
    writer.integer(t_ms)
    if steps is not None:
        writer.array(2)
    writer.typed(tag, rows)
    if steps is not None:
        writer.typed(INT8, steps)
    writer.integer(span_ms)
    if isinstance(taken, int):
        writer.integer(taken)
    else:
        _integers(writer, taken)
    if statuses is not None:
        _integers(writer, statuses)


def _integers(writer: Writer, items: "list[int] | bytes | bytearray") -> None:
    writer.array(len(items))
    for item in items:
        writer.integer(item)
