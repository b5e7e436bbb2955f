"""docs/wire.md says what the code does."""

import hashlib
import hmac
import re
from pathlib import Path

import pytest
from axwire import (
    GATEWAY_MESSAGE_CAP,
    MESSAGE_CAP,
    codes,
    cose,
    down,
    parse,
    table,
    thinned,
    up,
)
from axwire.cbor import MAX_DEPTH, MAX_ITEMS
from axwire.quantities import QUANTITIES
from wire import document, make_vectors, reference, run_vectors

PAGE = document.PATH.read_text()
CDDL = (Path(__file__).parents[2] / "docs" / "wire.cddl").read_text()
VECTORS = {vector["id"]: vector for vector in make_vectors.vectors()}
HEX_BLOCKS = re.findall(r"```hex (\S+) (\S+)\n(.*?)```", PAGE, re.DOTALL)

RULES = {
    "HELLO": "hello",
    "A group is": "group-entry",
    "A channel is": "channel-entry",
    "READINGS": "readings",
    "A block is": "marked-block",
    "EVENT": "event",
    "HEALTH": "health",
    "WAVEFORM": "waveform",
    "PONG": "pong",
    "THINNED": "thinned",
    "A message in doubt is": "doubt-entry",
    "A thinned block is": "marked-thinned",
    "ACK": "ack",
    "PING": "ping",
    "CONFIGURE": "configure",
    "COMMAND": "command",
    "UPDATE": "update",
}
"""Where a table of fields begins on the page, and its rule in the CDDL file."""


def rows_behind(text: str) -> list[list[str]]:
    """The cells of the first table behind a piece of text, without its head."""
    found = re.search(r"\n\|.*?\n\n", PAGE[PAGE.index(text) :], re.DOTALL)
    assert found is not None, text
    lines = found.group().strip().splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def fields_of(rule: str) -> list[str]:
    body = re.search(rf"^{rule} = \[\n(.*?)^\]", CDDL, re.DOTALL | re.MULTILINE)
    assert body is not None, rule
    return re.findall(r"^  ([a-z-]+): ", body.group(1), re.MULTILINE)


def hex_of(annotated: str) -> str:
    """The hex of an annotated block: groups of hex digits up to the first gap of two spaces."""
    codes_of_lines = [
        re.split(r"  ", line.strip(), maxsplit=1)[0] for line in annotated.splitlines()
    ]
    return "".join(codes_of_lines).replace(" ", "")


def test_the_tables_are_those_of_the_code() -> None:
    assert document.render(PAGE) == PAGE, "run: PYTHONPATH=tests python -m wire.document"
    assert set(re.findall(r"<!-- begin (\S+) -->", PAGE)) == set(document.tables())


def test_every_word_has_a_meaning_and_none_is_left_over() -> None:
    assert set(document._HEALTH) == set(codes.HEALTH_FIELDS)
    assert set(document._STATUSES) == set(codes.STATUSES)


@pytest.mark.parametrize("kind", run_vectors.TYPES.values())
def test_each_message_has_its_number_in_its_heading(kind: str) -> None:
    assert f"\n#### {kind} ({reference.TYPES[kind]})\n" in PAGE


@pytest.mark.parametrize(("begin", "rule"), RULES.items())
def test_each_table_of_fields_is_the_cddl_in_order(begin: str, rule: str) -> None:
    if begin in reference.TYPES:
        told = rows_behind(f"\n#### {begin} (")
        expected = fields_of(rule)[3:]
    else:
        told = rows_behind(f"\n{begin} `[")
        expected = fields_of(rule)
        listed = re.search(rf"\n{begin} `\[(.*?)\]`", PAGE)
        assert listed is not None
        names = listed.group(1).split(", ")
        assert names == expected[: len(names)]
    assert [row[0] for row in told] == expected


def test_the_caps_on_the_page_are_those_of_the_code() -> None:
    for text in (
        f"| {MESSAGE_CAP} bytes | {GATEWAY_MESSAGE_CAP} bytes |",
        f"arrays up to {MAX_DEPTH} deep",
        f"{MAX_ITEMS} items in all; {down._ITEMS_CAP} in a message to a board",
        f"| firmware | text | 1 to {up.TEXT_CAP} bytes |",
        f"| pieces | integer | 1 to {table.GROUP_CAP} | how many there are |",
        f"| channels | array | 1 to {table.CHANNEL_CAP} |",
        f"| first | integer | 0 to {table.GROUP_CAP * table.CHANNEL_CAP - 1} |",
        f"| period-ms | integer, ms | 1 to {table.PERIOD_CAP_MS:,} |",
        f"| blocks | array | 1 to {parse.BLOCK_CAP} |",
        f"| last | integer | sequence to sequence + {thinned.RANGE_CAP - 1} |",
        f"| in-doubt | array | 0 to {thinned.DOUBT_CAP} |",
        f"| arguments | array of integers | 0 to {parse.ARGUMENTS_CAP}, each 64 bits",
        f"| values | array of integers or null | 0 to {parse.FIELDS_CAP}, each",
        f"| pieces | integer | 1 to {parse.PIECES_CAP} |",
        f"| singles | array of integers | 0 to {down.SINGLES_CAP}, each 32 bits |",
        f"| arguments | array of integers | 0 to {down.ARGUMENTS_CAP}, each 32 bits |",
        f"the node's name, 1 to {cose.NAME_CAP} bytes",
        f"at most {run_vectors.TEXT_CAP} characters",
    ):
        assert text in PAGE, text


def test_the_sizes_on_the_page_are_those_of_the_code() -> None:
    assert cose.sealed_size("motors-a", 24) - 24 == cose.sealed_size("motors-a", 255) - 255 == 27
    overheads = [len(reference.frame(b"\1" * size)) - size for size in range(1, MESSAGE_CAP + 1)]
    assert (min(overheads), max(overheads)) == (6, 10)
    assert "27 bytes for a node named `motors-a`" in PAGE
    assert "6 to 10 more" in PAGE


@pytest.mark.parametrize(("vector", "layer", "annotated"), HEX_BLOCKS, ids=lambda part: part[:20])
def test_the_example_is_the_golden_vector(vector: str, layer: str, annotated: str) -> None:
    golden = VECTORS[vector]
    told = hex_of(annotated)
    if layer == "mac-structure":
        assert golden["key"] in PAGE
        tag = hmac.new(bytes.fromhex(golden["key"]), bytes.fromhex(told), hashlib.sha256)
        assert golden["sealed"].endswith(tag.hexdigest()[:16])
    else:
        assert told == golden[layer]


def test_the_example_shows_every_layer() -> None:
    assert [layer for _, layer, _ in HEX_BLOCKS] == [
        "payload",
        "mac-structure",
        "sealed",
        "framed",
    ]


def test_the_value_in_the_example_is_right() -> None:
    quantity, _, scale, offset, _ = VECTORS["hello"]["fields"]["groups"][0]["channels"][0]
    raw = VECTORS["readings-steps"]["fields"]["blocks"][0]["samples"][0]
    value = (raw * scale + offset) * 10.0 ** QUANTITIES[quantity].exponent
    assert f"({raw} x {scale:,} - {-offset:,}) x 10^-9 = {value:.3f} A." in PAGE.replace("\n", " ")


def test_every_reason_of_the_protocol_is_on_the_page() -> None:
    told = [row[0] for row in rows_behind("\n## Refusals")]
    reasons = {vector["reason"] for vector in VECTORS.values() if vector["kind"] == "refused"}
    assert reasons <= set(told)
    assert len(set(told)) == len(told)
