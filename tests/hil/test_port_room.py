"""What a port of Linux holds for a reader that does not come, against what we take it to hold."""

import os
import pty
import random
import select
import tty
from contextlib import suppress

import pytest

from gateway.links import rounds
from hil import lockstep_gateway

SEED = 3
BYTES_A_SECOND = 921_600 / 10
GONE_S = 10.0


@pytest.mark.parametrize("piece", [16, 200, 1000, 4096])
def test_a_port_holds_more_than_the_benchs_and_loses_nothing_of_it(piece: int) -> None:
    """A pty; it takes no more when it is full, so that what it took can be counted."""
    chance = random.Random(SEED)
    controller, device = pty.openpty()
    try:
        tty.setraw(device)
        os.set_blocking(controller, False)
        sent, got = bytearray(), bytearray()
        with suppress(BlockingIOError):
            while True:
                data = chance.randbytes(piece)
                sent += data[: os.write(controller, data)]
        while len(got) < len(sent):
            assert select.select([device], [], [], GONE_S)[0], f"{len(got)} of {len(sent)} came"
            got += os.read(device, len(sent))
        print(f"seed {SEED}: {len(sent)} bytes in pieces of {piece}")
    finally:
        os.close(controller)
        os.close(device)
    assert got == sent
    assert len(sent) > lockstep_gateway._PORT_BYTES
    assert len(sent) > BYTES_A_SECOND * rounds._REST_S
