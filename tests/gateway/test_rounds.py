"""Ports that are read together, in a loop whose time the test owns."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator

import pytest

from gateway.links.rounds import Rounds


class Loop(asyncio.SelectorEventLoop):
    """Its time stands still until somebody sets `now_s`."""

    now_s = 1000.0

    def time(self) -> float:
        return self.now_s


class Ports:
    """Pipes with something to read or not; `read`: which were read, a list a turn of the loop."""

    def __init__(self) -> None:
        self.rounds = Rounds()
        self.pipes = [os.pipe() for _ in range(2)]
        self.read: list[list[int]] = []
        for port in range(2):
            self.add(port)

    def add(self, port: int) -> None:
        def readable() -> None:
            self.read[-1].append(port)
            if not os.read(self.pipes[port][0], 100):
                self.rounds.remove(self.pipes[port][0])

        self.rounds.add(self.pipes[port][0], readable)

    def write(self, *ports: int) -> None:
        for port in ports:
            os.write(self.pipes[port][1], b"x")

    async def turns(self) -> list[list[int]]:
        """What is read in the next turns of the loop; no time passes."""
        self.read = []
        for _ in range(6):
            self.read.append([])
            await asyncio.sleep(0)
        return [read for read in self.read if read]

    def close(self) -> None:
        for near, far in self.pipes:
            self.rounds.remove(near)
            os.close(near)
            if far >= 0:
                os.close(far)


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop()
    yield made
    made.close()


def in_loop(check: Callable[[Loop, Ports], Awaitable[None]]) -> Callable[[Loop], None]:
    """Makes a test of a coroutine that is given two ports, each of which was read just now."""

    def test(loop: Loop) -> None:
        async def run() -> None:
            ports = Ports()
            try:
                ports.write(0, 1)
                assert await ports.turns() == [[0, 1]]
                await check(loop, ports)
            finally:
                ports.close()

        loop.run_until_complete(run())

    test.__doc__ = check.__doc__
    return test


@in_loop
async def test_what_comes_meanwhile_is_read_together(loop: Loop, ports: Ports) -> None:
    ports.write(0)
    assert await ports.turns() == []
    ports.write(1)
    assert await ports.turns() == []
    loop.now_s += 0.11
    assert await ports.turns() == [[0, 1]]


@in_loop
async def test_after_a_quiet_while_the_first_byte_is_read_at_once(
    loop: Loop, ports: Ports
) -> None:
    loop.now_s += 0.11
    assert await ports.turns() == []
    ports.write(1)
    assert await ports.turns() == [[1]]


@in_loop
async def test_an_answer_is_read_at_once_and_what_others_have_with_it(
    loop: Loop, ports: Ports
) -> None:
    ports.write(0)
    ports.rounds.hurry()
    assert await ports.turns() == [[0]]
    loop.now_s += 0.02
    ports.write(0, 1)
    assert await ports.turns() == [[0, 1]], "for a moment"
    loop.now_s += 0.02
    ports.write(0)
    assert await ports.turns() == [[0]], "the moment is over: this was waited for already"
    ports.write(0)
    assert await ports.turns() == []


@in_loop
async def test_the_end_of_a_port_is_told_and_another_takes_its_place(
    loop: Loop, ports: Ports
) -> None:
    near, far = ports.pipes[0]
    os.close(far)
    loop.now_s += 0.11
    assert await ports.turns() == [[0]]
    os.close(near)
    ports.pipes[0] = os.pipe()
    ports.add(0)
    loop.now_s += 0.11
    ports.write(0, 1)
    assert {port for read in await ports.turns() for port in read} == {0, 1}


def test_no_port_leaves_nothing_behind(loop: Loop) -> None:
    before = set(os.listdir("/proc/self/fd"))

    async def run() -> None:
        ports = Ports()
        ports.write(0)
        await ports.turns()
        ports.close()

    loop.run_until_complete(run())
    assert set(os.listdir("/proc/self/fd")) == before
