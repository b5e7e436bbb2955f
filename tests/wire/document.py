"""Makes the tables in docs/wire.md from the code.

PYTHONPATH=tests python -m wire.document            rewrites them in the page
"""

import re
from collections.abc import Sequence
from pathlib import Path

from axwire import codes, places
from axwire.quantities import QUANTITIES

PATH = Path(__file__).parents[2] / "docs" / "wire.md"

_STATUSES = {
    "ok": "the value is a measurement",
    "open": "the circuit to the sensor is broken",
    "short": "the circuit to the sensor is shorted",
    "saturated": "the converter is at its end: the true value is beyond",
    "stuck": "the chip answers, but its conversion does not end or its value does not move",
    "no_answer": "the chip does not answer",
    "out_of_range": "an electrical value that the sensor cannot give",
    "not_ready": "no conversion is finished yet",
}

_HEALTH = {
    "heap_free_bytes": "free memory after a collection",
    "heap_low_water_bytes": "the least that was ever free after a collection",
    "loop_lag_max_us": "the longest that a row began after its time since the last HEALTH",
    "outbox_messages": "messages held in RAM",
    "outbox_bytes": "bytes of payload held in RAM",
    "dropped_messages": "messages of this boot that a full outbox dropped",
    "dropped_samples": "samples in them",
    "thinned_samples": "samples given up when old blocks were thinned",
    "missed_deadlines": "samples not taken in time",
    "resent_messages": "messages sent again",
    "frames_refused": "frames that arrived damaged or too long",
    "messages_refused": "messages that were not from our gateway, not for this boot, or old",
    "link_errors": "messages that the link did not take",
    "chip_errors": "failures of chips: no answer, stuck, configuration lost",
    "temperature_centi_c": "temperature of the board, 0.01 °C",
    "supply_mv": "supply voltage, mV",
    "down_sequence": "the last sequence accepted from the gateway; null before the first",
    "samples": "samples put into messages of this boot before this one",
    "flash_segments": "segments held in flash, of all boots",
    "flash_segments_written": "segments written in this boot",
    "flash_segments_damaged": "segments found cut off or damaged, and given up",
    "flash_errors": "failures of the file system",
    "earlier_dropped_messages": "messages of earlier boots that a full flash dropped",
    "earlier_dropped_samples": "samples in them",
    "safe_mode": "1 in safe mode, in which nothing is measured",
    "early_resets": "resets that led to this boot in a row; 0 after the supply came",
    "copies_repaired": "damaged copies of the node's own files, written anew at its start",
}


def tables() -> dict[str, str]:
    """Every generated table, by the name between its marks."""
    return {
        "quantities": _table(
            ("number", "name", "unit", "exponent", "low", "high"),
            [
                (q.number, f"`{q.name}`", q.unit, q.exponent, f"{q.low:g}", f"{q.high:g}")
                for q in QUANTITIES.values()
            ],
        ),
        "places": _table(
            ("kind", "word", "side", "word"),
            [(kind, word, *_side(kind)) for kind, word in enumerate(places._KINDS)],
        ),
        "place-examples": _table(
            ("code", "place"),
            [
                (places.parse_place(name), name)
                for name in ("locomotive", "bogie 1", "axle 2 left", "motor 3", "compressor")
            ],
        ),
        "statuses": _numbered(codes.STATUSES, _STATUSES),
        "reset-causes": _table(("number", "cause"), list(enumerate(codes.RESET_CAUSES))),
        "events": _coded(codes.EVENTS),
        "commands": _coded(codes.COMMANDS),
        "results": _named(codes.RESULTS),
        "health": _numbered(codes.HEALTH_FIELDS, _HEALTH),
    }


def render(page: str) -> str:
    """The page with its tables made anew. Raises KeyError for a mark without a table."""
    made = tables()

    def table(match: re.Match[str]) -> str:
        name = match.group(1)
        return f"<!-- begin {name} -->\n{made[name]}<!-- end {name} -->"

    return re.sub(r"<!-- begin (\S+) -->\n.*?<!-- end \1 -->", table, page, flags=re.DOTALL)


def _side(number: int) -> tuple[object, object]:
    if number >= len(places._SIDES):
        return "", ""
    return number, places._SIDES[number] or "the whole"


def _numbered(words: tuple[str, ...], meanings: dict[str, str]) -> str:
    rows = [(number, f"`{word}`", meanings[word]) for number, word in enumerate(words)]
    return _table(("number", "name", "meaning"), rows)


def _coded(meanings: dict[int, str]) -> str:
    rows = [(code, *meaning.partition(": ")[::2]) for code, meaning in meanings.items()]
    return _table(("code", "meaning", "arguments"), rows)


def _named(meanings: dict[int, str]) -> str:
    rows = [
        (number, f"`{name}`", meaning)
        for number, (name, _, meaning) in ((n, m.partition(": ")) for n, m in meanings.items())
    ]
    return _table(("number", "name", "meaning"), rows)


def _table(head: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> str:
    lines: list[tuple[object, ...]] = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(str(cell) for cell in line)} |\n" for line in lines)


if __name__ == "__main__":
    PATH.write_text(render(PATH.read_text()))
