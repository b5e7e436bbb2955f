"""What became of every sample: the store's own account, and the server beside the store."""

import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime

from axwire.codes import OK
from real_servers import VictoriaMetrics

from chaos.disk import Disk
from hil.account import Store, read_store, settle
from hil.errors import BenchError
from hil.rig import Rig

__all__ = ["Verdict", "judge"]

_SENT_S = 600.0
_SAME = 1e-3
"""What a value may be off by on the server; converter steps are larger."""

Series = tuple[str, str, str, str]
"""Metric, node, place, unit."""


@dataclass(frozen=True)
class Verdict:
    """`messages`: acknowledged. `values`: the good ones among the stored samples; `removed` of
    them went when the disk was full. `absent` were not on the server before the replay, `missing`
    were kept and are not there after it, `twice` are there once too often.
    """

    messages: int
    taken: int
    stored: int
    lost_by: dict[str, int]
    balanced: bool
    duplicated: int
    values: int
    removed: int
    absent: int
    missing: int
    twice: int

    @property
    def good(self) -> bool:
        """Nothing acknowledged is missing, nothing is twice, all is accounted for."""
        return self.balanced and not (self.duplicated or self.missing or self.twice)


def judge(rig: Rig, server: VictoriaMetrics, disk: Disk, began_us: int, limit_s: float) -> Verdict:
    """Silence the sensors, let everything arrive, replay all, and compare."""
    for target in rig.targets.values():
        target.cut_sensors()
    taken = sum(target.taken() for target in rig.targets.values())

    def is_balanced() -> bool:
        disk.keep_segments()
        return settle(taken, read_store(disk.archive)).balanced

    try:
        rig.until(is_balanced, limit_s)
    finally:
        disk.keep_segments()
    rig.until(lambda: _all_sent(rig), _SENT_S)
    store = read_store(disk.archive)
    account = settle(taken, store)
    stored, kept = _values_of(store), _values_of(read_store(disk.spool))
    absent, _ = _compare(stored, _on_server(rig, server))
    replayed = subprocess.run(
        [sys.executable, "-m", "gateway", "gateway", "replay", "--since", _iso(began_us)],
        cwd=rig.plan.folder,
        capture_output=True,
        text=True,
        timeout=_SENT_S,
    )
    if replayed.returncode:
        raise BenchError(f"the replay failed: {replayed.stderr}")
    rig.until(lambda: _all_sent(rig), _SENT_S)
    arrived = _on_server(rig, server)
    missing, _ = _compare(kept, arrived)
    _, twice = _compare(stored, arrived)
    return Verdict(
        messages=len(store.messages),
        taken=account.taken,
        stored=account.stored,
        lost_by=account.lost_by,
        balanced=account.balanced,
        duplicated=account.duplicated,
        values=sum(map(len, stored.values())),
        removed=sum(map(len, stored.values())) - sum(map(len, kept.values())),
        absent=absent,
        missing=missing,
        twice=twice,
    )


def _iso(us: int) -> str:
    return datetime.fromtimestamp(us / 1e6, UTC).isoformat(timespec="seconds")


def _all_sent(rig: Rig) -> bool:
    state = rig.gateway.state()["forward"]
    return bool(state["state"] == "idle" and not state["backlog_bytes"])


def _values_of(store: Store) -> dict[Series, list[float]]:
    """The good values among what is stored, by series, sorted."""
    found: dict[Series, list[float]] = defaultdict(list)
    for block in store.blocks:
        group = block.rows.group
        for column, (quantity, place) in enumerate(
            zip(group.quantities, group.places, strict=True)
        ):
            if block.rows.statuses[column] == OK:
                name = quantity.name.replace(".", "_")
                good = block.rows.values[~block.rows.missing[:, column], column]
                found[name, block.node, place, quantity.unit] += good.tolist()
    return {series: sorted(values) for series, values in found.items()}


def _on_server(rig: Rig, server: VictoriaMetrics) -> dict[Series, list[float]]:
    found: dict[Series, list[float]] = defaultdict(list)
    for key, values in server.read_back(rig.plan.locomotive).items():
        tags = dict(key.tags)
        if "place" in tags and not key.name.endswith(("_status", "_suspect")):
            found[key.name, tags["node"], tags["place"], tags["unit"]] += values
    return {series: sorted(values) for series, values in found.items()}


def _compare(
    expected: dict[Series, list[float]], found: dict[Series, list[float]]
) -> tuple[int, int]:
    """How many values are missing in `found`, and how many it has too many."""
    missing = extra = 0
    for series in expected.keys() | found.keys():
        wanted, got = expected.get(series, []), found.get(series, [])
        left = right = 0
        while left < len(wanted) and right < len(got):
            apart = got[right] - wanted[left]
            if abs(apart) <= _SAME:
                left += 1
                right += 1
            elif apart > 0:
                missing += 1
                left += 1
            else:
                extra += 1
                right += 1
        missing += len(wanted) - left
        extra += len(got) - right
    return missing, extra
