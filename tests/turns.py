"""How long the turns of a node's loop were, as its simulated board tells it."""

from collections import Counter

from hil.target import MicropythonTarget

__all__ = ["Turns"]


class Turns:
    """Of a measured node, since this was made; see simulators/board/turns.py."""

    def __init__(self, target: MicropythonTarget) -> None:
        self._target = target
        self._target.account()
        self.told: Counter[str] = Counter()
        self.longest_us = 0

    def count(self) -> int:
        """How many there were until now."""
        told = self._target.account()["turns"]
        self.longest_us = max(self.longest_us, told["longest_us"])
        self.told.update(told)
        return self.told["count"]
