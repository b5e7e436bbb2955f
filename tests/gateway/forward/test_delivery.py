"""A batch gets through every kind of answer: nothing is lost, little is sent twice."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from manual_clock import ManualClock

from gateway.forward import Answer, Verdict
from gateway.forward.delivery import Delivery
from gateway.spool.errors import BufferFullError

from .influx_double import SinkDouble

PROBE = b"gateway,locomotive=L probe=1i"
BAD = Answer(Verdict.BAD_LINES, "400: field type conflict")
DOWN = Answer(Verdict.UNREACHABLE, "no answer")


class Bench:
    """A delivery with its sink, its clock and what it put into quarantine."""

    def __init__(self, seed: int = 1) -> None:
        self.clock = ManualClock()
        self.sink = SinkDouble()
        self.quarantine: list[tuple[bytes, str]] = []
        self.delivery = Delivery(
            self.sink,
            self.clock,
            Random(seed),
            PROBE,
            lambda line, reason: self.quarantine.append((line, reason)),
        )

    def send(self, body: bytes, most: int = 10_000) -> None:
        """Attempt until the batch is done, advancing the clock over each wait."""
        self.delivery.load(body)
        for _ in range(most):
            if self.delivery.done:
                return
            self.attempt()
        raise AssertionError(f"not done after {most} requests")

    def attempt(self) -> None:
        self.clock.advance_us(max(0, self.delivery.retry_us - self.clock.monotonic_us()))
        self.delivery.attempt()

    @property
    def stored(self) -> list[bytes]:
        """Lines the server took, in order, without probes."""
        bodies = [body for body in self.sink.accepted if body != PROBE]
        return [line for body in bodies for line in body.split(b"\n")]


def body_of(count: int) -> bytes:
    return b"\n".join(b"m f=%d %d" % (number, number) for number in range(count))


def refusing(bad: set[bytes]) -> Bench:
    bench = Bench()
    bench.sink.rule = lambda body: (
        BAD if bad.intersection(body.split(b"\n")) else Answer(Verdict.OK)
    )
    return bench


@given(st.integers(1, 300), st.sets(st.integers(0, 299), max_size=12))
def test_bisecting_finds_exactly_the_bad_lines(count: int, numbers: set[int]) -> None:
    lines = body_of(count).split(b"\n")
    bad = {lines[number] for number in numbers if number < count}
    bench = refusing(bad)

    bench.send(body_of(count))

    assert [line for line, _ in bench.quarantine] == [line for line in lines if line in bad]
    assert {reason for _, reason in bench.quarantine} <= {BAD.text}
    assert bench.stored == [line for line in lines if line not in bad]
    assert bench.delivery.quarantined == len(bad)


def test_one_bad_line_of_thousands_costs_few_requests() -> None:
    bench = refusing({b"m f=777 777"})

    bench.send(body_of(8192))

    assert [line for line, _ in bench.quarantine] == [b"m f=777 777"]
    assert len(bench.sink.requests) <= 2 * 15


def test_a_quarantine_that_is_full_blocks_nothing() -> None:
    lines = body_of(40).split(b"\n")
    bench = refusing({lines[7], lines[30]})

    def refuse(line: bytes, reason: str) -> None:
        bench.quarantine.append((line, reason))
        raise BufferFullError("no room")

    bench.delivery = Delivery(bench.sink, bench.clock, Random(1), PROBE, refuse)
    bench.send(body_of(40))

    assert [line for line, _ in bench.quarantine] == [lines[7], lines[30]]
    assert len(bench.stored) == 38


def test_a_server_that_refuses_everything_condemns_nothing() -> None:
    """A wrong path or a broken proxy answers 400 to sound lines, too."""
    bench = Bench()
    bench.sink.rule = lambda body: BAD
    bench.delivery.load(body_of(100))

    for _ in range(200):
        bench.attempt()

    assert bench.quarantine == []
    assert not bench.delivery.done
    assert bench.delivery.error is not None
    assert "to a line that is surely sound, too" in bench.delivery.error
    assert bench.sink.requests[-50:] == [PROBE] * 50

    bench.sink.rule = lambda body: Answer(Verdict.OK)
    while not bench.delivery.done:
        bench.attempt()
    assert bench.stored == body_of(100).split(b"\n")
    assert bench.delivery.error is None


@pytest.mark.parametrize("count", [1, 7, 20])
def test_a_batch_of_bad_lines_only_is_condemned_once_the_server_took_another(count: int) -> None:
    lines = body_of(count).split(b"\n")
    bench = refusing(set(lines))

    bench.send(body_of(count))

    assert [line for line, _ in bench.quarantine] == lines
    assert bench.sink.accepted == [PROBE]


@pytest.mark.parametrize("limit", [30, 500, 5000])
def test_a_body_that_is_too_large_is_halved(limit: int) -> None:
    bench = Bench()
    bench.sink.rule = lambda body: Answer(
        Verdict.TOO_LARGE if len(body) > limit else Verdict.OK, "413"
    )

    bench.send(body_of(1000))

    assert bench.stored == body_of(1000).split(b"\n")
    assert bench.quarantine == []
    assert all(len(body) <= limit for body in bench.sink.accepted)


def test_what_was_learnt_of_the_size_holds_for_the_next_batches() -> None:
    bench = Bench()
    bench.sink.rule = lambda body: Answer(
        Verdict.TOO_LARGE if len(body) > 5000 else Verdict.OK, "413"
    )
    bench.send(body_of(1000))
    learnt = bench.delivery.retries["too_large"]

    bench.send(body_of(1000))
    assert bench.delivery.retries["too_large"] == learnt

    bench.sink.rule = lambda body: Answer(Verdict.OK)
    for _ in range(200):
        bench.send(body_of(1000))
    assert bench.sink.requests[-1] == body_of(1000)


def test_a_single_line_that_is_too_large_is_condemned_alone() -> None:
    long = b"m f=1," + b"x" * 3000 + b"=1 5"
    bench = Bench()
    bench.sink.rule = lambda body: Answer(
        Verdict.TOO_LARGE if len(body) > 2000 else Verdict.OK, "413"
    )

    bench.send(body_of(50) + b"\n" + long + b"\n" + body_of(50))

    assert bench.quarantine == [(long, "413")]
    assert bench.stored == body_of(50).split(b"\n") * 2


def test_a_connection_reset_twice_on_one_batch_is_halved() -> None:
    bench = Bench()
    bench.sink.rule = lambda body: Answer(Verdict.RESET if len(body) > 4000 else Verdict.OK, "cut")
    bench.delivery.load(body_of(500))

    bench.attempt()
    assert bench.delivery.error == "cut"
    bench.attempt()
    assert bench.sink.requests == [body_of(500)] * 2

    while not bench.delivery.done:
        bench.attempt()
    assert bench.stored == body_of(500).split(b"\n")
    assert bench.quarantine == []


def test_a_single_line_is_never_condemned_for_resets() -> None:
    bench = Bench()
    bench.sink.rule = lambda body: Answer(Verdict.RESET, "cut")
    bench.delivery.load(b"m f=1 1")

    for _ in range(50):
        bench.attempt()

    assert bench.quarantine == []
    assert not bench.delivery.done


@pytest.mark.parametrize(
    "verdict", [Verdict.UNREACHABLE, Verdict.SERVER_ERROR, Verdict.BUSY, Verdict.REFUSED]
)
def test_trouble_of_the_server_keeps_the_same_bytes(verdict: Verdict) -> None:
    bench = Bench()
    bench.sink.rule = lambda body: Answer(verdict, "trouble")
    bench.delivery.load(body_of(100))

    for _ in range(20):
        bench.attempt()

    assert bench.sink.requests == [body_of(100)] * 20
    assert bench.delivery.error == "trouble"
    assert bench.delivery.retries == {verdict.value: 20}
    bench.sink.rule = lambda body: Answer(Verdict.OK)
    bench.attempt()
    assert bench.delivery.done
    assert bench.delivery.error is None


@given(st.integers(0, 1 << 32))
def test_waits_grow_with_jitter_and_stay_bounded(seed: int) -> None:
    bench = Bench(seed)
    bench.sink.rule = lambda body: DOWN
    bench.delivery.load(body_of(1))
    waits_s = []
    for _ in range(20):
        bench.attempt()
        waits_s.append((bench.delivery.retry_us - bench.clock.monotonic_us()) / 1e6)

    assert 0.25 <= waits_s[0] <= 0.5
    assert all(
        wait_s <= 30 and wait_s <= 0.5 * 2**k and wait_s >= min(15, 0.25 * 2**k)
        for k, wait_s in enumerate(waits_s)
    )


def test_two_gateways_do_not_knock_together() -> None:
    waits = set()
    for seed in range(20):
        bench = Bench(seed)
        bench.sink.rule = lambda body: DOWN
        bench.delivery.load(body_of(1))
        bench.attempt()
        waits.add(bench.delivery.retry_us)
    assert len(waits) == 20


def test_a_busy_server_is_left_alone_as_long_as_it_asks() -> None:
    bench = Bench()
    bench.sink.rule = lambda body: Answer(Verdict.BUSY, "busy", 90_000_000)
    bench.delivery.load(body_of(1))

    bench.attempt()
    assert bench.delivery.retry_us == bench.clock.monotonic_us() + 90_000_000

    bench.sink.rule = lambda body: Answer(Verdict.BUSY, "busy", 10**15)
    bench.attempt()
    assert bench.delivery.retry_us == bench.clock.monotonic_us() + 3_600_000_000


@given(st.integers(0, 1 << 32), st.integers(1, 200))
def test_every_line_is_stored_or_condemned_whatever_comes(seed: int, count: int) -> None:
    """All kinds of trouble at random: order kept, exactly the bad lines refused."""
    random = Random(seed)
    lines = body_of(count).split(b"\n")
    bad = {line for line in lines if random.random() < 0.05}
    bench = Bench()
    troubles = [
        Verdict.UNREACHABLE,
        Verdict.BUSY,
        Verdict.RESET,
        Verdict.REFUSED,
        Verdict.SERVER_ERROR,
    ]

    def answer(body: bytes) -> Answer:
        if random.random() < 0.3:
            return Answer(random.choice(troubles), "trouble")
        if len(body) > 1000:
            return Answer(Verdict.TOO_LARGE, "413")
        return BAD if bad.intersection(body.split(b"\n")) else Answer(Verdict.OK)

    bench.sink.rule = answer
    bench.send(body_of(count))

    assert bench.stored == [line for line in lines if line not in bad]
    assert {line for line, _ in bench.quarantine} == bad
