"""Serial ports that come, go, stall and talk nonsense; over real ptys in a real loop."""

import asyncio
import os
import tty
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import pytest
import serial
from axwire.framing import Deframer, frame

from gateway.config import SerialConfig
from gateway.links.serial_port import SerialLink

LIMIT_S = 20
LONG = 4096


class Receiver:
    """Takes messages while `takes`; `on_message` is called first with each."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.noise: Counter[str] = Counter()
        self.offers = 0
        self.openings = 0
        self.takes = True
        self.on_message: Callable[[bytes], None] = lambda message: None

    def link_opened(self, link: SerialLink) -> None:
        self.openings += 1

    def receive(self, link: SerialLink, message: bytes) -> bool:
        self.offers += 1
        self.on_message(message)
        if self.takes:
            self.messages.append(message)
        return self.takes

    def refuse_noise(self, reason: str, count: int) -> None:
        self.noise[reason] += count


class Plug:
    """The far end of a cable whose near end is `path` while it is in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fd = -1
        self.waiting = b""

    def plug_in(self) -> None:
        self.fd, near = os.openpty()
        tty.setraw(near)
        os.set_blocking(self.fd, False)
        self.path.symlink_to(os.ttyname(near))
        self._near = near

    def pull_out(self) -> None:
        self.path.unlink()
        os.close(self._near)
        os.close(self.fd)
        self.fd = -1

    def write(self, data: bytes) -> None:
        """As much as the line takes now; the rest waits for `push`."""
        self.waiting += data
        self.push()

    def push(self) -> None:
        try:
            while self.waiting:
                self.waiting = self.waiting[os.write(self.fd, self.waiting[:1024]) :]
        except BlockingIOError:
            pass

    def read(self) -> bytes:
        """What has arrived."""
        read = b""
        try:
            while chunk := os.read(self.fd, 65536):
                read += chunk
        except BlockingIOError:
            pass
        return read


class Cabled:
    """A link, its receiver, and the plug at the other end."""

    def __init__(self, folder: Path) -> None:
        self.plug = Plug(folder / "port")
        self.receiver = Receiver()
        self.link = SerialLink(SerialConfig(name="motors", port=self.plug.path), self.receiver)

    async def opened(self) -> None:
        self.plug.plug_in()
        self.link.open()
        assert self.link.is_open

    async def plugged_in_again(self) -> None:
        before = self.link.opened
        self.plug.plug_in()
        await until(lambda: self.link.opened > before)

    def close(self) -> None:
        self.link.close()
        if self.plug.fd >= 0:
            self.plug.pull_out()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not condition():
            await asyncio.sleep(0.002)


def numbered(count: int, size: int = 40) -> list[bytes]:
    return [b"%06d" % number + Random(number).randbytes(size - 6) for number in range(count)]


def in_loop(check: Callable[[Cabled], Awaitable[None]]) -> Callable[[Path], None]:
    """Makes a test of a coroutine that is given a link."""

    def test(tmp_path: Path) -> None:
        async def run() -> None:
            cabled = Cabled(tmp_path)
            try:
                await check(cabled)
            finally:
                cabled.close()

        asyncio.run(run())

    test.__doc__ = check.__doc__
    return test


@in_loop
async def test_messages_come_in_their_order(cabled: Cabled) -> None:
    await cabled.opened()
    messages = numbered(30)
    cabled.plug.write(b"".join(frame(message) for message in messages))
    await until(lambda: len(cabled.receiver.messages) == 30)
    assert cabled.receiver.messages == messages
    assert cabled.link.bytes_received == sum(len(frame(message)) for message in messages)


@in_loop
async def test_a_frame_may_come_byte_by_byte(cabled: Cabled) -> None:
    await cabled.opened()
    line = frame(b"first") + frame(b"second")
    for at in range(len(line)):
        cabled.plug.write(line[at : at + 1])
        await until(lambda: cabled.link.bytes_received == at + 1)  # noqa: B023 awaited here
    assert cabled.receiver.messages == [b"first", b"second"]


@in_loop
async def test_a_port_that_comes_later_is_used_then(cabled: Cabled) -> None:
    cabled.link.open()
    assert not cabled.link.is_open
    assert cabled.link.fault == (
        f"{cabled.plug.path} is not there: plug the board in, or correct serial.port"
    )
    await cabled.plugged_in_again()
    cabled.plug.write(frame(b"hello"))
    await until(lambda: cabled.receiver.messages)
    assert cabled.receiver.messages == [b"hello"]
    assert cabled.link.fault is None


@in_loop
async def test_a_port_may_be_pulled_out_and_plugged_in_again(cabled: Cabled) -> None:
    await cabled.opened()
    cabled.plug.write(frame(b"before") + frame(b"cut in the middle")[:7])
    await until(lambda: cabled.receiver.messages)
    cabled.plug.pull_out()
    await until(lambda: not cabled.link.is_open)
    assert cabled.link.fault is not None
    assert not cabled.link.send(b"into the air")
    await cabled.plugged_in_again()
    cabled.plug.write(frame(b"after"))
    await until(lambda: len(cabled.receiver.messages) == 2)
    assert cabled.receiver.messages == [b"before", b"after"]
    assert cabled.link.fault is None
    assert cabled.link.opened == cabled.receiver.openings == 2
    assert cabled.receiver.noise == {}


@in_loop
async def test_a_pulled_port_says_so(cabled: Cabled) -> None:
    await cabled.opened()
    cabled.plug.pull_out()
    await until(lambda: cabled.link.fault)
    assert cabled.link.fault == f"{cabled.plug.path} was pulled out: plug it in again"


@in_loop
async def test_a_receiver_that_is_full_stops_the_reading(cabled: Cabled) -> None:
    await cabled.opened()
    cabled.receiver.takes = False
    messages = numbered(400, size=1000)
    cabled.plug.write(b"".join(frame(message) for message in messages))
    await until(lambda: cabled.receiver.offers)
    stalled, offers = cabled.link.bytes_received, cabled.receiver.offers

    def offered_again() -> bool:
        cabled.plug.push()
        return cabled.receiver.offers >= offers + 3

    await until(offered_again)
    assert cabled.link.bytes_received == stalled
    assert cabled.plug.waiting
    assert cabled.receiver.messages == []


@in_loop
async def test_nothing_is_lost_or_moved_by_a_stop(cabled: Cabled) -> None:
    await cabled.opened()
    messages = numbered(400, size=1000)
    cabled.plug.write(b"".join(frame(message) for message in messages))

    def taken() -> bool:
        cabled.plug.push()
        cabled.receiver.takes = cabled.receiver.offers % 7 != 3
        return len(cabled.receiver.messages) == len(messages)

    await until(taken)
    assert cabled.receiver.messages == messages
    assert cabled.receiver.noise == {}


@in_loop
async def test_what_was_read_is_offered_first_when_the_port_comes_back(cabled: Cabled) -> None:
    await cabled.opened()
    cabled.receiver.takes = False
    cabled.plug.write(frame(b"one") + frame(b"two"))
    await until(lambda: cabled.receiver.offers)
    cabled.plug.pull_out()
    assert cabled.link.depth == 2
    cabled.receiver.takes = True
    await cabled.plugged_in_again()
    cabled.plug.write(frame(b"three"))
    await until(lambda: len(cabled.receiver.messages) == 3)
    assert cabled.receiver.messages == [b"one", b"two", b"three"]


@in_loop
async def test_a_port_lost_while_the_receiver_is_full_is_found_again(cabled: Cabled) -> None:
    """The loss shows at a send from inside the receiver, and the next message is not taken."""
    await cabled.opened()

    def lose_the_port(message: bytes) -> None:
        if message == b"one":
            cabled.plug.pull_out()
            assert not cabled.link.send(b"an answer")
            cabled.receiver.takes = True
        elif not cabled.link.opened > 1:
            cabled.receiver.takes = False

    cabled.receiver.on_message = lose_the_port
    cabled.plug.write(frame(b"one") + frame(b"two"))
    await until(lambda: cabled.receiver.offers >= 2)
    cabled.receiver.on_message = lambda message: None
    cabled.receiver.takes = True
    await cabled.plugged_in_again()
    cabled.plug.write(frame(b"three"))
    await until(lambda: len(cabled.receiver.messages) == 3)
    assert cabled.receiver.messages == [b"one", b"two", b"three"]


@in_loop
async def test_a_message_that_breaks_the_receiver_stops_nothing(cabled: Cabled) -> None:
    await cabled.opened()

    def stumble(message: bytes) -> None:
        if message == b"two":
            raise RuntimeError("the receiver is broken")

    cabled.receiver.on_message = stumble
    cabled.plug.write(b"".join(frame(message) for message in (b"one", b"two", b"three")))
    await until(lambda: len(cabled.receiver.messages) == 2)
    assert cabled.receiver.messages == [b"one", b"three"]
    assert cabled.receiver.noise == {"internal_error": 1}


@in_loop
async def test_what_is_sent_arrives_framed(cabled: Cabled) -> None:
    await cabled.opened()
    messages = numbered(50)
    assert all(cabled.link.send(message) for message in messages)
    line = bytearray()
    deframer = Deframer(LONG)
    arrived: list[bytes] = []

    def all_arrived() -> bool:
        line.extend(chunk := cabled.plug.read())
        arrived.extend(deframer.feed(chunk))
        return len(arrived) == len(messages)

    await until(all_arrived)
    assert arrived == messages
    assert line[0] == 0, "the first byte ends whatever the board heard before"
    assert cabled.link.bytes_sent == len(line)


@in_loop
async def test_a_board_that_does_not_read_costs_a_bounded_queue(cabled: Cabled) -> None:
    await cabled.opened()
    sent = []
    for message in numbered(1000, size=1000):
        if not cabled.link.send(message):
            break
        sent.append(message)
    assert 64 <= len(sent) < 100, "64 KiB in the queue, and what the kernel holds"
    deframer = Deframer(LONG)
    arrived: list[bytes] = []

    def all_arrived() -> bool:
        arrived.extend(deframer.feed(cabled.plug.read()))
        return len(arrived) == len(sent)

    await until(all_arrived)
    assert arrived == sent
    assert cabled.link.send(b"there is room again")


@in_loop
async def test_noise_is_counted_by_reason_and_the_rest_flows_on(cabled: Cabled) -> None:
    await cabled.opened()
    good = frame(b"good")
    changed = bytes([*good[:2], good[2] ^ 1, *good[3:]])
    cabled.plug.write(b"\x09no cobs\0" + changed + b"x" * 5000 + b"\0" + good)
    await until(lambda: cabled.receiver.messages)
    assert cabled.receiver.messages == [b"good"]
    assert cabled.receiver.noise == {"cobs": 1, "crc": 1, "too_long": 1}


@in_loop
async def test_a_stopped_link_takes_nothing_and_still_sends(cabled: Cabled) -> None:
    await cabled.opened()
    cabled.link.stop_reading()
    cabled.plug.write(frame(b"too late"))
    assert cabled.link.send(b"the last acknowledgement")
    line = bytearray()

    def ended() -> bool:
        line.extend(cabled.plug.read())
        return line.endswith(frame(b"the last acknowledgement"))

    await until(ended)
    assert cabled.receiver.offers == 0
    cabled.link.close()
    assert not cabled.link.is_open


@in_loop
async def test_a_port_in_use_is_named(cabled: Cabled) -> None:
    cabled.plug.plug_in()
    other = serial.Serial(str(cabled.plug.path), exclusive=True)
    cabled.link.open()
    other.close()
    assert cabled.link.fault == (f"{cabled.plug.path} is used by another program: end that one")
    await until(lambda: cabled.link.is_open)


@in_loop
async def test_a_file_that_is_no_port_is_told(cabled: Cabled) -> None:
    cabled.plug.path.write_text("not a port")
    cabled.link.open()
    assert cabled.link.fault is not None
    assert cabled.link.fault.startswith(f"{cabled.plug.path} cannot be used (")
    assert cabled.link.fault.endswith("): plug it in again, or try another")


def test_a_port_without_permission_names_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may open anything, so the refusal is the test's own."""

    def refuse(*args: object, **options: object) -> None:
        raise serial.SerialException(13, "could not open port: Permission denied")

    async def run() -> None:
        cabled = Cabled(tmp_path)
        cabled.link.open()
        assert cabled.link.fault == (
            f"no permission for {cabled.plug.path}: add this user to group dialout"
        )
        cabled.close()

    monkeypatch.setattr(serial, "Serial", refuse)
    asyncio.run(run())
