"""What each kind of rule makes of the latest values: a number a place, or None: not known."""

from gateway.alarms.rulebook import BoundRule
from gateway.alarms.rules import (
    Behind,
    Deviation,
    Difference,
    Duty,
    Fault,
    Frozen,
    Jump,
    LinkSilence,
    NodeSilence,
    Rise,
    Rule,
    Starts,
    Stroke,
    TimeToLimit,
    Together,
    Value,
)
from gateway.alarms.signals.brakes import StrokeSignal
from gateway.alarms.signals.combined import Shares, TogetherSignal
from gateway.alarms.signals.found import Found, Signal
from gateway.alarms.signals.heat import TimeToLimitSignal
from gateway.alarms.signals.running import DutySignal, StartsSignal
from gateway.alarms.signals.sensors import (
    FrozenSignal,
    JumpSignal,
    fault,
    link_silence,
    node_silence,
)
from gateway.alarms.signals.trends import BehindSignal, RiseSignal
from gateway.alarms.signals.values import DeviationSignal, ValueSignal, difference
from gateway.alarms.situations import measured_for

__all__ = ["Found", "Signal", "inputs_of", "is_of_the_moment", "quantities_of", "signal_of"]


def signal_of(bound: BoundRule, members: dict[str, Shares]) -> Signal:
    """The signal of a rule, with a memory of its own. `members`: the rules judged before it."""
    rule = bound.rule
    match rule:
        case Value():
            return ValueSignal(rule)
        case Rise():
            return RiseSignal(rule)
        case Difference():
            return lambda picture: difference(rule, picture)
        case Deviation():
            return DeviationSignal(rule)
        case Behind():
            return BehindSignal(rule)
        case Stroke():
            return StrokeSignal(rule)
        case Duty():
            return DutySignal(rule)
        case Starts():
            return StartsSignal(rule)
        case TimeToLimit():
            return TimeToLimitSignal(rule, bound.to)
        case Fault():
            return lambda picture: fault(rule, picture)
        case Frozen():
            return FrozenSignal(rule)
        case Jump():
            return JumpSignal(rule)
        case NodeSilence():
            return lambda picture: node_silence(rule, picture)
        case LinkSilence():
            return lambda picture: link_silence(rule, picture)
    assert bound.bound is not None
    return TogetherSignal(
        rule, bound.bound.open, [members[name] for name in rule.rules if name in members]
    )


def inputs_of(rule: Rule) -> set[str]:
    """The quantities that a rule on the machine, or on one kind of sensor, looks at."""
    if isinstance(rule, NodeSilence | LinkSilence | Together):
        return set()
    if isinstance(rule, Fault | Frozen | Jump):
        return set(rule.quantities)
    inputs = {rule.quantity}
    if isinstance(rule, Difference | Behind) and rule.other is not None:
        inputs.add(rule.other)
    if isinstance(rule, Stroke) and rule.pipe:
        inputs.add(rule.pipe)
    if isinstance(rule, TimeToLimit):
        inputs.add("motor.current")
    return inputs


def quantities_of(rule: Rule) -> set[str]:
    """What must be measured for the rule to judge anything."""
    if isinstance(rule, Fault | Frozen | Jump):
        return set()
    return inputs_of(rule) | measured_for(rule.when)


def is_of_the_moment(rule: Rule) -> bool:
    """Whether its signal needs nothing of the looks before: it may be left out while the rule is
    not judged."""
    if isinstance(rule, Deviation):
        return not (rule.mean_s or rule.calibrate)
    return isinstance(rule, Difference) or (isinstance(rule, Value) and not rule.mean_s)
