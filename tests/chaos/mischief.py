"""What can happen to whom, drawn from a seed; each trouble ends before the next of its subject."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Mischief", "Trouble"]


@dataclass(frozen=True)
class Trouble:
    """Something that befalls `subject`, from `begin` to `end`, for `least_s` to `most_s`.

    `kill`: it counts as one. `weight`: how often it is drawn, beside the others. Afterwards the
    subject is left alone for up to `rest_s`.
    """

    subject: str
    name: str
    begin: Callable[[], None]
    end: Callable[[], None]
    least_s: float
    most_s: float
    weight: float = 1.0
    kill: bool = False
    rest_s: float = 0.0


class Mischief:
    """Draws troubles, `pause_s` apart in the mean, for whom has none; call `step` often."""

    def __init__(self, troubles: list[Trouble], pause_s: float, seed: int) -> None:
        self._troubles = troubles
        self._pause_s = pause_s
        self._random = random.Random(seed)
        self._under_way: dict[str, tuple[float, Trouble]] = {}
        self._resting: dict[str, float] = {}
        self._next_s = 0.0
        self.done: Counter[str] = Counter()
        """How often each happened, as `subject name`."""
        self.kills: Counter[str] = Counter()
        """Of each subject."""

    def step(self, now_s: float) -> None:
        """End what is over, and begin what is due."""
        for subject, (until_s, trouble) in list(self._under_way.items()):
            if now_s >= until_s:
                del self._under_way[subject]
                trouble.end()
                self._resting[subject] = now_s + self._random.uniform(0.0, trouble.rest_s)
        if now_s >= self._next_s:
            self._next_s = now_s + self._random.expovariate(1 / self._pause_s)
            free = [each for each in self._troubles if self._is_free(each.subject, now_s)]
            if free:
                self._begin(self._random.choices(free, [each.weight for each in free])[0], now_s)

    def end(self) -> None:
        """Let all be well again."""
        for _, trouble in self._under_way.values():
            trouble.end()
        self._under_way.clear()

    def _is_free(self, subject: str, now_s: float) -> bool:
        return subject not in self._under_way and now_s >= self._resting.get(subject, 0.0)

    def _begin(self, trouble: Trouble, now_s: float) -> None:
        until_s = now_s + self._random.uniform(trouble.least_s, trouble.most_s)
        self._under_way[trouble.subject] = (until_s, trouble)
        self.done[f"{trouble.subject.split(':')[0]} {trouble.name}"] += 1
        if trouble.kill:
            self.kills[trouble.subject] += 1
        trouble.begin()
