"""The console as the line: nothing is read or written that would wait."""

import asyncio
import io

from axnode import usb_link
from axnode.ticks import BootClock
from axnode.usb_link import UsbLink
from axwire import MESSAGE_CAP
from axwire.framing import Deframer, frame

from sealed import Sealed

POLL, POLL_IN, POLL_OUT = 3, 1, 4


class Port(io.IOBase):
    """Both streams of a console. To ask it for more than it can give would stop the board."""

    def __init__(self, unread=b"", room=1 << 20):
        self.buffer = self.stdin = self.stdout = self
        self.unread = unread
        self.room = room
        self.written = b""

    def readinto(self, buffer):
        assert 0 < len(buffer) <= len(self.unread), "it would wait for what has not come"
        buffer[:] = self.unread[: len(buffer)]
        self.unread = self.unread[len(buffer) :]
        return len(buffer)

    def write(self, data):
        assert 0 < len(data) <= self.room, "it would wait for room"
        self.room -= len(data)
        self.written += bytes(data)
        return len(data)

    def ioctl(self, request, flags):
        if request != POLL:
            return -22 if request == 10 else 0
        ready = (POLL_IN if self.unread else 0) | (POLL_OUT if self.room else 0)
        return ready & flags


class Interrupts:
    def __init__(self):
        self.calls = []

    def kbd_intr(self, character):
        self.calls.append(character)


def _link(port):
    interrupts = Interrupts()
    kept, usb_link.micropython = usb_link.micropython, interrupts
    try:
        link = UsbLink(BootClock(), port)
    finally:
        usb_link.micropython = kept
    assert interrupts.calls == [-1], "Ctrl-C must be a byte like any other"
    return link


def test_messages_go_out_whole_and_apart_from_what_is_printed():
    port = Port()
    link = _link(port)
    asyncio.run(link.send(Sealed(b"\x03" * 100)))
    port.written += b"printed meanwhile"
    asyncio.run(link.send(Sealed(bytes(range(256)) * 4)))
    deframer = Deframer(MESSAGE_CAP)
    assert deframer.feed(port.written) == [b"\x03" * 100, bytes(range(256)) * 4]
    assert sum(deframer.refused.values()) == 1


def test_a_host_that_takes_nothing_stops_nothing():
    port = Port(room=50)
    link = _link(port)

    async def main():
        turns = 0
        sending = asyncio.create_task(link.send(Sealed(bytes(200))))
        while not sending.done():
            turns += 1
            await asyncio.sleep_ms(5)
        return turns, await sending

    turns, sent = asyncio.run(main())
    assert (sent, link.errors) == (False, 1)
    assert len(port.written) == 50
    assert turns > 100, "others ran while it waited"


def test_what_has_come_is_read_in_pieces_and_nothing_else():
    messages = [b"first", b"\x03\x03", bytes(300)]
    port = Port(b"".join([bytes(frame(message)) for message in messages]))
    link = _link(port)

    async def main():
        got = []
        while port.unread:
            before = len(port.unread)
            got += await link.receive()
            assert before - len(port.unread) <= 32
        return got

    assert asyncio.run(main()) == messages
