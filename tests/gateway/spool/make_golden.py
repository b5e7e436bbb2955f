"""Writes data/v1.seg: one segment of format 1 with a record of every kind.

Run as `python tests/gateway/spool/make_golden.py` when a new format gets its own file; the files
of older formats are never written again, for they stand for spools in the field.
"""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from manual_clock import ManualClock

from gateway.spool import Kind, Priority, open_spool

DATA = Path(__file__).parent / "data"
GOLDEN_V1 = DATA / "v1.seg"
FIRST_US = 1_763_755_200_000_000
RECORDS: tuple[tuple[Kind, Priority, int, bytes], ...] = (
    (Kind.RUN, Priority.SERVICE, FIRST_US, b'{"version":"0.1.0"}'),
    (Kind.STATE, Priority.SERVICE, FIRST_US + 1, bytes(range(256)) * 3),
    (Kind.MESSAGE, Priority.READINGS, FIRST_US + 250_000, bytes.fromhex("8443a10104a1044162")),
    (Kind.MESSAGE, Priority.WAVEFORM, FIRST_US + 250_001, b""),
    (Kind.CLOCK, Priority.SERVICE, FIRST_US + 300_000, b"clock"),
    (Kind.MESSAGE, Priority.URGENT, FIRST_US + 999_999, b"\xf1\xa5" * 40),
    (Kind.QUARANTINE, Priority.READINGS, -1, b"refused"),
    (Kind.GAP, Priority.URGENT, FIRST_US + 2_000_000, bytes(30)),
    (
        Kind.GAP,
        Priority.URGENT,
        FIRST_US + 2_000_001,
        b'{"reason":"removed","segment":1,"offset":32,"bytes":500,"messages":3}',
    ),
)


def segment_bytes() -> bytes:
    """The segment as today's writer makes it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with open_spool(folder, ManualClock(utc_us=FIRST_US)) as spool:
            for record in RECORDS:
                spool.writer.append(record[0], record[1], record[3], record[2])
        return (folder / "0000000001.seg").read_bytes()


if __name__ == "__main__":
    GOLDEN_V1.write_bytes(segment_bytes())
