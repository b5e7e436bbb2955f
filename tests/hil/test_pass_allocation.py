"""The sampling loop of the busiest role, as asyncio runs it, allocates nothing."""

import json
from pathlib import Path

import pytest
from busiest_role import SAMPLES_A_SECOND, busiest_fitting

from hil.interpreter import find_interpreter
from hil.lockstep import LockstepTarget

pytestmark = pytest.mark.timeout(300)

SECONDS = 18
"""A whole number of flushes, so that what was taken was handed on."""

LOOP = f"""
import asyncio, gc, sys
import axnode.start

def found(name):
    # The build puts modules together as it likes.
    for module in sys.modules.values():
        if hasattr(module, name):
            return getattr(module, name)

class Sink:
    samples = 0

    def flush(self, blocks):
        for block in blocks:
            self.samples += block.present
            block.clear()

    def status_changed(self, channel, old, new, tick):
        pass

async def main():
    with open("plain.json", "rb") as file:
        parts = found("Parts")(found("parse")(file.read()), bytes(32))
    sink = Sink()
    sampler = found("Sampler")(found("BootClock")(), parts.rows, parts.scans, sink, parts.flush_ms)
    asyncio.create_task(sampler.run())
    await asyncio.sleep(5)
    gc.collect()
    gc.disable()
    before, samples, passes = gc.mem_alloc(), sink.samples, sampler.passes
    await asyncio.sleep({SECONDS})
    grown = gc.mem_alloc() - before
    print(grown, sink.samples - samples, sampler.passes - passes, sampler.missed, sampler.errors)

asyncio.run(main())
"""


def test_no_pass_allocates(tmp_path: Path) -> None:
    fitting = busiest_fitting(62)
    target = LockstepTarget(fitting, bytes(32), find_interpreter(), tmp_path)
    (tmp_path / "flash" / "main.py").write_text(LOOP, encoding="utf-8")
    plain = tmp_path / "flash" / "plain.json"
    plain.write_text(json.dumps(fitting.configuration), encoding="utf-8")
    target.start()
    try:
        while target.now_us < (SECONDS + 7) * 1_000_000:
            target.advance((SECONDS + 7) * 1_000_000)
    finally:
        target.stop()
    console = (tmp_path / "console.log").read_text(encoding="utf-8")
    grown, samples, passes, missed, errors = (int(word) for word in console.split())
    print(f"{passes} passes, {samples} samples")
    assert samples == SECONDS * SAMPLES_A_SECOND
    assert passes > SECONDS * 400
    assert (missed, errors) == (0, 0)
    assert grown == 0
