"""Who drives an RS-485 pair, and when."""

import asyncio
import io
from time import ticks_add

from axnode import rs485_link
from axnode.rs485_link import Rs485Link

from sealed import Sealed


class Line(io.IOBase):
    """A UART and its driver's pin; `events` tells what happened to them, in order."""

    def __init__(self):
        self.events = []
        self.busy = 0
        self.waiting = 0
        self.stuck = False

    def write(self, data):
        if self.stuck:
            return None
        self.events.append(bytes(data))
        self.busy = 3
        return len(data)

    def txdone(self):
        self.busy -= 1
        self.events.append("done" if self.busy <= 0 else "busy")
        return self.busy <= 0

    def any(self):
        return self.waiting

    def __call__(self, level):
        self.events.append(level)

    def sleep_us(self, duration_us):
        self.events.append("%d us" % duration_us)


class Clock:
    """Each look at it finds it a millisecond later."""

    def __init__(self):
        self.now = 5_000_000
        self.looks = 0

    def tick(self):
        self.looks += 1
        self.now = ticks_add(self.now, 1000)
        return self.now


def _link(line, clock, baud=115_200):
    rs485_link.sleep_us = line.sleep_us
    return Rs485Link(line, line, baud, clock)


def test_the_driver_is_on_from_before_the_first_byte_to_after_the_last():
    line = Line()
    link = _link(line, Clock())
    assert asyncio.run(link.send(Sealed(b"hello")))
    on, data, busy, again, done, pause, off = line.events
    assert (on, busy, again, done, off) == (1, "busy", "busy", "done", 0)
    assert pause == "87 us", "the last byte, which may still be going out"
    assert data[:1] == b"\0", "what the driver's start may look like belongs to no frame"
    line.events.clear()
    assert asyncio.run(link.send(Sealed(b"more")))
    assert line.events[1][:1] == b"\0"


def test_it_waits_until_the_other_side_has_been_quiet():
    line = Line()
    clock = Clock()
    link = _link(line, clock)
    link.arrived = clock.tick()
    assert asyncio.run(link.send(Sealed(b"hello")))
    assert clock.looks >= 4, "3 ms of quiet"


def test_a_line_that_is_never_quiet_is_talked_on_after_a_while():
    line = Line()
    line.waiting = 1
    clock = Clock()
    link = _link(line, clock)
    assert asyncio.run(link.send(Sealed(b"hello")))
    assert 100 <= clock.looks <= 300
    assert line.events[0] == 1


def test_what_was_heard_long_ago_is_no_reason_to_wait():
    line = Line()
    clock = Clock()
    link = _link(line, clock)
    link.arrived = ticks_add(clock.now, 1 << 28)
    assert asyncio.run(link.send(Sealed(b"hello")))
    assert clock.looks == 1


def test_the_driver_goes_off_when_the_uart_takes_nothing():
    line = Line()
    line.stuck = True
    link = _link(line, Clock())
    assert not asyncio.run(link.send(Sealed(b"hello")))
    assert line.events[0] == 1
    assert line.events[-1] == 0
    assert link.errors == 1
