"""The conversation with the gateway: send what it lacks, free what it has, answer, obey.

The gateway counts as silent when it has not said a word for 3 s after something was sent. Then one
message a second asks whether it is there, by turns the oldest that it lacks and the newest HEALTH;
at its first authentic word everything it lacks is sent again, in order. With two links they are
tried by turns then, and the one that brings that word is used until it falls silent in its turn.
"""

import asyncio
from time import ticks_add, ticks_diff

from micropython import const

from axwire import MESSAGE_CAP
from axwire.codes import (
    EVENT_COMMAND_DONE,
    EVENT_LINK_BACK,
    EVENT_LINK_SILENT,
    EVENT_OUTBOX_DROPPED,
    EVENT_OUTBOX_THINNED,
    NOT_SUPPORTED,
)
from axwire.cose import DOWN, UP, MacKey, Sealer, split
from axwire.down import ACK, COMMAND, PING, RUN_BITS, Down, parse_down
from axwire.errors import WireError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from axnode.dry import Dry
    from axnode.mqtt_link import MqttLink
    from axnode.outbox import Outbox
    from axnode.reports import Reports
    from axnode.serial_link import SerialLink
    from axnode.spill import Spill
    from axnode.ticks import BootClock

    Link = SerialLink | MqttLink

_SILENT_US = const(3_000_000)
_PROBE_US = const(1_000_000)


class Session:
    """Speaks with the gateway in the name of one boot, over the first of `links` that answers.

    `obey` carries out a command: its code and arguments in, its result out, or None where `answer`
    will be called with it later. `take` does the same for a piece of a configuration or of
    firmware. `refused` counts messages that were not from our gateway, not for this boot, or old.
    `down_sequence` is the last one accepted, or None. `key` is the node's.
    """

    def __init__(
        self,
        links: "list[Link]",
        name: str,
        key: MacKey,
        boot: int,
        clock: "BootClock",
        outbox: "Outbox",
        spill: "Dry | Spill",
        reports: "Reports",
        obey: "Callable[[int, list[int]], int | None]",
    ) -> None:
        self.refused = 0
        self.turns = 0
        self.down_sequence: int | None = None
        self.take: Callable[[Down], int | None] | None = None
        self._links = links
        self._link = links[0]
        self._pong_link = links[0]
        self._way = links[0]
        self._name = name
        self.key = key
        self._sealer = Sealer(key, name, UP, MESSAGE_CAP)
        self._boot = boot
        self._clock = clock
        self._outbox = outbox
        self.spill = spill
        self._reports = reports
        self._obey = obey
        self._wake = asyncio.Event()
        self._pong: bytes | None = None
        self._asked = 0
        self._asking = False
        self._silent = False
        self._silent_since_ms = 0
        self._probe = 0
        self._probes = 0
        self._dropped = self._thinned = 0

    def answer(self, sequence: int, code: int, result: int) -> None:
        """What came of the command with that sequence: a result of axwire.codes."""
        now = self._clock.tick()
        self._reports.event(EVENT_COMMAND_DONE, (sequence, code, result), now)
        self._wake.set()

    def wake(self) -> None:
        """There may be something to send: at each new message, and a few times a second."""
        self._wake.set()

    async def transmit(self) -> None:
        """Send for ever. `turns` counts on as long as `wake` is called."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            self.turns += 1
            payload = self._next()
            while payload is not None:
                self.turns += 1
                self._sealer.seal(payload)
                if not await self._way.send(self._sealer):
                    break
                # Sealing takes milliseconds: let a row that is due begin before the next one.
                await asyncio.sleep_ms(0)
                payload = self._next()

    async def listen(self) -> None:
        """Receive for ever, on all links."""
        await asyncio.gather(*[self._listen(link) for link in self._links])

    async def _listen(self, link: "Link") -> None:
        while True:
            for message in await link.receive():
                try:
                    self._receive(message, link)
                except WireError:
                    self.refused += 1

    def _next(self) -> "bytes | memoryview | None":
        """What to send next, over the link that is then `_way`."""
        pong = self._pong
        if pong is not None:
            self._pong = None
            self._way = self._pong_link
            return pong
        payload = self._next_kept()
        self._way = self._link
        return payload

    def _next_kept(self) -> "bytes | memoryview | None":
        now = self._clock.tick()
        if self._silent:
            return self._next_probe(now)
        if self._asking and ticks_diff(now, self._asked) >= _SILENT_US:
            self._fall_silent(now)
            return None
        payload: bytes | memoryview | None = self._outbox.next(now)
        if payload is None and self.down_sequence is not None:
            payload = self.spill.next(now)
        if payload is not None and not self._asking:
            self._asking = True
            self._asked = now
        return payload

    def _next_probe(self, now: int) -> "memoryview | None":
        if ticks_diff(now, self._probe) < 0:
            return None
        self._probe = ticks_add(now, _PROBE_US)
        links = len(self._links)
        health_is_due = self._probes // links & 1
        self._probes += 1
        self._link = self._links[(self._links.index(self._link) + 1) % links]
        health = self._outbox.health_payload(now) if health_is_due else None
        return self._outbox.oldest_payload(now) if health is None else health

    def _receive(self, message: bytes, link: "Link") -> None:
        envelope = split(message)
        if envelope.name != self._name:
            raise WireError("not_ours", "for node %s" % envelope.name)
        envelope.check(self.key, DOWN)
        down = parse_down(envelope.payload)
        last = self.down_sequence
        if last is not None and down.sequence <= last:
            raise WireError("replayed", "old")
        # An earlier boot's messages are sent only after a word for the present one, and sequences
        # rise over all boots: what is above the last was said in this boot.
        rest = down.kind == ACK and last is not None and down.boot == self.spill.boot
        if down.boot != self._boot and not rest:
            raise WireError("replayed", "for another boot")
        self.down_sequence = down.sequence
        if last is None or down.sequence >> RUN_BITS != last >> RUN_BITS:
            # Another run of the gateway: what was on its way to the one before may be lost.
            self._outbox.rewind()
            self.spill.rewind()
        now = self._clock.tick()
        if self._silent:
            self._link = link
            self._hear_again(now)
        self._asked = now
        if down.kind == PING:
            self._pong_link = link
            self._pong = self._reports.pong(down.sequence, self._clock.us_at(link.arrived))
            time: list[Any] = down.fields
            if time[0]:
                self.spill.board_ms = self._clock.ms_at(link.arrived)
                self.spill.utc_ms = time[0]
        elif down.kind == ACK:
            fields: list[Any] = down.fields
            if down.boot == self._boot:
                self._outbox.acknowledge(fields[0], fields[1])
            self.spill.acknowledge(down.boot, fields[0], fields[1])
        else:
            self._command(down)
        self._asking = self._outbox.in_flight() > 0 or self.spill.in_flight()
        self._wake.set()

    def _command(self, down: Down) -> None:
        code = 0
        result: int | None = NOT_SUPPORTED
        if down.kind == COMMAND:
            fields: list[Any] = down.fields
            code = fields[0]
            result = self._obey(code, fields[1])
        elif self.take is not None:
            result = self.take(down)
        if result is not None:
            self.answer(down.sequence, code, result)

    def _fall_silent(self, now: int) -> None:
        self._silent = True
        self._probe = now
        self._silent_since_ms = self._clock.ms_at(self._asked)
        self._reports.event(EVENT_LINK_SILENT, (ticks_diff(now, self._asked) // 1000,), now)

    def _hear_again(self, now: int) -> None:
        self._silent = False
        silent_ms = self._clock.ms_at(now) - self._silent_since_ms
        self._reports.event(EVENT_LINK_BACK, (silent_ms,), now)
        dropped = self._outbox.dropped_messages()
        if dropped != self._dropped:
            self._dropped = dropped
            totals = (dropped, self._outbox.dropped_samples())
            self._reports.event(EVENT_OUTBOX_DROPPED, totals, now)
        thinned = self.spill.thinned_messages
        if thinned != self._thinned:
            self._thinned = thinned
            totals = (thinned, self.spill.thinned_samples)
            self._reports.event(EVENT_OUTBOX_THINNED, totals, now)
        self._outbox.rewind()
        self.spill.rewind()
