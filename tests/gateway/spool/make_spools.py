"""Writes data/spool-v1, -v2 and -alarms: whole small spools as a gateway leaves them.

The first two hold the same run of one node, v2 after its first segments were thinned; the third
the records of alarms as the first gateway that had them wrote them. Run as
`python tests/gateway/spool/make_spools.py` when a new format gets its own; the files of older
formats are never written again, for they stand for spools in the field.
"""

import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import msgspec
from board_peer import MISSING, Board, group_of
from manual_clock import ManualClock

from gateway.alarms.life import AlarmLife
from gateway.alarms.record import AlarmRecord
from gateway.alarms.rulebook import load_rules
from gateway.alarms.signals import Found
from gateway.clock import ClockRecord
from gateway.ledger import Ledger, Run, account_of
from gateway.profiles import load_profile
from gateway.spool import Kind, Limits, Priority, Thinner, WriterSettings, make_room, open_spool

DATA = Path(__file__).parent / "data"
SPOOL_V1 = DATA / "spool-v1"
SPOOL_V2 = DATA / "spool-v2"
SPOOL_ALARMS = DATA / "spool-alarms"
BOOT = 0x9F3A01C2
READINGS = 40
LIVE = 30
"""So many come before the clock record; the rest follow it."""


def write_v1(folder: Path) -> None:
    """Three segments of up to 2000 bytes."""
    folder.mkdir()
    clock = ManualClock()
    ledger = Ledger()
    board = Board(boot=BOOT, groups=[group_of("motor.current", 2, period_ms=100)])
    with open_spool(folder, clock, settings=WriterSettings(segment_bytes=2000)) as spool:

        def append(kind: Kind, priority: Priority, body: bytes) -> None:
            if spool.writer.wants_snapshot:
                spool.writer.append(
                    Kind.STATE, Priority.SERVICE, ledger.snapshot(), clock.utc_us()
                )
            spool.writer.append(kind, priority, body, clock.utc_us())
            ledger.replay(kind, body)
            assert spool.writer.commit()
            clock.advance_us(1_000_000)

        append(Kind.RUN, Priority.URGENT, msgspec.msgpack.encode(Run(1, "0.1.0", "TE33A-0001")))
        append(Kind.MESSAGE, Priority.SERVICE, board.hello())
        for number in range(READINGS):
            if number == LIVE:
                record = ClockRecord(
                    "motors-a", BOOT, 0, clock.utc_us() - LIVE * 1_000_000, 0, 1000, trusted=True
                )
                append(Kind.CLOCK, Priority.SERVICE, msgspec.msgpack.encode(record))
            last = MISSING if number % 10 == 9 else -number
            rows = [[number * 10 + k, last] for k in range(10)]
            message = board.readings(rows, t_ms=number * 1000)
            append(Kind.MESSAGE, Priority.READINGS, message)
            if number % 8 == 7:
                append(Kind.MESSAGE, Priority.URGENT, board.event())
        append(Kind.MESSAGE, Priority.SERVICE, board.health(samples=READINGS * 20 - 40))


def write_v2(folder: Path) -> None:
    """The same, thinned by 15 %."""
    shutil.copytree(SPOOL_V1, folder)
    with open_spool(folder, ManualClock()) as spool:
        limits = Limits(round(spool.writer.total_bytes * 0.85), 0)
        make_room(
            spool.writer, limits, None, thinner=Thinner(spool.writer.storage, folder, account_of)
        )


def write_alarms(folder: Path) -> None:
    """Of five alarms one is unacknowledged, one acknowledged, one shelved for an hour, one over
    before anybody acknowledged it, and one over and acknowledged; each 10 s after the one before.
    """
    folder.mkdir()
    clock = ManualClock()
    rules = {one.rule.id: one for one in load_rules(load_profile("te33a"))}
    with open_spool(folder, clock) as spool:

        def append(kind: Kind, priority: Priority, body: bytes) -> None:
            spool.writer.append(kind, priority, body, clock.utc_us())
            assert spool.writer.commit()

        def store(record: AlarmRecord) -> None:
            append(Kind.ALARM, Priority.URGENT, msgspec.msgpack.encode(record))

        append(Kind.RUN, Priority.URGENT, msgspec.msgpack.encode(Run(1, "0.1.0", "TE33A-0001")))
        life = AlarmLife(clock, store)
        for rule, place, quantity, value in (
            ("winding-hot", "motor 1", "motor.winding_temperature", 181.5),
            ("axlebox-hot", "axle 2 left", "axle.bearing_temperature", 72.25),
            ("winding-warm", "motor 3", "motor.winding_temperature", 166.0),
            ("sensor-fault", "motor 4", "motor.current", 1.0),
            ("node-silent", "brakes-a", None, 11.0),
        ):
            kind = rules[rule].rule.__struct_config__.tag
            key = f"{quantity} {place}" if kind == "fault" else place
            channels = () if quantity is None else ("motors-a/1",)
            life.open(f"{rule}@{key}", rules[rule], Found(key, place, quantity, channels, value))
            clock.advance_us(10_000_000)
        life.acknowledge("axlebox-hot@axle 2 left", "cab 1")
        life.shelve("winding-warm@motor 3", "cab 2", 60)
        life.silence("cab 1")
        life.close("sensor-fault@motor.current motor 4")
        life.close("node-silent@brakes-a")
        life.acknowledge("node-silent@brakes-a", "cab 1")


if __name__ == "__main__":
    for path, write in (
        (SPOOL_V1, write_v1),
        (SPOOL_V2, write_v2),
        (SPOOL_ALARMS, write_alarms),
    ):
        if not path.exists():
            write(path)
