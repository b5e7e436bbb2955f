"""The stream of events, in virtual time: what is sent, how often, and at whose cost."""

import asyncio
import itertools
from collections.abc import Coroutine
from typing import Any

import msgspec
import pytest
from crew_page.live_picture import OwnedLive, te33a, with_channel
from crew_page.virtual_loop import run
from prometheus_client import CollectorRegistry

from gateway.state import State
from gateway.web.events import EventHub, EventStream


class Client:
    """An ASGI client: notes when each chunk arrived, and takes `reading_s` to read one."""

    def __init__(self, hub: EventHub, reading_s: float = 0.0) -> None:
        self.chunks: list[tuple[float, bytes]] = []
        self.status = 0
        self.ended = False
        self._reading_s = reading_s
        self._gone = asyncio.Event()
        stream = EventStream(hub, [], _refusal)
        self.task = asyncio.create_task(stream({"type": "http"}, self._receive, self._send))

    def leave(self) -> None:
        self._gone.set()

    @property
    def pictures(self) -> list[State]:
        return [_picture(chunk) for _, chunk in self.chunks if not chunk.startswith(b":")]

    async def _receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return
        if message["body"]:
            self.chunks.append((asyncio.get_running_loop().time(), message["body"]))
        self.ended = not message.get("more_body", False)
        await asyncio.sleep(self._reading_s)


class Bench:
    """A hub that runs, its picture and its metrics."""

    def __init__(self, client_limit: int = 64) -> None:
        self.live = OwnedLive(te33a())
        self.metrics = CollectorRegistry()
        self.hub = EventHub(self.live, self.metrics, client_limit)
        self.task = asyncio.create_task(self.hub.run())

    def show_current(self, amperes: float) -> None:
        self.live.show(with_channel(te33a(), "motors-a/0", value=amperes))

    async def end(self) -> None:
        self.hub.close()
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def _refusal(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 503, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def _picture(chunk: bytes) -> State:
    data = b"".join(line[6:] for line in chunk.splitlines() if line.startswith(b"data: "))
    return msgspec.json.decode(data, type=State)


def _first_current(state: State) -> float | None:
    return state.channels[0].value


def in_virtual_time(scenario: Any) -> Any:
    def test(*arguments: Any, **named: Any) -> None:
        coroutine: Coroutine[Any, Any, None] = scenario(*arguments, **named)
        run(asyncio.wait_for(coroutine, 600))

    test.__name__ = scenario.__name__
    return test


@in_virtual_time
async def test_a_page_gets_the_whole_picture_at_once() -> None:
    bench = Bench()
    client = Client(bench.hub)
    await asyncio.sleep(0.01)
    assert client.pictures == [te33a()]
    await bench.end()


@in_virtual_time
async def test_when_nothing_changes_a_comment_comes_each_second() -> None:
    bench = Bench()
    client = Client(bench.hub)
    await asyncio.sleep(5.5)
    times = [at for at, chunk in client.chunks if chunk.startswith(b":")]
    assert [round(at - client.chunks[0][0], 6) for at in times] == [1, 2, 3, 4, 5]
    assert len(client.pictures) == 1
    await bench.end()


@in_virtual_time
async def test_changes_come_at_most_ten_times_a_second_and_the_last_one_always() -> None:
    bench = Bench()
    clients = [Client(bench.hub) for _ in range(20)]
    for step in range(2000):
        bench.show_current(float(step))
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.2)
    for client in clients:
        times = [at for at, _ in client.chunks]
        assert min(b - a for a, b in itertools.pairwise(times)) > 0.0999
        assert len(times) in (20, 21, 22)
        assert _first_current(client.pictures[-1]) == 1999.0
    assert bench.live.taken <= 22, "the picture is encoded once for all"
    await bench.end()


@in_virtual_time
async def test_pages_that_come_late_share_the_pictures_of_the_others() -> None:
    bench = Bench()
    clients = []
    for step in range(60):
        clients.append(Client(bench.hub))
        bench.show_current(float(step))
        await asyncio.sleep(0.017)
    await asyncio.sleep(0.2)
    assert bench.live.taken <= 13
    assert {_first_current(client.pictures[-1]) for client in clients} == {59.0}
    await bench.end()


@in_virtual_time
async def test_a_picture_that_did_not_change_is_taken_anew_for_a_new_page() -> None:
    bench = Bench()
    Client(bench.hub)
    await asyncio.sleep(50)
    assert bench.live.taken == 1
    Client(bench.hub)
    await asyncio.sleep(0.01)
    assert bench.live.taken == 2, "ages in the old picture would be 50 s behind"
    await bench.end()


@in_virtual_time
async def test_one_slow_page_delays_nobody_and_gets_the_newest() -> None:
    bench = Bench()
    slow = Client(bench.hub, reading_s=7.0)
    quick = Client(bench.hub)
    for step in range(200):
        bench.show_current(float(step))
        await asyncio.sleep(0.1)
    await asyncio.sleep(0.2)
    assert len(quick.pictures) >= 195
    assert len(slow.pictures) == 3
    assert 60 < (_first_current(slow.pictures[1]) or 0) < 75
    await bench.end()


@in_virtual_time
async def test_places_are_bounded_counted_and_given_back() -> None:
    bench = Bench(client_limit=2)
    first, second, third = (Client(bench.hub) for _ in range(3))
    await asyncio.sleep(0.01)
    assert (first.status, second.status, third.status) == (200, 200, 503)
    assert bench.metrics.get_sample_value("axlebox_page_clients") == 2
    assert bench.metrics.get_sample_value("axlebox_page_clients_refused_total") == 1
    first.leave()
    await first.task
    assert bench.metrics.get_sample_value("axlebox_page_clients") == 1
    fourth = Client(bench.hub)
    await asyncio.sleep(0.01)
    assert fourth.status == 200
    await bench.end()


@in_virtual_time
async def test_with_nobody_listening_no_picture_is_taken() -> None:
    bench = Bench()
    client = Client(bench.hub)
    await asyncio.sleep(0.01)
    client.leave()
    await client.task
    bench.show_current(1.0)
    await asyncio.sleep(1)
    taken = bench.live.taken
    for step in range(50):
        bench.show_current(float(step))
        await asyncio.sleep(0.1)
    assert bench.live.taken == taken
    await bench.end()


@in_virtual_time
async def test_closing_ends_every_stream() -> None:
    bench = Bench()
    clients = [Client(bench.hub) for _ in range(3)]
    await asyncio.sleep(0.5)
    await bench.end()
    await asyncio.gather(*(client.task for client in clients))
    assert all(client.ended for client in clients)
    assert all(client.chunks[-1][1] == b": end\n\n" for client in clients)


def test_a_picture_that_cannot_be_taken_ends_the_streams_until_it_can(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> None:
        bench = Bench()
        client = Client(bench.hub)
        await asyncio.sleep(0.5)
        bench.live.failing = ValueError("no such channel")
        bench.show_current(1.0)
        await client.task
        assert client.ended
        assert client.chunks[-1][1] == b": end\n\n"
        assert bench.hub.fault is not None
        assert "no such channel" in bench.hub.fault
        bench.live.failing = None
        again = Client(bench.hub)
        await asyncio.sleep(0.01)
        assert bench.hub.fault is None
        assert _first_current(again.pictures[-1]) == 1.0
        bench.show_current(2.0)
        await asyncio.sleep(1.5)
        assert _first_current(again.pictures[-1]) == 2.0
        await bench.end()

    run(scenario())
    assert [record.message for record in caplog.records] == ["the live picture cannot be taken"]
