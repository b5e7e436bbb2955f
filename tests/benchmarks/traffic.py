"""Messages as nodes at full rate send them: six channels at 100 Hz, flushed each 100 ms."""

import struct
from dataclasses import dataclass

import numpy as np
from axwire import cose, up
from axwire.cbor import INT16, Writer
from axwire.places import MOTOR, place
from axwire.quantities import BY_NAME
from axwire.table import Channel, Group

from gateway.profiles import load_profile
from simulators.locomotive import Locomotive

CHANNELS = 6
ROWS = 10
PERIOD_MS = 10
SAMPLES = CHANNELS * ROWS
_STEP_A = 1200 / 15360
"""A 4-20 mA loop of 0 to 1200 A through 120 ohm at 125 uV a step."""


@dataclass(frozen=True)
class Traffic:
    """Sealed messages of one boot of each node, in order of time; the first of each is HELLO."""

    keys: dict[str, cose.MacKey]
    messages: list[bytes]
    samples: int

    @property
    def bytes(self) -> int:
        return sum(map(len, self.messages))


def make_traffic(nodes: int, seconds: float, seed: int) -> Traffic:
    """Currents of the simulated locomotive, with a step of converter noise, from many nodes."""
    locomotive = Locomotive(load_profile("te33a"), seed)
    random = np.random.default_rng(seed)
    blocks = round(seconds * 1000 / (ROWS * PERIOD_MS))
    t_s = 30 + np.arange(blocks * ROWS) * PERIOD_MS / 1000
    currents = np.stack(
        [locomotive.values("motor.current", f"motor {n + 1}", t_s) for n in range(CHANNELS)], 1
    )
    names = [f"node-{number:02d}" for number in range(nodes)]
    keys = {name: cose.MacKey(random.bytes(cose.KEY_BYTES)) for name in names}
    raw = {
        name: np.rint(currents / _STEP_A + random.normal(0, 1, currents.shape)).astype("<i2")
        for name in names
    }
    messages = [_hello(name, keys[name], number) for number, name in enumerate(names)]
    for block in range(blocks):
        for number, name in enumerate(names):
            rows = raw[name][block * ROWS : (block + 1) * ROWS]
            messages.append(_readings(name, keys[name], number, block, rows))
    return Traffic(keys, messages, nodes * blocks * SAMPLES)


def _hello(name: str, key: cose.MacKey, boot: int) -> bytes:
    quantity = BY_NAME["motor.current"].number
    channels = [
        Channel(quantity, place(MOTOR, n + 1), 78_125_000, -300_000_000_000, 0)
        for n in range(CHANNELS)
    ]
    groups = [Group(0, 0, PERIOD_MS, channels)]
    writer = Writer(1024)
    up.hello(writer, _boot(boot), 0, up.About("0.1.0", "pico", 1, 0), 0, 0, [groups])
    return cose.seal(key, name, cose.UP, writer.written())


def _readings(name: str, key: cose.MacKey, boot: int, block: int, rows: np.ndarray) -> bytes:
    writer = Writer(1024)
    up.readings(writer, _boot(boot), block + 1, 0, 1)
    t_ms = block * ROWS * PERIOD_MS
    steps = np.diff(rows.astype(np.int32), axis=0)
    if np.abs(steps).max() < 128:
        first = memoryview(rows[0].tobytes())
        differences = memoryview(struct.pack(f"{steps.size}b", *steps.ravel().tolist()))
        up.block_of_differences(writer, 0, t_ms, INT16, first, differences, None)
    else:
        up.block(writer, 0, t_ms, INT16, memoryview(rows.tobytes()), None)
    return cose.seal(key, name, cose.UP, writer.written())


def _boot(number: int) -> int:
    return 0x9E3779B1 * (number + 1) & 0xFFFFFFFF
