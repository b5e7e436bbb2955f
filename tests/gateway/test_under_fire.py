"""Frames and payloads that are changed, made up or out of place never stop a healthy node."""

import gc
import random
import sys

from fuzzing.gateway_under_fire import UnderFire, mixture, seeds

SEED = 4004
INPUTS = 2_000
"""`make fuzz` sends 10 million frames, guided by the code that they reach."""


def test_nothing_that_a_node_sends_breaks_ingest_or_silences_a_healthy_node() -> None:
    print(f"seed {SEED}")
    randomness = random.Random(SEED)
    under_fire = UnderFire()
    pieces = seeds()
    for _ in range(INPUTS):
        under_fire.take(mixture(randomness, pieces, 1_000))
    under_fire.close()
    print(under_fire.frames, under_fire.accepted, dict(under_fire.refused))
    assert under_fire.frames > 5 * INPUTS
    assert under_fire.accepted > under_fire.frames // 10
    assert under_fire.acknowledged == under_fire.healthy > INPUTS - 1
    assert under_fire.refused.keys() >= {"bad_mac", "cbor", "cobs", "crc", "message", "repeated"}


def test_an_episode_leaves_nothing_behind() -> None:
    """Counted in blocks of memory, after the first two have made what is made once."""
    print(f"seed {SEED}")
    randomness = random.Random(SEED)
    under_fire = UnderFire(episode_frames=2_000)
    pieces = seeds()
    blocks: list[int] = []
    while len(blocks) < 6:
        under_fire.take(mixture(randomness, pieces, 1_000))
        if under_fire.starts > len(blocks):
            gc.collect()
            blocks.append(sys.getallocatedblocks())
    under_fire.close()
    print(blocks)
    assert max(blocks[2:]) < 1.01 * max(blocks[:2])
