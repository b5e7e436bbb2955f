"""Frames and payloads that are changed, made up or out of place never stop a healthy node."""

import random

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
