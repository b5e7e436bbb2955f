"""Makes vectors.json: the wire protocol as data, for every implementation to be checked against.

python tests/wire/make_vectors.py            rewrites the file beside it
"""

import json
from pathlib import Path
from typing import Any

from wire.accepted import accepted
from wire.refused import refused

PATH = Path(__file__).with_name("vectors.json")


def vectors() -> list[dict[str, Any]]:
    """All of them, in the order of the file."""
    found = [*accepted(), *refused()]
    if len({vector["id"] for vector in found}) != len(found):
        raise ValueError("a vector's id comes twice")
    return found


def render() -> str:
    """The text of vectors.json: one vector a line."""
    lines = ",\n".join(json.dumps(vector, separators=(",", ":")) for vector in vectors())
    return f"[\n{lines}\n]\n"


if __name__ == "__main__":
    PATH.write_text(render())
