"""Every cut of a run under every model, and the sums."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from random import Random
from unittest import mock

from gateway.profiles import load_profile
from power_cuts.aftermath import Judge, Verdict
from power_cuts.disk import Disk, Image
from power_cuts.recorder import Recorder
from power_cuts.run import Run, keys_for

__all__ = ["LYING", "MODELS", "Result", "Sweep"]

MODELS = ("synced", "prefix", "torn", "lying")
LYING = "lying"
_LIE = 1 / 3
_PROFILES = cache(load_profile)


@dataclass
class Result:
    """The sums of one model. `first_faults` are the first broken promises, in words."""

    cuts: int = 0
    acknowledged: int = 0
    """Summed over the cuts: so many times it was looked whether a message is there."""
    lost: int = 0
    lost_most: int = 0
    cuts_with_loss: int = 0
    beyond: int = 0
    unsaid: int = 0
    twice: int = 0
    alarms: int = 0
    faults: int = 0
    first_faults: list[str] = field(default_factory=list)

    def add(self, where: str, verdict: Verdict) -> None:
        self.cuts += 1
        self.acknowledged += verdict.acknowledged
        self.lost += len(verdict.lost)
        self.lost_most = max(self.lost_most, len(verdict.lost))
        self.cuts_with_loss += bool(verdict.lost)
        self.beyond += len(verdict.beyond)
        self.unsaid += len(verdict.unsaid)
        self.twice += len(verdict.twice)
        self.alarms += verdict.alarms
        self.faults += len(verdict.faults)
        if len(self.first_faults) < 10:
            keys = {
                "beyond what was in flight": verdict.beyond,
                "untold": verdict.unsaid,
                "twice": verdict.twice,
            }
            told = [f"{words}: {those}" for words, those in keys.items() if those]
            self.first_faults += [f"{where}: {words}" for words in told + verdict.faults]

    def merge(self, other: "Result") -> None:
        most = max(self.lost_most, other.lost_most)
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))
        self.lost_most = most

    def holds(self, lying: bool) -> bool:
        """Whether every promise was kept; where syncs lied, what was in flight may be lost."""
        broken = self.beyond or self.unsaid or self.twice or self.faults
        return not broken and (lying or not self.lost)


class Sweep:
    """One recorded run, below `folder`, to cut under any model."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.seed = seed
        self._keys_folder, self._cut_folder = folder / "keys", folder / "cut"
        for part in (self._keys_folder, self._cut_folder, folder / "run"):
            part.mkdir()
        self._keys = keys_for(self._keys_folder)
        recorder = Recorder(folder / "run")
        with _many_gateways():
            self.run = Run(recorder, self._keys, seed)
        recorder.check()
        self.operations = recorder.operations

    def result(self, model: str, chances: int = 1, *, until_broken: bool = False) -> Result:
        """All cuts under `model` (or, `until_broken`, up to the first that breaks a promise); a
        model with chance in it so often."""
        result = Result()
        judge = Judge(self.run, self._keys, self._cut_folder, honest=model != LYING)
        verdicts: dict[object, Verdict] = {}
        with _many_gateways():
            for chance in range(chances if model in ("torn", LYING) else 1):
                name = f"{self.seed} {model} {chance}"
                random = Random(name)
                for cut, part, image, disk in self._images(model, name):
                    same = (frozenset(image.items()), self._moment(cut))
                    if same not in verdicts:
                        verdicts[same] = judge.judge(cut, image, disk, random)
                    result.add(f"{model} {chance}, cut {cut}{part}", verdicts[same])
                    if until_broken and not result.holds(model == LYING):
                        return result
        return result

    def _images(self, model: str, name: str) -> Iterator[tuple[int, str, Image, Disk]]:
        disk, random = Disk(), Random(f"images {name}")
        for cut, operation in enumerate([*self.operations, None]):
            if model == "prefix":
                yield cut, "", disk.prefix(), disk
                if operation is not None and operation.name == "write":
                    yield cut, " and a part", disk.prefix(operation, random.random()), disk
            elif model == "synced" or (model == LYING and random.random() < 0.5):
                yield cut, "", disk.synced(), disk
            else:
                yield cut, "", disk.torn(random), disk
            if operation is not None:
                disk.apply(operation, lies=model == LYING and random.random() < _LIE)

    def _moment(self, cut: int) -> tuple[int, int]:
        """What was acknowledged, by nodes and server, by then: it is the same in many cuts."""
        acknowledged = self.run.nodes.acknowledged.values()
        return (
            sum(at <= cut for at in acknowledged),
            sum(at <= cut for at, _ in self.run.forwarded),
        )


@contextmanager
def _many_gateways() -> Iterator[None]:
    """What thousands of them, started on broken disks, need not do: log, and parse one profile."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with mock.patch("gateway.core.load_profile", _PROFILES):
            yield
    finally:
        logging.disable(before)
