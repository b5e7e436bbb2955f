"""One node, from its files to a running whole that answers for itself.

Start-up: find the files, make the hardware, tell the gateway what is measured. Then the watchdog,
armed before anything of this was loaded, is fed only while the sampling loop, the link and the
outbox all get on, so whatever hangs, the board comes back.
"""

import asyncio
import gc
import os
import sys
from time import ticks_add, ticks_diff

import machine
from micropython import const

from axnode import VERSION
from axnode.dry import SPILL_FOLDER, Dry, lies_in_flash
from axnode.outbox import Outbox
from axnode.reports import Reports
from axnode.sampler import Sampler
from axnode.session import Session
from axnode.ticks import BootClock
from axwire.codes import (
    COMMAND_BURST,
    COMMAND_HELLO,
    COMMAND_IDENTIFY,
    COMMAND_MAINTENANCE,
    COMMAND_PERIOD,
    COMMAND_REBOOT,
    COMMAND_SELF_TEST,
    DONE,
    EVENT_CONFIGURATION_KEPT,
    NOT_POSSIBLE,
    NOT_SUPPORTED,
)
from axwire.cose import MacKey
from axwire.up import About

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from machine import WDT

    from axnode.block import Block
    from axnode.boot import Start
    from axnode.configure import Intake
    from axnode.hardware import Parts
    from axnode.provision import Provision
    from axnode.self_test import SelfTest
    from axnode.session import Link
    from axnode.spill import Spill
    from drivers.features import Features

_BEAT_MS = const(200)
_FIRST_HEALTH_US = const(1_000_000)
_HEALTH_US = const(5_000_000)
_REBOOT_US = const(1_000_000)
_QUIET_BEATS = const(15)
"""So long without a byte from the gateway, what lies in flash may be thinned."""

_THIN_STEPS = const(12)
_EARLY_BEATS = const(300)
"""A boot that has run for a minute ends the row of early resets."""

_TRIAL_BEATS = const(600)
"""How long a new configuration may take to reach the gateway."""

_SAFE_BEATS = const(9000)
"""How long safe mode lasts before the node tries again to measure."""


_COLLECT_BELOW = const(24 * 1024)
"""Collect garbage when less than this is free. Looked at after a flush, when the chips have just
begun to convert: the 14 ms that a collection takes on an RP2040 cost the least there."""

_LOOK_EACH = const(8)
"""Flushes, in which no node leaves as much garbage: to look costs a walk over the heap."""

_MAKING_DRIVERS = "make SETTINGS DEFAULTS asm_pio"
"""What of each driver has no use once the parts are made."""

_START_MODULES = (
    "axnode.boot axnode.provision axnode.store axnode.trial axnode.hardware axnode.config "
    "axwire.quantities axwire.places"
)

_MAKING_ONLY = [
    ("axnode.mqtt", "connect subscribe"),
    ("axnode.reports", "rows_cap"),
    ("axnode.node", "_links _node _provide"),
]
"""Modules, and what of them has no use once the node is made."""


def main(start: "Start", watchdog: "WDT") -> None:
    """Be a node for ever; raises what went wrong. `start` is what axnode.boot found."""
    asyncio.run(_live(start, watchdog))


async def _live(start: "Start", watchdog: "WDT") -> None:
    found = [_provide(start)]
    watchdog.feed()
    if found[0].parts is None:
        from axnode.unprovisioned import wait

        wait(found[0].reason, watchdog)
    # Wake on the edge of a millisecond: there lie all times at which the loop can wake again.
    await asyncio.sleep_ms(1)
    node = _node(start, found, watchdog)
    _forget(_MAKING_ONLY)
    watchdog.feed()
    await node.run()


def _node(start: "Start", found: "list[Provision]", watchdog: "WDT") -> "Node":
    """A node of what was found, which is taken out of the list.

    A frame of its own: that of a coroutine keeps what it once worked on, and with the last object
    of its classes a module can go, too.
    """
    _forget([(name, _MAKING_DRIVERS) for name in sys.modules if name.startswith("drivers.")])
    return Node(start, found.pop(), watchdog)


def _provide(start: "Start") -> "Provision":
    """What the files of this node say."""
    from axnode.provision import Provision

    return Provision(start)


def _forget(unneeded: "list[tuple[str, str]]") -> None:
    """Free what only the start-up has a use for."""
    for module, names in unneeded:
        if module in sys.modules:
            for name in names.split():
                if hasattr(sys.modules[module], name):
                    delattr(sys.modules[module], name)
    for name in _START_MODULES.split():
        if name in sys.modules:
            # The collector may see an old pointer into it; that keeps what it points to alone.
            sys.modules[name].__dict__.clear()
            unload(name)


def unload(name: str) -> None:
    """Free a module that will be loaded again when it is needed, or never."""
    if name in sys.modules:
        package, module = name.split(".")
        del sys.modules[name]
        delattr(sys.modules[package], module)


class Node:
    """All that runs in one boot, and the tasks that keep it going."""

    def __init__(self, start: "Start", provision: "Provision", watchdog: "WDT") -> None:
        parts: Any = provision.parts
        boot = int.from_bytes(os.urandom(4), "big")
        self.clock = BootClock()
        self.outbox = Outbox(parts.outbox_bytes)
        self.reports = Reports(parts.name, boot, self.clock, self.outbox, parts.groups)
        self.spill: Dry | Spill = Dry(boot)
        self._spill_bytes = parts.spill_bytes
        self._thin_rows = parts.thin_rows
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
        self.session.configure = self.configure
        if lies_in_flash():
            self._wet()
        cause, self._resets, self.safe = start
        self.about = About(VERSION, parts.board, cause, parts.configuration)
        self._measuring = bool(parts.rows)
        self._notes = provision.notes
        self._repaired = provision.copies_repaired
        self._copy = provision.copy
        self._on_trial = provision.on_trial
        self._intake: Intake | None = None
        self._watchdog = watchdog
        self._name = parts.name
        self._led = parts.led
        self.vitals = parts.vitals
        self._blink_beats = 0
        self._reboot_at: int | None = None
        self.test: SelfTest | None = None
        self._low_water = 0
        self._flushes = 0

    async def run(self) -> None:
        """Sample and speak until something breaks."""
        gc.collect()
        gc.threshold(-1)
        self._low_water = gc.mem_free()
        self.reports.hello(self.about)
        for code, arguments in self._notes:
            self.reports.event(code, arguments, self.clock.tick())
        self._notes = []
        self.session.wake()
        self.sampler.tell_temperature(self.temperature())
        tasks = [self.session.transmit(), self.session.listen(), self._tend()]
        if self._measuring:
            tasks.append(self.sampler.run())
        await asyncio.gather(*tasks)

    def flush(self, blocks: "list[Block]") -> None:
        """Take finished rows from the sampler."""
        self.reports.flush(blocks)
        self.session.wake()
        self._flushes += 1
        if not self._flushes % _LOOK_EACH and gc.mem_free() < _COLLECT_BELOW:
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
            self._reboot_soon()
        elif code == COMMAND_MAINTENANCE:
            if not _write("maintenance", ""):
                return NOT_POSSIBLE
            self._reboot_soon()
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

    def configure(self, piece: int, pieces: int, crc: int, part: bytes) -> int:
        """Take a piece of a new configuration; returns its result."""
        if self._on_trial:
            self._keep_configuration()
        try:
            if self._intake is None:
                gc.collect()
                from axnode.configure import Intake

                self._intake = Intake(self._name, self._copy)
            return self._intake.take(piece, pieces, crc, part)
        except MemoryError:
            return NOT_POSSIBLE

    async def _tend(self) -> None:
        """Five times a second: wake the link, report, blink, feed the watchdog."""
        watchdog = self._watchdog
        passes = turns = sequence = arrived = beats = quiet = 0
        health_at = ticks_add(self.clock.tick(), _FIRST_HEALTH_US)
        while True:
            now = self.clock.tick()
            if (
                (self.sampler.passes != passes or not self._measuring)
                and self.session.turns != turns
                and self.outbox.sequence != sequence
            ):
                passes = self.sampler.passes
                turns = self.session.turns
                sequence = self.outbox.sequence
                watchdog.feed()
            beats += 1
            self._look_after(beats)
            if ticks_diff(now, health_at) >= 0:
                health_at = ticks_add(now, _HEALTH_US)
                self.report_health()
            # Writing flash stops all else on some boards: not while bytes arrive.
            before, arrived = arrived, sum([link.arrived for link in self.links if link.deaf])
            quiet = quiet + 1 if arrived == before else 0
            if quiet and self._spill_bytes and self.outbox.is_crowded():
                try:
                    self._wet().write(self.about)
                except MemoryError:
                    gc.collect()
            if quiet >= _QUIET_BEATS:
                await self._thin()
            if self.test is not None:
                self.test.tend(arrived == before)
            if self._reboot_at is not None and ticks_diff(now, self._reboot_at) >= 0:
                self.sampler.end(now)
                self._wet().write_all(self.about, watchdog.feed)
                _remove("resets")
                machine.reset()
            if self._blink_beats and self._led is not None:
                self._blink_beats -= 1
                self._led(self._blink_beats & 1)
            self.session.wake()
            await asyncio.sleep_ms(_BEAT_MS)

    def _wet(self) -> "Spill":
        """What writes to flash; its code is loaded when it is first needed."""
        if not isinstance(self.spill, Dry):
            return self.spill
        gc.collect()
        from axnode.spill import SEGMENT_BYTES, Spill

        most = self._spill_bytes // SEGMENT_BYTES
        boot = self.spill.boot
        spill = Spill(SPILL_FOLDER, most, boot, self.outbox, self.reports, self._thin_rows)
        self.spill.tell(spill)
        self.spill = self.session.spill = spill
        return spill

    async def _thin(self) -> None:
        """Some steps of thinning what lies in flash, with rows that are due between them."""
        for _ in range(_THIN_STEPS):
            if isinstance(self.spill, Dry) or not self.spill.thin():
                return
            await asyncio.sleep_ms(0)

    def temperature(self) -> "int | None":
        """Of the board, in 0.01 °C; None: it cannot tell."""
        return None if self.vitals is None else self.vitals.temperature_centi_c()

    def _look_after(self, beats: int) -> None:
        """What is decided once in a boot, so many beats after its begin."""
        if self._on_trial:
            if self.session.down_sequence is not None:
                self._keep_configuration()
            elif beats == _TRIAL_BEATS:
                _write("trial", " silent")
                self._reboot_soon()
        if self.safe:
            if beats == _SAFE_BEATS:
                self._reboot_soon()
        elif beats == _EARLY_BEATS and self._resets:
            _remove("resets")

    def _keep_configuration(self) -> None:
        """The gateway was reached with it: from the next start on it is in both copies."""
        self._on_trial = False
        _remove("trial")
        number = (self.about.configuration,)
        self.reports.event(EVENT_CONFIGURATION_KEPT, number, self.clock.tick())

    def _reboot_soon(self) -> None:
        """Start again as asked for, once the answer is on its way."""
        self._reboot_at = ticks_add(self.clock.tick(), _REBOOT_US)

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
                self.spill.thinned_samples,
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
                int(self.safe),
                self._resets,
                self._repaired,
                self.spill.thinned_messages,
            ]
        )
        sampler.worst_us = 0


def _links(parts: "Parts", clock: BootClock) -> "list[Link]":
    """The links that are configured, and no code of others."""
    links: list[Link] = []
    if parts.usb:
        from axnode.usb_link import UsbLink

        links.append(UsbLink(clock))
    elif parts.uart is not None and parts.rs485 is not None:
        from axnode.rs485_link import Rs485Link

        links.append(Rs485Link(parts.uart, parts.rs485, parts.baud, clock))
    elif parts.uart is not None:
        from axnode.serial_link import SerialLink

        links.append(SerialLink(parts.uart, clock))
    if parts.mqtt is not None:
        from axnode.mqtt_link import MqttLink

        wifi = None
        if parts.mqtt["ssid"] is not None:
            from axnode.wifi import Wifi

            wifi = Wifi(parts.mqtt["ssid"], parts.mqtt["wifi_password"])
        tls = None
        if parts.mqtt["tls"] is not None:
            from axnode.mqtt_tls import Tls

            tls = Tls(parts.mqtt["tls"], parts.mqtt["host"])
        links.append(MqttLink(parts.mqtt, parts.name, clock, wifi, tls))
    return links


def _write(path: str, text: str) -> bool:
    """Append to a file; whether that could be done."""
    try:
        with open(path, "a") as file:
            file.write(text)
    except OSError:
        return False
    return True


def _remove(path: str) -> None:
    try:
        os.remove(path)
    except OSError:
        pass
