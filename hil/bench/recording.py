"""Makes a recording of what a gateway stored, without a word of whose it is."""

from collections.abc import Iterator
from pathlib import Path

from axwire.codes import OK

from gateway.history.rows import SelectedRows
from gateway.history.selection import Selection
from simulators.recordings.runs import Sample, write_run

__all__ = ["record_run"]


def record_run(spool: Path, out: Path) -> int:
    """Write all good samples of a spool to a recording; returns how many.

    Raises AxleboxError where there is no spool, OSError where nothing can be written.
    """
    first_us = min((int(rows.times_us[0]) for rows in SelectedRows(spool, Selection())), default=0)
    with out.open("w", encoding="utf-8", newline="") as stream:
        return write_run(_samples(spool, first_us), stream)


def _samples(spool: Path, first_us: int) -> Iterator[Sample]:
    for rows in SelectedRows(spool, Selection()):
        times = ((rows.times_us - first_us) / 1e6).tolist()
        values, statuses = rows.values.tolist(), rows.statuses.tolist()
        for column, (name, _) in enumerate(rows.channels):
            for row, t_s in enumerate(times):
                if statuses[row][column] == OK:
                    yield t_s, name.quantity, name.place, values[row][column]
