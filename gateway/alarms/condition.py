"""When one rule at one place is open: its limit, what closes it, and a delay each way."""

from dataclasses import dataclass

from gateway.alarms.rulebook import BoundRule
from gateway.alarms.signals import Found

__all__ = ["Condition"]


@dataclass
class Condition:
    """`judge` whenever something new is found, and while a delay runs. Where nothing is known, or
    the rule is not judged, nothing changes but that a delay begins anew: what is open stays open
    until it was seen to be good."""

    bound_rule: BoundRule
    is_open: bool = False
    value: float | None = None
    """What is judged now; None where nothing is."""
    found: Found | None = None
    held: bool | None = None
    _since_us: int | None = None

    @property
    def waits(self) -> bool:
        """Whether time alone may change it."""
        return self._since_us is not None

    def judge(self, now_us: int, holds: bool | None) -> bool:
        """Whether it is open now; `holds`: whether all that the rule needs is so."""
        value = None if self.found is None or not holds else self.found.value
        self.value, self.held = value, holds
        if value is None or not self._turns(value):
            self._since_us = None
            return self.is_open
        if self._since_us is None:
            self._since_us = now_us
        rule = self.bound_rule.rule
        delay_s = rule.off_delay_s if self.is_open else rule.on_delay_s
        if now_us - self._since_us >= round(delay_s * 1e6):
            self.is_open = not self.is_open
            self._since_us = None
        return self.is_open

    @property
    def share(self) -> float | None:
        """The value in per cent of the limit at which it opens; 0 where the rule is not judged
        because its conditions do not hold, None where something is not known."""
        bound = self.bound_rule.bound
        if bound is None or self.held is None:
            return None
        if not self.held:
            return 0.0
        return None if self.value is None else self.value / bound.open * 100

    def _turns(self, value: float) -> bool:
        """Whether the value speaks for the other state."""
        bound = self.bound_rule.bound
        if bound is None:
            return (value < 0.5) if self.is_open else (value > 0.5)
        return bound.is_back(value) if self.is_open else bound.is_beyond(value)
