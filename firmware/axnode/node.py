"""One node, from its files to a running whole that answers for itself.

Start-up: read the files, make the hardware, tell the gateway what is measured, then arm the
watchdog. It is fed only while the sampling loop and the link both get on, so whatever hangs, the
board comes back.
"""

import asyncio
import gc
import os
import sys
from time import ticks_add, ticks_diff

import machine
from micropython import const

from axnode import VERSION
from axnode.outbox import Outbox
from axnode.reports import Reports
from axnode.sampler import Sampler
from axnode.session import Session
from axnode.spill import SEGMENT_BYTES, Spill
from axnode.ticks import BootClock
from axwire.codes import (
    COMMAND_BURST,
    COMMAND_HELLO,
    COMMAND_IDENTIFY,
    COMMAND_PERIOD,
    COMMAND_REBOOT,
    COMMAND_SELF_TEST,
    DONE,
    NOT_POSSIBLE,
    NOT_SUPPORTED,
)
from axwire.cose import MacKey
from axwire.up import About

TYPE_CHECKING = False
if TYPE_CHECKING:
    from axnode.block import Block
    from axnode.hardware import Parts
    from axnode.self_test import SelfTest
    from axnode.session import Link
    from drivers.features import Features

_BEAT_MS = const(200)
_WATCHDOG_MS = const(8000)
_FIRST_HEALTH_US = const(1_000_000)
_HEALTH_US = const(5_000_000)
_REBOOT_US = const(1_000_000)
_UNPROVISIONED_MS = const(10_000)
_SPILL_FOLDER = "spill"

_COLLECT_BELOW = const(24 * 1024)
"""Collect garbage when less than this is free. Looked at after each flush, when the chips have
just begun to convert: the 14 ms that a collection takes on an RP2040 cost the least there, and
nothing between two flushes needs as much."""

_CAUSES = (
    ("PWRON_RESET", 1),
    ("HARD_RESET", 2),
    ("WDT_RESET", 3),
    ("SOFT_RESET", 4),
    ("DEEPSLEEP_RESET", 5),
    ("BROWN_OUT_RESET", 6),
)
"""Names in `machine`, of which each port has some, and their numbers in axwire.codes."""

_START_ONLY = (
    ("axwire.codes", "STATUSES RESET_CAUSES EVENTS COMMANDS RESULTS HEALTH_FIELDS"),
    ("axwire.down", "ack ping configure command _begin _integers"),
    ("drivers.ads1115", "make SETTINGS DEFAULTS"),
    ("drivers.max31865", "make SETTINGS DEFAULTS resistance"),
)
"""Modules, and what of them has no use once the parts are made."""

_MAKING_ONLY = (
    ("axnode.mqtt", "connect subscribe"),
    ("axnode.reports", "rows_cap"),
    ("axnode.node", "_links _provision _unprovisioned _reset_cause _CAUSES _START_ONLY"),
)
"""The same once the node is made."""


def main() -> None:
    """Be a node for ever; raises what went wrong."""
    asyncio.run(_live())


async def _live() -> None:
    parts = _provision()
    if isinstance(parts, str):
        await _unprovisioned(parts)
    else:
        _forget(_START_ONLY)
        node = Node(parts)
        del parts
        _forget(_MAKING_ONLY)
        # Wake on the edge of a millisecond: there lie all times at which the loop can wake again.
        await asyncio.sleep_ms(1)
        await node.run()


def _provision() -> "Parts | str":
    """The parts of this node as its files describe it, or what is wrong with them."""
    from axnode.config import ConfigError, load
    from axnode.hardware import Parts

    try:
        return Parts(*load())
    except ConfigError as error:
        return str(error)


async def _unprovisioned(reason: str) -> None:
    """A board without its files measures nothing and says so. A person has to come anyway."""
    while True:
        print("UNPROVISIONED: %s" % reason)
        await asyncio.sleep_ms(_UNPROVISIONED_MS)


def _forget(unneeded: "tuple[tuple[str, str], ...]") -> None:
    """Free what only the start-up, or a gateway, has a use for: 18 KB in all."""
    for module, names in unneeded:
        if module in sys.modules:
            for name in names.split():
                delattr(sys.modules[module], name)
    for name in ("axnode.hardware", "axnode.config", "axwire.quantities", "axwire.places"):
        unload(name)


def unload(name: str) -> None:
    """Free a module that will be loaded again when it is needed, or never."""
    if name in sys.modules:
        package, module = name.split(".")
        del sys.modules[name]
        delattr(sys.modules[package], module)


class Node:
    """All that runs in one boot, and the tasks that keep it going."""

    def __init__(self, parts: "Parts") -> None:
        boot = int.from_bytes(os.urandom(4), "big")
        self.clock = BootClock()
        self.outbox = Outbox(parts.outbox_bytes)
        self.reports = Reports(parts.name, boot, self.clock, self.outbox, parts.groups)
        most = parts.spill_bytes // SEGMENT_BYTES
        self.spill = Spill(_SPILL_FOLDER, most, boot, self.outbox, self.reports)
        self.sampler = Sampler(self.clock, parts.rows, parts.scans, self, parts.flush_ms)
        self.links = _links(parts, self.clock)
        self.session = Session(
            self.links,
            parts.name,
            MacKey(parts.key),
            boot,
            self.clock,
            self.outbox,
            self.spill,
            self.reports,
            self.obey,
        )
        self.about = About(VERSION, parts.board, _reset_cause(), parts.configuration)
        self._led = parts.led
        self.vitals = parts.vitals
        self._blink_beats = 0
        self._reboot_at: int | None = None
        self.test: SelfTest | None = None
        self._low_water = 0

    async def run(self) -> None:
        """Sample and speak until something breaks."""
        gc.collect()
        gc.threshold(-1)
        self._low_water = gc.mem_free()
        self.reports.hello(self.about)
        self.session.wake()
        self.sampler.tell_temperature(self.temperature())
        await asyncio.gather(
            self.sampler.run(), self.session.transmit(), self.session.listen(), self._tend()
        )

    def flush(self, blocks: "list[Block]") -> None:
        """Take finished rows from the sampler."""
        self.reports.flush(blocks)
        self.session.wake()
        if gc.mem_free() < _COLLECT_BELOW:
            self._collect()

    def status_changed(self, channel: int, old: int, new: int, tick: int) -> None:
        """A channel's status changed."""
        self.reports.status_changed(channel, old, new, tick)
        self.session.wake()

    def burst(self, channel: int, features: "Features", period_ns: int) -> None:
        """Take a window that is to be looked at from the sampler."""
        self.reports.waveform(channel, features, period_ns)
        self.session.wake()

    def obey(self, code: int, arguments: "list[int]") -> "int | None":
        """Carry out a command of the gateway; returns its result, or None: it will be told."""
        if code == COMMAND_HELLO:
            self.reports.hello(self.about)
        elif code == COMMAND_REBOOT:
            self._reboot_at = ticks_add(self.clock.tick(), _REBOOT_US)
        elif code == COMMAND_IDENTIFY and self._led is not None:
            if len(arguments) != 1 or not 1 <= arguments[0] <= 3600:
                return NOT_POSSIBLE
            self._blink_beats = arguments[0] * 1000 // _BEAT_MS
        elif code == COMMAND_BURST:
            if len(arguments) != 1 or not self.sampler.ask_burst(arguments[0]):
                return NOT_POSSIBLE
        elif code == COMMAND_SELF_TEST:
            from axnode.self_test import begin_test

            return begin_test(self)
        elif code == COMMAND_PERIOD:
            from axnode.retiming import ask_period

            return ask_period(self, arguments)
        else:
            return NOT_SUPPORTED
        return DONE

    async def _tend(self) -> None:
        """Five times a second: wake the link, report, blink, feed the watchdog."""
        watchdog = machine.WDT(timeout=_WATCHDOG_MS)
        passes = turns = arrived = 0
        health_at = ticks_add(self.clock.tick(), _FIRST_HEALTH_US)
        while True:
            now = self.clock.tick()
            if self.sampler.passes != passes and self.session.turns != turns:
                passes = self.sampler.passes
                turns = self.session.turns
                watchdog.feed()
            if ticks_diff(now, health_at) >= 0:
                health_at = ticks_add(now, _HEALTH_US)
                self.report_health()
            # Writing flash stops all else on some boards: not while bytes arrive.
            before, arrived = arrived, sum([link.arrived for link in self.links])
            if arrived == before and self.outbox.is_crowded():
                self.spill.write(self.about)
            if self.test is not None:
                self.test.tend(arrived == before)
            if self._reboot_at is not None and ticks_diff(now, self._reboot_at) >= 0:
                self.flush([row.block for row in self.sampler.rows])
                while self.spill.write(self.about):
                    watchdog.feed()
                machine.reset()
            if self._blink_beats and self._led is not None:
                self._blink_beats -= 1
                self._led(self._blink_beats & 1)
            self.session.wake()
            await asyncio.sleep_ms(_BEAT_MS)

    def temperature(self) -> "int | None":
        """Of the board, in 0.01 °C; None: it cannot tell."""
        return None if self.vitals is None else self.vitals.temperature_centi_c()

    def _collect(self) -> None:
        gc.collect()
        free = gc.mem_free()
        if free < self._low_water:
            self._low_water = free

    def report_health(self) -> None:
        """Tell how the board is now."""
        self._collect()
        sampler = self.sampler
        outbox = self.outbox
        temperature = self.temperature()
        sampler.tell_temperature(temperature)
        self.reports.health(
            [
                gc.mem_free(),
                self._low_water,
                sampler.worst_us,
                outbox.messages(),
                outbox.bytes(),
                outbox.dropped_messages(),
                outbox.dropped_samples(),
                0,
                sampler.missed,
                outbox.resent,
                sum([link.refused() for link in self.links]),
                self.session.refused,
                sum([link.errors for link in self.links]),
                sampler.errors,
                temperature,
                None if self.vitals is None else self.vitals.supply_mv(),
                self.session.down_sequence,
                outbox.samples,
                self.spill.segments,
                self.spill.written,
                self.spill.damaged,
                self.spill.errors,
                self.spill.dropped_messages,
                self.spill.dropped_samples,
            ]
        )
        sampler.worst_us = 0


def _links(parts: "Parts", clock: BootClock) -> "list[Link]":
    """The links that are configured, and no code of others."""
    links: list[Link] = []
    if parts.uart is not None:
        from axnode.serial_link import SerialLink

        links.append(SerialLink(parts.uart, clock))
    if parts.mqtt is not None:
        from axnode.mqtt_link import MqttLink

        wifi = None
        if parts.mqtt["ssid"] is not None:
            from axnode.wifi import Wifi

            wifi = Wifi(parts.mqtt["ssid"], parts.mqtt["wifi_password"])
        links.append(MqttLink(parts.mqtt, parts.name, clock, wifi))
    return links


def _reset_cause() -> int:
    """Why this boot began, as a number of axwire.codes; 0 where the port cannot tell."""
    cause = machine.reset_cause()
    for name, code in _CAUSES:
        if getattr(machine, name, None) == cause:
            return code
    return 0
