"""One node, from its files to a running whole that answers for itself.

Once it is made (axnode.start) it tells the gateway what is measured. Then the watchdog, armed
before anything of this was loaded, is fed only while the sampling loop, the link and the outbox
all get on, so whatever hangs, the board comes back.
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
from axnode.ticks import BootClock
from axnode.unloading import unload
from axwire.codes import NOT_POSSIBLE
from axwire.cose import MacKey
from axwire.down import UPDATE
from axwire.up import About

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from machine import WDT

    from axnode.block import Block
    from axnode.boot import Start
    from axnode.configure import Intake
    from axnode.proof import Proof
    from axnode.proving import Proving
    from axnode.provision import Provision
    from axnode.self_test import SelfTest
    from axnode.session import Link
    from axnode.spill import Spill
    from axnode.update import Update
    from axwire.down import Down
    from drivers.features import Features

BEAT_MS = const(200)
_FIRST_HEALTH_US = const(1_000_000)
_HEALTH_US = const(5_000_000)
_REBOOT_US = const(1_000_000)
_QUIET_BEATS = const(15)
"""So long without a byte from the gateway, what lies in flash may be thinned."""

_THIN_STEPS = const(12)
_EARLY_BEATS = const(300)
"""A boot that has run for a minute ends the row of early resets."""

_SAFE_BEATS = const(9000)
"""How long safe mode lasts before the node tries again to measure."""


_COLLECT_BELOW = const(24 * 1024)
"""Collect garbage when less than this is free. Looked at after a flush, when the chips have just
begun to convert: the 14 ms that a collection takes on an RP2040 cost the least there."""

_LOOK_EACH = const(8)
"""Flushes, in which no node leaves as much garbage: to look costs a walk over the heap."""


def main(start: "Start", watchdog: "WDT") -> None:
    """Be a node for ever; raises what went wrong. `start` is what axnode.boot found."""
    asyncio.run(_live(start, watchdog))


async def _live(start: "Start", watchdog: "WDT") -> None:
    from axnode.start import make_node

    node = await make_node(start, watchdog)
    del make_node
    sys.modules["axnode.start"].__dict__.clear()
    unload("axnode.start")
    watchdog.feed()
    await node.run()


class Node:
    """All that runs in one boot, and the tasks that keep it going."""

    def __init__(
        self,
        start: "Start",
        provision: "Provision",
        clock: BootClock,
        links: "list[Link]",
        watchdog: "WDT",
    ) -> None:
        from axnode.dry import Dry, lies_in_flash

        parts: Any = provision.parts
        boot = int.from_bytes(os.urandom(4), "big")
        self.clock = clock
        self.outbox = Outbox(parts.outbox_bytes)
        self.reports = Reports(parts.name, boot, self.clock, self.outbox, parts.groups)
        self.spill: Dry | Spill = Dry(boot)
        self._is_wet = False
        self.spill_bytes = parts.spill_bytes
        self._thin_rows = parts.thin_rows
        self.sampler = Sampler(self.clock, parts.rows, parts.scans, self, parts.flush_ms)
        self.links = links
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
        self.session.take = self.take
        if lies_in_flash():
            self._wet()
        cause, self._resets, self.safe = start
        self.about = About(VERSION, parts.board, cause, parts.configuration)
        self._measuring = bool(parts.rows)
        self._notes = provision.notes
        self._repaired = provision.copies_repaired
        self.copy = provision.copy
        self.proving: Proving | None = provision.proving
        self._intake: Intake | None = None
        self.watchdog: Any = watchdog
        self._name = parts.name
        self.led = parts.led
        self.vitals = parts.vitals
        self.blink_beats = 0
        self._reboot_at: int | None = None
        self.chore: Proof | SelfTest | Update | None = None
        self._low_water = gc.mem_alloc() + gc.mem_free()
        self._flushes = 0

    async def run(self) -> None:
        """Sample and speak until something breaks."""
        gc.collect()
        gc.threshold(-1)
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
        """Carry out a command of the gateway; returns its result, or None: it will be told. Its
        code is loaded for it alone."""
        try:
            from axnode.commands import obey

            result = obey(self, code, arguments)
        except MemoryError:
            result = NOT_POSSIBLE
        unload("axnode.commands")
        return result

    def take(self, down: "Down") -> "int | None":
        """Take a piece of a new configuration or of new firmware; its result as `obey` says."""
        if self.proving is not None:
            return NOT_POSSIBLE
        parts: Any = down.fields
        try:
            if down.kind == UPDATE:
                take: Any = getattr(self.chore, "take", None)
                return NOT_POSSIBLE if take is None else take(*parts)
            if self._intake is None:
                gc.collect()
                from axnode.configure import Intake

                self._intake = Intake(self._name, self.copy)
            return self._intake.take(*parts)
        except MemoryError:
            return NOT_POSSIBLE

    async def _tend(self) -> None:
        """Five times a second: wake the link, report, blink, feed the watchdog."""
        watchdog = self.watchdog
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
            if quiet and self.spill_bytes and self.outbox.is_crowded():
                try:
                    self._wet().write(self.about)
                except MemoryError:
                    gc.collect()
            if quiet >= _QUIET_BEATS:
                await self._thin()
            if self.chore is not None:
                self.chore.tend(arrived == before)
            if self._reboot_at is not None and ticks_diff(now, self._reboot_at) >= 0:
                self.sampler.end(now)
                self._wet().write_all(self.about, watchdog.feed)
                _remove("resets")
                machine.reset()
            if self.blink_beats and self.led is not None:
                self.blink_beats -= 1
                self.led(self.blink_beats & 1)
            self.session.wake()
            await asyncio.sleep_ms(BEAT_MS)

    def _wet(self) -> "Any":
        """What writes to flash; its code is loaded when it is first needed."""
        if self._is_wet:
            return self.spill
        gc.collect()
        from axnode.dry import SPILL_FOLDER
        from axnode.spill import SEGMENT_BYTES, Spill

        most = self.spill_bytes // SEGMENT_BYTES
        boot = self.spill.boot
        spill = Spill(SPILL_FOLDER, most, boot, self.outbox, self.reports, self._thin_rows)
        Spill.__init__ = None  # type: ignore[assignment,method-assign]
        spill.board_ms = self.spill.board_ms
        spill.utc_ms = self.spill.utc_ms
        self.spill = self.session.spill = spill
        self._is_wet = True
        unload("axnode.dry")
        return spill

    async def _thin(self) -> None:
        """Some steps of thinning what lies in flash, with rows that are due between them."""
        for _ in range(_THIN_STEPS):
            if not self._is_wet or not self._wet().thin():
                return
            await asyncio.sleep_ms(0)

    def temperature(self) -> "int | None":
        """Of the board, in 0.01 °C; None: it cannot tell."""
        return None if self.vitals is None else self.vitals.temperature_centi_c()

    def _look_after(self, beats: int) -> None:
        """What is decided once in a boot, so many beats after its begin."""
        if self.proving is not None:
            self.proving.look(self, beats)
        if self.safe:
            if beats == _SAFE_BEATS:
                self.reboot_soon()
        elif beats == _EARLY_BEATS and self._resets:
            _remove("resets")

    def reboot_soon(self) -> None:
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


def _remove(path: str) -> None:
    try:
        os.remove(path)
    except OSError:
        pass
