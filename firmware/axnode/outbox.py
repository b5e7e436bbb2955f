"""What the node keeps until the gateway has it: payloads with their sequence, in RAM.

Readings and health lie in one ring, events and channel tables in a smaller one, so that a long
outage never costs an event. What they cannot hold spills to flash in time (axnode.spill); where
that cannot be, the oldest payload of a full ring gives way, and is counted.
"""

from array import array
from time import ticks_diff

from micropython import const

WINDOW_MESSAGES = const(48)
WINDOW_BYTES = const(6144)
"""Most readings that are sent without being acknowledged. The gateway commits each second, so a
second's readings are always on their way."""

_RESEND_US = const(3_000_000)
_DOUBLINGS = const(3)
"""A message is repeated after 3 s without acknowledgement, then after 6, 12, 24, 24 ... s."""

_TYPICAL_BYTES = const(128)
_GONE = const(255)
_MOST_TRIES = const(200)


class Outbox:
    """The payloads of one boot that are not acknowledged; `sequence` is the next one's,
    `samples` counts those of all messages so far, `spilled` is the oldest sequence that lies in
    flash, or None."""

    def __init__(self, capacity: int) -> None:
        self.sequence = 0
        self.samples = 0
        self.resent = 0
        self.spilled: int | None = None
        self._spill_dropped_messages = 0
        self._spill_dropped_samples = 0
        self._health = -1
        self._readings = Ring(capacity * 3 // 4)
        self._reports = Ring(capacity // 4)
        self._rings = (self._readings, self._reports)

    def put_readings(self, payload: "memoryview", samples: int) -> None:
        """Keep a message with so many samples; its sequence is used."""
        self._readings.put(payload, self.sequence, samples)
        self.sequence += 1
        self.samples += samples

    def put_health(self, payload: "memoryview") -> None:
        """Keep a message that may give way like readings."""
        self._health = self._readings.put(payload, self.sequence, 0)
        self.sequence += 1

    def put_report(self, payload: "memoryview") -> int:
        """Keep a message that readings cannot push out; returns its number for `holds_report`."""
        number = self._reports.put(payload, self.sequence, 0)
        self.sequence += 1
        return number

    def holds_report(self, number: int) -> bool:
        """Whether a report is still to be acknowledged."""
        return self._reports.holds(number)

    def has_waiting(self) -> bool:
        """Whether something is not on its way yet."""
        return self._readings.waiting() or self._reports.waiting()

    def is_crowded(self) -> bool:
        """Whether a ring will soon have to drop something."""
        return self._readings.is_crowded() or self._reports.is_crowded()

    def oldest_first(self, room: int, each: int) -> "list[tuple[Ring, int]]":
        """The oldest payloads, as ring and number, that fit `room` bytes with `each` more."""
        picked = []
        readings = self._readings.following(0)
        reports = self._reports.following(0)
        while readings >= 0 or reports >= 0:
            if reports < 0 or (
                readings >= 0
                and self._readings.sequence(readings) < self._reports.sequence(reports)
            ):
                ring, number = self._readings, readings
                readings = ring.following(number + 1)
            else:
                ring, number = self._reports, reports
                reports = ring.following(number + 1)
            room -= each + len(ring.payload(number))
            if room < 0:
                break
            picked.append((ring, number))
        return picked

    def moved(self, picked: "list[tuple[Ring, int]]") -> None:
        """These payloads lie in flash now."""
        for ring, number in picked:
            ring.take(number)

    def lost(self, messages: int, samples: int) -> None:
        """So much of this boot had to be dropped from flash."""
        self._spill_dropped_messages += messages
        self._spill_dropped_samples += samples

    def next(self, now: int) -> "memoryview | None":
        """What to send at tick `now`, which then counts as sent: late ones first, in order.

        None: all is on its way, or enough of it. The view is valid until the next `put`.
        """
        ring = self._earliest(self._readings.overdue(now), self._reports.overdue(now))
        if ring is not None:
            return self._send(ring, ring.found, now)
        # Reports have no window: without the channel table no reading is acknowledged.
        full = self.in_flight() >= WINDOW_MESSAGES or self._bytes_in_flight() >= WINDOW_BYTES
        ring = self._earliest(not full and self._readings.waiting(), self._reports.waiting())
        if ring is None:
            return None
        ring.advance()
        return self._send(ring, ring.found, now)

    def oldest_payload(self, now: int) -> "memoryview | None":
        """The first that the gateway lacks, to try whether it is there. None: it lacks nothing."""
        ring = self._earliest(self._readings.held(), self._reports.held())
        return None if ring is None else self._send(ring, ring.found, now)

    def health_payload(self, now: int) -> "memoryview | None":
        """The newest HEALTH. None: the gateway has it, or there is none."""
        if not self._readings.holds(self._health):
            return None
        return self._send(self._readings, self._health, now)

    def acknowledge(self, upto: int, singles: "list[int]") -> None:
        """Free all sent sequences below `upto` and each of `singles`."""
        for ring in self._rings:
            ring.free_below(upto)
            for sequence in singles:
                ring.free(sequence)

    def rewind(self) -> None:
        """Nothing counts as on its way any more: send again from the oldest."""
        for ring in self._rings:
            ring.rewind()

    def oldest(self) -> int:
        """The lowest sequence still held, in RAM or flash; the next one when nothing is."""
        oldest = self.oldest_in_ram()
        return oldest if self.spilled is None else min(oldest, self.spilled)

    def oldest_in_ram(self) -> int:
        """The lowest sequence held in RAM; the next one when nothing is."""
        ring = self._earliest(self._readings.held(), self._reports.held())
        return self.sequence if ring is None else ring.sequence_found()

    def in_flight(self) -> int:
        """Messages sent and not acknowledged."""
        return self._readings.in_flight + self._reports.in_flight

    def messages(self) -> int:
        """Messages held in RAM."""
        return self._readings.messages + self._reports.messages

    def bytes(self) -> int:
        """Bytes of payload held."""
        return self._readings.bytes + self._reports.bytes

    def dropped_messages(self) -> int:
        in_ram = self._readings.dropped_messages + self._reports.dropped_messages
        return in_ram + self._spill_dropped_messages

    def dropped_samples(self) -> int:
        return self._readings.dropped_samples + self._spill_dropped_samples

    def _bytes_in_flight(self) -> int:
        return self._readings.bytes_in_flight + self._reports.bytes_in_flight

    def _earliest(self, in_readings: bool, in_reports: bool) -> "Ring | None":
        """The ring whose `found` payload has the lower sequence."""
        if in_readings and in_reports:
            earlier = self._readings.sequence_found() < self._reports.sequence_found()
            return self._readings if earlier else self._reports
        if in_readings:
            return self._readings
        return self._reports if in_reports else None

    def _send(self, ring: "Ring", number: int, now: int) -> "memoryview":
        if ring.sent(number, now):
            self.resent += 1
        return ring.payload(number)


class Ring:
    """Payloads of rising sequence in one buffer, each in one piece.

    Payloads are numbered from 0 for good: `_first` is the oldest, `_unsent` the first of those
    not on their way, `_end` the next to come. Each finder leaves its payload's number in `found`.
    """

    def __init__(self, capacity: int) -> None:
        most = capacity // _TYPICAL_BYTES
        self.messages = 0
        self.bytes = 0
        self.in_flight = 0
        self.bytes_in_flight = 0
        self.dropped_messages = 0
        self.dropped_samples = 0
        self.found = 0
        self._data = memoryview(bytearray(capacity))
        self._capacity = capacity
        self._head = 0
        self._most = most
        self._first = 0
        self._unsent = 0
        self._end = 0
        self._offset = array("H" if capacity <= 0x10000 else "I", [0] * most)
        self._length = array("H", bytes(2 * most))
        self._sequence = array("I", bytes(4 * most))
        self._sent = array("I", bytes(4 * most))
        self._samples = array("H", bytes(2 * most))
        self._tries = bytearray(most)

    def put(self, payload: "memoryview", sequence: int, samples: int) -> int:
        """Keep a payload, at the cost of the oldest; returns its number."""
        length = len(payload)
        offset = self._place(length)
        while offset < 0:
            self._drop(self._first)
            offset = self._place(length)
        slot = self._end % self._most
        self._data[offset : offset + length] = payload
        self._head = offset + length
        self._offset[slot] = offset
        self._length[slot] = length
        self._sequence[slot] = sequence
        self._samples[slot] = samples
        self._tries[slot] = 0
        self._end += 1
        self.messages += 1
        self.bytes += length
        return self._end - 1

    def holds(self, number: int) -> bool:
        return self._first <= number < self._end and self._tries[number % self._most] != _GONE

    def payload(self, number: int) -> "memoryview":
        slot = number % self._most
        offset = self._offset[slot]
        return self._data[offset : offset + self._length[slot]]

    def sequence(self, number: int) -> int:
        return self._sequence[number % self._most]

    def samples(self, number: int) -> int:
        return self._samples[number % self._most]

    def following(self, number: int) -> int:
        """The first payload held from that number on; -1: none."""
        number = max(number, self._first)
        while number < self._end:
            if self._tries[number % self._most] != _GONE:
                return number
            number += 1
        return -1

    def is_crowded(self) -> bool:
        """Whether three quarters of the buffer or of the places are taken, from the oldest on:
        what was acknowledged behind it gives no room yet."""
        if self._first == self._end:
            return False
        taken = self._head - self._offset[self._first % self._most]
        if taken <= 0:
            taken += self._capacity
        return 4 * taken >= 3 * self._capacity or 4 * (self._end - self._first) >= 3 * self._most

    def was_sent(self, number: int) -> bool:
        return self._tries[number % self._most] != 0

    def take(self, number: int) -> None:
        """A payload is kept elsewhere now."""
        self._remove(number)
        self._trim()

    def sequence_found(self) -> int:
        return self._sequence[self.found % self._most]

    def held(self) -> bool:
        """Find the oldest payload."""
        self.found = self._first
        return self._first < self._end

    def waiting(self) -> bool:
        """Find the first payload that is not on its way."""
        while self._unsent < self._end and self._tries[self._unsent % self._most] == _GONE:
            self._unsent += 1
        self.found = self._unsent
        return self._unsent < self._end

    def overdue(self, now: int) -> bool:
        """Find the first payload on its way for too long."""
        if not self.in_flight:
            return False
        for number in range(self._first, self._unsent):
            slot = number % self._most
            tries = self._tries[slot]
            if tries != _GONE:
                doublings = tries - 1 if tries <= _DOUBLINGS else _DOUBLINGS
                if ticks_diff(now, self._sent[slot]) >= _RESEND_US << doublings:
                    self.found = number
                    return True
        return False

    def advance(self) -> None:
        """The payload that `waiting` found is now on its way."""
        self._unsent += 1
        self.in_flight += 1
        self.bytes_in_flight += self._length[self.found % self._most]

    def sent(self, number: int, now: int) -> bool:
        """Note that a payload was sent; whether it was not for the first time."""
        slot = number % self._most
        tries = self._tries[slot]
        self._sent[slot] = now
        if tries < _MOST_TRIES:
            self._tries[slot] = tries + 1
        return tries > 0

    def rewind(self) -> None:
        self._unsent = self._first
        self.in_flight = 0
        self.bytes_in_flight = 0

    def free_below(self, upto: int) -> None:
        """Free what was sent with a sequence below `upto`."""
        for number in range(self._first, self._end):
            slot = number % self._most
            if self._sequence[slot] >= upto:
                break
            if self._tries[slot] not in (0, _GONE):
                self._remove(number)
        self._trim()

    def free(self, sequence: int) -> None:
        """Free the payload with that sequence, if it is here and was sent."""
        low = self._first
        high = self._end
        while low < high:
            middle = (low + high) >> 1
            if self._sequence[middle % self._most] < sequence:
                low = middle + 1
            else:
                high = middle
        slot = low % self._most
        here = low < self._end and self._sequence[slot] == sequence
        if here and self._tries[slot] not in (0, _GONE):
            self._remove(low)
            self._trim()

    def _place(self, length: int) -> int:
        """Where so many bytes fit in one piece, or -1."""
        if self._first == self._end:
            return 0
        if self._end - self._first == self._most:
            return -1
        tail = self._offset[self._first % self._most]
        if self._head > tail:
            if self._capacity - self._head >= length:
                return self._head
            return 0 if tail >= length else -1
        return self._head if tail - self._head >= length else -1

    def _drop(self, number: int) -> None:
        self.dropped_messages += 1
        self.dropped_samples += self._samples[number % self._most]
        self._remove(number)
        self._trim()

    def _remove(self, number: int) -> None:
        slot = number % self._most
        length = self._length[slot]
        self._tries[slot] = _GONE
        self.messages -= 1
        self.bytes -= length
        if number < self._unsent:
            self.in_flight -= 1
            self.bytes_in_flight -= length

    def _trim(self) -> None:
        """Leave behind what is gone at the old end."""
        while self._first < self._end and self._tries[self._first % self._most] == _GONE:
            self._first += 1
        if self._unsent < self._first:
            self._unsent = self._first
