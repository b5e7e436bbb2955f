"""What became of every sample: the store's own account, and the server beside the store."""

import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rigs import all_sent

from chaos.disk import Disk
from hil.account import Account, read_store, settle
from hil.errors import BenchError
from hil.rig import Rig
from hil.server_points import Points, compare, points_on_server, points_to_send
from hil.victoria_metrics import VictoriaMetrics

__all__ = ["Verdict", "judge"]

_SENT_S = 600.0


@dataclass(frozen=True)
class Verdict:
    """`messages`: acknowledged. `taken` samples: by the sensors; `stored`: in the store;
    `thinned`: only as minimum, mean and maximum; `lost_by`: in the nodes' counters; `duplicated`
    messages were stored again.

    `told`: values of stored samples that the log's lines tell, each one point of a series;
    `same_time` of them have the time of another, so that any server overwrites one, and
    `same_millisecond` more have it on a server that keeps milliseconds. `removed`: points that
    went from the store when the disk was full. `absent` points were not on the server before the
    replay, `missing` were kept and are not there after it, `twice` are there and in no line.
    """

    messages: int
    taken: int
    stored: int
    thinned: int
    lost_by: dict[str, int]
    balanced: bool
    duplicated: int
    told: int
    same_time: int
    same_millisecond: int
    removed: int
    absent: int
    missing: int
    twice: int

    @property
    def good(self) -> bool:
        """Nothing acknowledged is missing, nothing is twice, all is accounted for."""
        wrong = self.duplicated or self.same_time or self.missing or self.twice
        return self.balanced and self.told == self.stored and not wrong


def judge(rig: Rig, server: VictoriaMetrics, disk: Disk, began_us: int, limit_s: float) -> Verdict:
    """Silence the sensors, let everything arrive, replay all, and compare."""
    account = _settle(rig, disk, limit_s)
    rig.wait(all_sent, _SENT_S)
    absent, _ = compare(_to_send(rig, disk.archive), points_on_server(server, rig.plan.locomotive))
    _replay(rig.plan.folder, began_us)
    rig.wait(all_sent, _SENT_S)
    kept = _to_send(rig, disk.spool)
    arrived = points_on_server(server, rig.plan.locomotive)
    disk.keep_segments()
    ever = _to_send(rig, disk.archive)
    missing, _ = compare(kept, arrived)
    _, twice = compare(ever, arrived)
    return Verdict(
        messages=len(read_store(disk.archive).messages),
        taken=account.taken,
        stored=account.stored,
        thinned=account.thinned,
        lost_by=account.lost_by,
        balanced=account.balanced,
        duplicated=account.duplicated,
        told=ever.values,
        same_time=ever.same_time,
        same_millisecond=ever.same_millisecond,
        removed=ever.count - kept.count,
        absent=absent,
        missing=missing,
        twice=twice,
    )


def _settle(rig: Rig, disk: Disk, limit_s: float) -> Account:
    """The account once all that the nodes held has come, or as it is at the limit."""
    for target in rig.targets.values():
        target.cut_sensors()
    taken = sum(target.taken() for target in rig.targets.values())

    def account() -> Account:
        disk.keep_segments()
        return settle(taken, read_store(disk.archive))

    try:
        rig.until(lambda: account().balanced, limit_s)
    except BenchError:
        print(f"the account does not balance within {limit_s} s")
    return account()


def _to_send(rig: Rig, folder: Path) -> Points:
    return points_to_send(folder, rig.plan.locomotive)


def _replay(folder: Path, began_us: int) -> None:
    since = datetime.fromtimestamp(began_us / 1e6, UTC).isoformat(timespec="seconds")
    replayed = subprocess.run(
        [sys.executable, "-m", "gateway", "gateway", "replay", "--since", since],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=_SENT_S,
    )
    if replayed.returncode:
        raise BenchError(f"the replay failed: {replayed.stderr}")
