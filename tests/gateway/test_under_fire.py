"""Frames and payloads that are changed, made up or out of place never stop a healthy node."""

import random

from fuzzing.gateway_under_fire import UnderFire
from fuzzing.samples import golden_payloads

SEED = 4004
INPUTS = 1_500
"""`make fuzz` sends 10 million frames, guided by the code that they reach."""


def test_nothing_that_a_node_sends_breaks_ingest_or_silences_a_healthy_node() -> None:
    print(f"seed {SEED}")
    randomness = random.Random(SEED)
    under_fire = UnderFire(golden_payloads())
    for _ in range(INPUTS):
        under_fire.take(randomness.randbytes(randomness.randrange(300)))
    under_fire.close()
    print(under_fire.frames, under_fire.accepted, dict(under_fire.refused))
    assert under_fire.frames > 10 * INPUTS
    assert under_fire.accepted > under_fire.frames // 10
    assert under_fire.refused.keys() >= {"bad_mac", "cobs", "crc", "repeated", "no_table"}
