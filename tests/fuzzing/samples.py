"""Where mutations begin."""

import json
from pathlib import Path

__all__ = ["golden_payloads"]

_VECTORS = Path(__file__).parents[1] / "wire" / "vectors.json"


def golden_payloads() -> list[bytes]:
    """A payload of every message that a node can send."""
    vectors = json.loads(_VECTORS.read_text(encoding="utf-8"))
    return [bytes.fromhex(each["payload"]) for each in vectors if each["kind"] == "up"]
