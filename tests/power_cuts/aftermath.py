"""A gateway starts on what a cut left: what is there, what is missing, and whether it says so."""

import os
import shutil
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from manual_clock import ManualClock

from gateway.config import NodeConfig
from gateway.forward import CursorFile, Forwarder
from gateway.forward.progress import Progress
from gateway.spool import FileStorage, Gap, Kind, Position, Record, gap_of, read_records
from gateway.spool.format import FIRST_SEGMENT, HEADER_BYTES, segment_name, segment_path
from gateway.spool.inspection import inspect_spool
from gateway.spool.segments import list_segments
from power_cuts.disk import Disk, Image
from power_cuts.nodes import Key, Nodes
from power_cuts.recorder import Recorder
from power_cuts.run import SERVER, SPOOL, Process, Run, Server, configuration

__all__ = ["Judge", "Verdict"]

_AGAIN = 8
"""So many acknowledged messages, the newest, are played to the gateway again."""


@dataclass
class Verdict:
    """What came of one cut."""

    acknowledged: int = 0
    lost: list[Key] = field(default_factory=list)
    """Acknowledged, not there, and not removed to make room."""
    beyond: list[Key] = field(default_factory=list)
    """Of those: all of it rested on syncs that were honest."""
    unsaid: list[Key] = field(default_factory=list)
    """Of those: nothing tells that they are missing, and it could."""
    twice: list[Key] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """Other broken promises, in words."""
    alarms: int = 0
    """Segments told to be damaged where a write was torn that nobody had been promised."""


class Judge:
    """Of the cuts of one run. `honest`: no sync lied, so nothing may be lost or damaged."""

    def __init__(self, run: Run, keys: list[NodeConfig], folder: Path, *, honest: bool) -> None:
        self._run = run
        self._keys = keys
        self._folder = folder
        self._honest = honest

    def judge(self, cut: int, image: Image, disk: Disk, random: Random) -> Verdict:
        """Start on `image`, which a cut after `cut` operations left of `disk`."""
        verdict = Verdict()
        try:
            _Case(
                self._run, self._keys, self._folder, self._honest, cut, image, disk, verdict
            ).start(random)
        except Exception as error:
            verdict.faults.append(f"the gateway did not start or go on: {error!r}")
        finally:
            _close_below(self._folder)
            for folder in self._folder.iterdir():
                shutil.rmtree(folder)
        return verdict


def _close_below(folder: Path) -> None:
    """What the kernel does when a process has been killed."""
    for fd in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            if os.readlink(f"/proc/self/fd/{fd}").startswith(f"{folder}/"):
                os.close(int(fd))


class _Case:
    def __init__(
        self,
        run: Run,
        keys: list[NodeConfig],
        folder: Path,
        honest: bool,
        cut: int,
        image: Image,
        disk: Disk,
        verdict: Verdict,
    ) -> None:
        self._run = run
        self._keys = keys
        self._folder = folder
        self._honest = honest
        self._cut = cut
        self._disk = disk
        self._verdict = verdict
        self._recorder = self._place("first", image)
        self._image = image
        self._cursor = self._furthest = Position(0, 0)
        self._passed = 0
        self._nodes = run.nodes.as_of(cut, self._moment)
        self._server = Server(self._moment)
        self._clock = ManualClock(run.clock.utc_us() + 10_000_000)
        self._had = max((p for at, p in run.forwarded if at <= cut), default=Position(0, 0))

    def _moment(self) -> int:
        return len(self._recorder.operations)

    def start(self, random: Random) -> None:
        acknowledged = {k for k, at in self._run.nodes.acknowledged.items() if at <= self._cut}
        self._verdict.acknowledged = len(acknowledged)
        with self._recorder.watching():
            self._check_cursor()
            process = self._process(self._image)
            found = self._found()
            absent = acknowledged - found.keys()
            self._check_missing(process, absent)
            self._check_ledger(process, found)
            self._go_on(process, absent, random)
            if self._furthest > process.gateway.recovery.end or random.random() < 0.1:
                self._check_forwarding(process)
            process.close()
        self._recorder.check()
        self._cut_again(absent, random)

    def _place(self, name: str, image: Image) -> Recorder:
        root = self._folder / name
        root.mkdir()
        self._spool = root / SPOOL
        return Recorder(root, image)

    def _process(self, image: Image) -> Process:
        config = configuration(self._spool.parent, self._keys)
        process = Process(config, self._clock, self._nodes, self._server)
        if self._honest:
            self._check_sound(process, image)
        return process

    def _check_cursor(self) -> None:
        """The cursor is never ahead of what the server had; an honest disk never spoils it."""
        cursor_file = CursorFile(self._spool, SERVER)
        progress = cursor_file.load() or Progress()
        self._cursor = progress.unsent_from
        self._furthest = progress.live
        if self._cursor > self._had:
            self._fault(f"the cursor is at {self._cursor}, the server has up to {self._had}")
        if self._honest and "damaged" in (cursor_file.note or ""):
            self._fault(f"{cursor_file.note}")

    def _check_sound(self, process: Process, image: Image) -> None:
        """Nothing is damaged but what rotted, and what no sync was over when it was torn."""
        recovery = process.gateway.recovery
        for problem in recovery.problems:
            self._fault(f"a problem: {problem}")
        rotten = any(at < self._cut for at in self._run.rotten.values())
        damaged = {one.number for one in recovery.salvaged} | {g.segment for g in recovery.gaps}
        for number in damaged if not rotten else ():
            if _has_header(image.get(f"{SPOOL}/{segment_name(number)}")):
                self._verdict.alarms += 1
            else:
                self._fault(f"segment {number} is told to be damaged")
        for report in inspect_spool(self._spool):
            if not (report.sound or report.size == HEADER_BYTES) or report.torn_bytes:
                self._fault(f"not sound after the start: {report}")

    def _found(self) -> Counter[Key]:
        keys = (self._nodes.key_of(record) for record in read_records(self._spool))
        found = Counter(key for key in keys if key is not None)
        self._verdict.twice += [key for key, count in found.items() if count > 1]
        return found

    def _check_missing(self, process: Process, absent: set[Key]) -> None:
        """Counts as lost what is absent and was neither removed to make room nor rotten."""
        told = _Told(self._spool, self._cursor, self._nodes, self._run.places)
        self._passed = told.passed
        for key in sorted(absent - self._removed(absent)):
            start, stop = self._run.places[key]
            said = told.at(start)
            if said and self._run.rotten.get(key, self._cut) < self._cut:
                continue
            self._verdict.lost.append(key)
            path = f"{SPOOL}/{segment_name(start.segment)}"
            # A segment that was written anew is none while its head rests on no sync.
            if not (
                self._disk.is_open(path, start.offset, stop.offset)
                or self._disk.is_open(path, 0, HEADER_BYTES)
            ):
                self._verdict.beyond.append(key)
            # What nothing left of the log lies behind, nothing in it can tell of.
            if not said and (_is_known(process, key) or start < process.gateway.recovery.end):
                self._verdict.unsaid.append(key)

    def _check_ledger(self, process: Process, found: Iterable[Key]) -> None:
        """What is stored is refused when it comes again; what is not, and is held, is taken."""
        for key in found:
            if not _is_known(process, key):
                self._fault(f"{key} is stored, and would be stored again")
        if self._honest:
            for key in self._nodes.held():
                if key not in found and _is_known(process, key):
                    self._fault(f"{key} is not stored, and would be refused")

    def _go_on(self, process: Process, absent: set[Key], random: Random) -> None:
        """Old, held and new messages come, and each is stored once."""
        nodes, ingest = self._nodes, process.gateway.ingest
        forgotten = sum(not _is_known(process, key) for key in absent if nodes.is_present(key))
        newest = sorted(self._run.nodes.acknowledged, key=self._run.nodes.acknowledged.__getitem__)
        played = [key for key in newest if key in nodes.acknowledged and key not in absent]
        process.hear(*(nodes.messages[key] for key in played[-_AGAIN:]))
        ingest.link_opened(nodes)
        process.hear_held()
        for board in nodes.boards.values():
            if board.sequence == 0 or not self._honest:
                process.hear(nodes.say(board, board.hello()))
            row = [random.randint(0, 9999) for _ in board.groups[0].channels]
            process.hear(nodes.say(board, board.readings([row], t_ms=10_000_000)))
            process.hear(nodes.say(board, board.event()))
            process.hear(nodes.health(board))
        process.answer_pings()
        process.commit()
        if self._honest and nodes.held():
            self._fault(f"never acknowledged: {nodes.held()}")
        if ingest.lost_messages != forgotten:
            self._fault(f"{ingest.lost_messages} are counted as lost by nodes, not {forgotten}")

    def _check_forwarding(self, process: Process) -> None:
        """What the server had, and what it is sent now, is all that the spool holds."""
        _drain(process.forwarder, self._clock)
        if process.forwarder.passed_segments < self._passed:
            self._fault(f"{self._passed} segments are gone, and are not counted as passed over")
        everything = Server(self._moment)
        afresh = process.forwarder_to(everything, "another server")
        _drain(afresh, self._clock)
        had = [(at, body) for at, body in self._run.server.taken if at <= self._cut]
        unsent = _rows(everything.taken) - _rows(had) - _rows(self._server.taken)
        if unsent:
            self._fault(f"{len(unsent)} rows are never sent to the server, as {min(unsent)!r}")

    def _cut_again(self, absent: set[Key], random: Random) -> None:
        """The power fails once more, at the start or behind it: nothing more is lost."""
        operations = self._recorder.operations
        again = len(operations) if random.random() < 0.5 else random.randint(0, len(operations))
        disk = Disk.holding(self._image)
        for operation in operations[:again]:
            disk.apply(operation)
        required = {key for key, at in self._nodes.acknowledged.items() if at <= again} - absent
        second = random.choice((disk.synced, disk.prefix, lambda: disk.torn(random)))()
        recorder = self._place("second", second)
        with recorder.watching():
            process = self._process(second)
            lacking = required - self._found().keys()
            process.close()
        for key in lacking - self._removed(lacking):
            self._fault(f"{key} did not survive a second cut after {again} operations")

    def _removed(self, keys: set[Key]) -> set[Key]:
        """Those of `keys` that were removed to make room: forwarded, or told by a gap.

        On a full disk a segment is emptied first, and until there is room for the gap it is told
        as damaged.
        """
        told = self._gaps("removed", "thinned")
        segments = set(list_segments(FileStorage(), self._spool))
        emptied = {number for number in segments if self._is_emptied(number)}
        removed = set()
        for key in keys & self._run.places.keys():
            start, stop = self._run.places[key]
            gone = start.segment not in segments and stop <= self._had
            if gone or start.segment in emptied or _covers(told, start):
                removed.add(key)
        return removed

    def _is_emptied(self, number: int) -> bool:
        size = segment_path(self._spool, number).stat().st_size
        return size == HEADER_BYTES and _covers(
            self._gaps("damaged"), Position(number, HEADER_BYTES)
        )

    def _gaps(self, *reasons: str) -> list[Gap]:
        return [gap for gap in _gaps_in(self._spool) if gap.reason in reasons]

    def _fault(self, words: str) -> None:
        self._verdict.faults.append(words)


class _Told:
    """What a spool says is missing, to those who look at it with what users have.

    `verify` names each segment that is missing between two others, each damaged stretch, and each
    segment of which nothing says where it ended; the forwarder counts what it passes over. In a
    compact segment a stretch counts by what is left before and behind it: between two damaged
    ones, places are late (docs/spool.md).
    """

    def __init__(
        self,
        spool: Path,
        cursor: Position,
        nodes: Nodes,
        places: Mapping[Key, tuple[Position, Position]],
    ) -> None:
        self._spool = spool
        self._cursor = cursor
        self._nodes = nodes
        self._places = places
        self._reports = {report.number: report for report in inspect_spool(spool)}
        self._gaps = [g for g in _gaps_in(spool) if g.reason in ("damaged", "missing")]
        self._begin = min(self._reports)
        self._last = max(self._reports)

    @property
    def passed(self) -> int:
        """So many segments are gone where the forwarder begins."""
        return max(0, self._begin - max(self._cursor.segment, FIRST_SEGMENT))

    def at(self, place: Position) -> bool:
        """Whether it is told that something is missing at `place`."""
        if _covers(self._gaps, place):
            return True
        number = place.segment
        report = self._reports.get(number)
        if report is None:
            return min(self._begin, self._cursor.segment) <= number < self._last
        if place.offset >= report.end:
            return self._is_end_unknown(number)
        return report.level is not None and self._is_damage_around(place)

    def _is_end_unknown(self, number: int) -> bool:
        following = self._reports.get(number + 1)
        return number < self._last and not (following and following.previous_end)

    def _is_damage_around(self, place: Position) -> bool:
        """Whether a damaged stretch lies behind what is left before `place` and before what is
        left behind it."""
        damaged = False
        for record in read_records(self._spool, Position(place.segment, 0)):
            key = self._nodes.key_of(record)
            if record.segment > place.segment or (
                key is not None and self._places[key][0] > place
            ):
                break
            if key is not None:
                damaged = False
            elif record.kind == Kind.GAP and _is_damage(record):
                damaged = True
        return damaged


def _is_damage(record: Record) -> bool:
    gap = gap_of(record)
    return gap.reason == "damaged" and record.start == Position(gap.segment, gap.offset)


def _has_header(content: bytes | None) -> bool:
    """Whether a segment's header is sound: it was synced before a record was written."""
    if content is None or len(content) < HEADER_BYTES:
        return False
    return zlib.crc32(content[: HEADER_BYTES - 4]) == int.from_bytes(
        content[HEADER_BYTES - 4 : HEADER_BYTES], "little"
    )


def _gaps_in(spool: Path) -> list[Gap]:
    return [gap_of(record) for record in read_records(spool) if record.kind == Kind.GAP]


def _covers(gaps: list[Gap], place: Position) -> bool:
    """Whether a gap is told there; a removed segment is gone from the gap's offset on."""
    return any(
        gap.segment == place.segment
        and gap.offset <= place.offset
        and (gap.reason == "removed" or place.offset < gap.offset + gap.bytes)
        for gap in gaps
    )


def _is_known(process: Process, key: Key) -> bool:
    boot = process.gateway.ledger.find(key.node, key.boot)
    return boot is not None and key.sequence in boot.accepted


def _drain(forwarder: Forwarder, clock: ManualClock) -> None:
    for _ in range(1000):
        next_us = forwarder.step()
        if forwarder.state().state == "idle":
            return
        clock.advance_us(max(0, next_us - clock.monotonic_us()))
    raise AssertionError(f"not through: {forwarder.state()}")


def _rows(taken: Iterable[tuple[int, bytes]]) -> set[bytes]:
    """The lines that are readings."""
    return {line for _, body in taken for line in body.split(b"\n") if line.startswith(b"motor,")}
