"""Rules on series of values, on a clock that the test owns: what happens when."""

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from axwire.quantities import BY_NAME
from manual_clock import ManualClock

from gateway.alarms.engine import Engine
from gateway.alarms.life import AlarmLife
from gateway.alarms.picture import Latest, NodeSeen, Picture
from gateway.alarms.record import AlarmRecord, Kept, read_record
from gateway.alarms.rulebook import load_rules
from gateway.live import NODE_SILENT_US
from gateway.profiles import load_profile
from gateway.spool.errors import BufferFullError
from gateway.state import Quality

__all__ = ["RuleBench", "Series", "constant", "raised", "shipped"]

TICK_US = 100_000

Series = Callable[[float], float | Quality | None]


class RuleBench:
    """Only the rules of `toml` are judged. `series`: by "quantity place", what is read at a time
    since the start in seconds: a number, None (stale), or the word of a fault.

    `happened`: (seconds, action, alarm) of each record, as stored.
    """

    def __init__(self, folder: Path, toml: str, profile: str = "te33a") -> None:
        path = folder / "rules.toml"
        path.write_text(toml, encoding="utf-8")
        self.profile = load_profile(profile)
        shipped = {one.rule.id for one in load_rules(self.profile)}
        wanted = load_rules(self.profile, path)
        self.rules = [one for one in wanted if one.rule.id not in shipped or one.rule.id in toml]
        self.clock = ManualClock()
        self.records: list[AlarmRecord] = []
        self.happened: list[tuple[float, str, str]] = []
        self.full = False
        self._start_us = self.clock.monotonic_us()
        self.silent_us: dict[str, int] = {}
        self.speak = {"node-a"}
        """Nodes of `silent_us` that are never silent."""
        self._start([])

    def _start(self, kept: list[Kept]) -> None:
        self.life = AlarmLife(self.clock, self._store, kept)
        self.engine = Engine(self.rules, self.life)
        self.picture = Picture(self.profile)

    def restart(self) -> None:
        """Another gateway that knows what was stored, and nothing else."""
        kept: dict[str, Kept] = {}
        for record in self.records:
            kept.pop(record.id, None)
            if record.alarm is not None:
                kept[record.id] = record.alarm
        self._start(list(kept.values()))

    @property
    def seconds(self) -> float:
        return (self.clock.monotonic_us() - self._start_us) / 1e6

    def run(self, seconds: float, series: Mapping[str, Series]) -> None:
        """Tick from now on for so long; each value is as old as the tick."""
        for _ in range(round(seconds * 1e6 / TICK_US)):
            at_s = self.seconds
            channels = [
                _latest(number, name, value(at_s), self.clock.monotonic_us())
                for number, (name, value) in enumerate(series.items())
            ]
            nodes = [
                NodeSeen(name, "stale" if us > NODE_SILENT_US else "live", us, "mqtt")
                for name, us in self.silent_us.items()
            ]
            self.picture.look(self.clock.monotonic_us(), channels, nodes)
            self.engine.tick(self.picture)
            self.clock.advance_us(TICK_US)
            for name in self.silent_us:
                self.silent_us[name] = 0 if name in self.speak else self.silent_us[name] + TICK_US

    def _store(self, given: AlarmRecord) -> None:
        if self.full:
            raise BufferFullError("full")
        record = read_record(msgspec.msgpack.encode(given))
        self.records.append(record)
        self.happened.append((round(self.seconds, 1), record.action, record.id))


def shipped(folder: Path, *rules: str) -> RuleBench:
    """Those rules as they are shipped."""
    return RuleBench(folder, "".join(f'[[rules]]\nid = "{rule}"\n' for rule in rules))


def constant(value: float) -> Series:
    return lambda at_s: value


def raised(bench: RuleBench) -> list[tuple[float, str]]:
    return [(at_s, alarm) for at_s, action, alarm in bench.happened if action == "raised"]


def _latest(number: int, name: str, read: float | Quality | None, now_us: int) -> Latest:
    quantity, _, place = name.partition(" ")
    assert quantity in BY_NAME
    value = read if isinstance(read, int | float) else None
    quality: Quality = "stale" if read is None else read if isinstance(read, str) else "ok"
    return Latest(f"node-a/{number}", "node-a", quantity, place, value, quality, now_us)
