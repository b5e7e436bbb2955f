"""What a line full of rubbish costs beside good traffic: the share of throughput that is lost.

A gateway's loop is kept busy with good messages, from bytes on a line to the spool's buffer and
back to acknowledgements. In the same processor time a second line, at 921600 baud, brings rubbish
without a pause: for each second of it 92160 bytes. The cost is the share of that time which went
into the rubbish. The disk is not waited for: it costs the same either way.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from statistics import median

from axwire import GATEWAY_MESSAGE_CAP, cose
from axwire.framing import frame
from manual_clock import ManualClock

from benchmarks.ingest import new_ingest
from benchmarks.report import Figure
from benchmarks.traffic import Traffic, make_traffic
from gateway.ingest import Ingest
from gateway.links.serial_port import LineDeframer
from gateway.spool.recovery import recover
from gateway.spool.writer import SpoolWriter, WriterSettings

_NODES = 12
_SECONDS = 480
_CHUNK = 4096
_LINE_BYTES_PER_S = 921_600 // 10
_POOL_BYTES = 1 << 20
_RUNS = 3


class _Line:
    """As gateway.links.serial_port.SerialLink takes its bytes in."""

    name = "bench"

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest
        self._deframer = LineDeframer(GATEWAY_MESSAGE_CAP)

    def send(self, message: bytes) -> bool:
        return True

    def bring(self, chunk: bytes) -> None:
        refused = dict(self._deframer.refused)
        for message in self._deframer.feed(chunk):
            assert self._ingest.receive(self, message)
        for reason, count in self._deframer.refused.items():
            if count > refused[reason]:
                self._ingest.refuse_noise(reason, count - refused[reason])


def measure(folder: Path, seed: int) -> dict[str, Figure]:
    folder.mkdir()
    traffic = make_traffic(_NODES, _SECONDS, seed)
    pools = {name: make(Random(seed), traffic) for name, make in _RUBBISH.items()}
    costs = {
        name: 100 * median(_share(folder / f"{name} {run}", traffic, pool) for run in range(_RUNS))
        for name, pool in pools.items()
    }
    return {"ingest.rubbish_cost_percent": Figure(max(costs.values()), "%", 10, seed, costs)}


def _share(folder: Path, traffic: Traffic, rubbish: bytes) -> float:
    """Of the processor time until all good messages are acknowledged, what the rubbish took."""
    folder.mkdir()
    clock = ManualClock()
    writer = SpoolWriter(
        folder, clock, recover(folder), settings=WriterSettings(buffer_bytes=1 << 30)
    )
    ingest = new_ingest(traffic, writer, clock)
    good, bad = _Line(ingest), _Line(ingest)
    stream = b"".join(map(frame, traffic.messages))
    at = 0
    good_s = bad_s = 0.0
    for first in range(0, len(stream), _CHUNK):
        begin_s = time.process_time()
        good.bring(stream[first : first + _CHUNK])
        ingest.committed(ingest.ticket)
        good_s += time.process_time() - begin_s
        while at + _CHUNK <= (good_s + bad_s) * _LINE_BYTES_PER_S:
            place = at % (len(rubbish) - _CHUNK)
            begin_s = time.process_time()
            bad.bring(rubbish[place : place + _CHUNK])
            bad_s += time.process_time() - begin_s
            at += _CHUNK
    assert ingest.acknowledged == len(traffic.messages), ingest.refused
    assert at > 10 * _CHUNK
    return bad_s / (good_s + bad_s)


def _noise(random: Random, traffic: Traffic) -> bytes:
    return random.randbytes(_POOL_BYTES)


def _frames(message: Callable[[Random, Traffic], bytes]) -> Callable[[Random, Traffic], bytes]:
    """A pool of frames with sound checksums."""

    def make(random: Random, traffic: Traffic) -> bytes:
        def messages() -> Iterator[bytes]:
            size = 0
            while size < _POOL_BYTES:
                framed = frame(message(random, traffic))
                size += len(framed)
                yield framed

        return b"".join(messages())

    return make


def _bad_mac(random: Random, traffic: Traffic) -> bytes:
    """The shortest message in a node's name, under another key."""
    name = random.choice(list(traffic.keys))
    return cose.seal(cose.MacKey(random.randbytes(32)), name, cose.UP, random.randbytes(8))


def _unknown_node(random: Random, traffic: Traffic) -> bytes:
    return cose.seal(cose.MacKey(random.randbytes(32)), "stranger", cose.UP, random.randbytes(8))


_RUBBISH: dict[str, Callable[[Random, Traffic], bytes]] = {
    "random bytes": _noise,
    "wrong tags": _frames(_bad_mac),
    "unknown node": _frames(_unknown_node),
    "frames of one byte": lambda random, traffic: b"\x02\0" * (_POOL_BYTES // 2),
    "codes of one byte": lambda random, traffic: (b"\x01" * 4000 + b"\0") * (_POOL_BYTES // 4001),
    "empty messages": _frames(lambda random, traffic: b""),
}
