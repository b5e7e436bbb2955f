"""A label can be read by a person and by a reader of codes, and has no secret on it."""

import re
import struct
import zlib
from pathlib import Path

import pytest
import segno

from hil.station.glyphs import HEIGHT, dots
from hil.station.label import Label, Printed, SlotLabel, pdf, png, write_label
from hil.station.scan import Place, SlotCall, read_scan

LABEL = Label("TE33A-0123", "motors-a", "motor 1-6", "e66038b7132a5b2f", "0.1.0", "2026-11-29")
SLOT = SlotLabel("pci-0000:00:14.0-usb-0:2.1", "0:2.1")
DOTS_PER_MM = 12


def pixels(data: bytes) -> list[list[int]]:
    """A PNG of one bit, 1 = white."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, body, size = 8, b"", (0, 0)
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        content = data[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length)[0] == zlib.crc32(kind + content)
        if kind == b"IHDR":
            size = struct.unpack_from(">II", content)
            assert content[8:] == b"\1\0\0\0\0"
        body += content if kind == b"IDAT" else b""
        at += 12 + length
    width, height = size
    stride = 1 + (width + 7) // 8
    raw = zlib.decompress(body)
    assert len(raw) == stride * height
    return [
        [raw[y * stride + 1 + x // 8] >> (7 - x % 8) & 1 for x in range(width)]
        for y in range(height)
    ]


@pytest.mark.parametrize(
    ("label", "code"),
    [
        (LABEL, "axlebox:TE33A-0123/motors-a?id=e66038b7132a5b2f&fw=0.1.0&on=2026-11-29"),
        (SLOT, "slot:0:2.1"),
    ],
    ids=["board", "slot"],
)
def test_the_code_on_the_picture_is_what_the_line_reads(label: Printed, code: str) -> None:
    shown = pixels(png(label))
    assert (len(shown[0]), len(shown)) == (70 * DOTS_PER_MM, 38 * DOTS_PER_MM)
    matrix = [list(row) for row in segno.make(code, error="m", micro=False).matrix_iter(border=0)]
    dark = [[1 - pixel for pixel in row] for row in shown]
    right = [x for x in range(len(shown[0])) if any(row[x] for row in dark)][-1]
    size = next(run for run in range(400) if not dark[_top(dark, right)][right - run])
    module = size // 7
    top, left = _top(dark, right), right + 1 - module * len(matrix)
    read = [
        [
            dark[top + module * y + module // 2][left + module * x + module // 2]
            for x in range(len(matrix))
        ]
        for y in range(len(matrix))
    ]
    assert read == [[int(bool(cell)) for cell in row] for row in matrix]
    assert read_scan(code) in (Place("TE33A-0123", "motors-a"), SlotCall("0:2.1"))


def _top(dark: list[list[int]], right: int) -> int:
    """The row of the code's upper right corner."""
    return next(y for y in range(len(dark)) if dark[y][right])


def test_letters_are_at_least_two_millimetres_high_and_do_not_touch_the_code() -> None:
    for label in (LABEL, Label("L" * 40, "n" * 23, "place " * 20, "f" * 32, "0.1.0", "2026")):
        dark = [[1 - pixel for pixel in row] for row in pixels(png(label))]
        text = [row[: 40 * DOTS_PER_MM] for row in dark]
        lines = "".join("#" if any(row) else " " for row in text).split()
        if label is LABEL:
            assert len(lines) == 5
            assert min(len(line) for line in lines) >= 2 * DOTS_PER_MM
            assert len(lines[0]) >= 4 * DOTS_PER_MM


def test_every_letter_of_a_name_has_a_picture_of_its_own() -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.,:/+ ?"
    assert len({dots(letter) for letter in letters}) == len(letters)
    assert all(len(dots(letter)) == HEIGHT for letter in letters)
    assert dots("a") == dots("A")
    assert dots("ы") == dots("?")


def test_the_pdf_is_one_page_whose_parts_are_where_it_says() -> None:
    data = pdf(LABEL)
    assert data.startswith(b"%PDF-1.4\n")
    assert data.endswith(b"%%EOF\n")
    at = int(re.search(rb"startxref\n(\d+)", data)[1])  # type: ignore[index]
    assert data[at:].startswith(b"xref\n0 6\n")
    for number, place in enumerate(re.findall(rb"(\d{10}) 00000 n ", data[at:]), 1):
        assert data[int(place) :].startswith(b"%d 0 obj" % number)
    (length,) = re.findall(rb"/Length (\d+)", data)
    stream = data.split(b"stream\n")[1].removesuffix(b"\nend")
    assert len(stream) == int(length)
    for line, _ in LABEL.lines:
        assert f"({line}) Tj".encode() in data
    width, height = (float(n) for n in re.search(rb"0 0 ([\d.]+) ([\d.]+)\]", data).groups())  # type: ignore[union-attr]
    assert (round(width / 72 * 25.4, 1), round(height / 72 * 25.4, 1)) == (70, 38)


def test_what_a_name_has_in_it_cannot_leave_its_text() -> None:
    data = pdf(Label("A(", "b)\\", "", "", "", ""))
    assert rb"(b\)\\) Tj" in data
    assert rb"(A\() Tj" in data


def test_both_are_written(tmp_path: Path) -> None:
    paths = write_label(tmp_path, LABEL)
    assert [path.name for path in paths] == [
        "TE33A-0123-motors-a-e66038b7132a5b2f.png",
        "TE33A-0123-motors-a-e66038b7132a5b2f.pdf",
    ]
    assert paths[0].read_bytes() == png(LABEL)
    assert [path.name for path in write_label(tmp_path, SLOT)] == [
        "slot-0-2.1.png",
        "slot-0-2.1.pdf",
    ]


def test_a_slots_name_can_be_read_from_where_a_fitter_stands() -> None:
    dark = [[1 - pixel for pixel in row[: 40 * DOTS_PER_MM]] for row in pixels(png(SLOT))]
    lines = "".join("#" if any(row) else " " for row in dark).split()
    assert len(lines) == 3
    assert len(lines[0]) >= 6 * DOTS_PER_MM
    for line, _ in SLOT.lines:
        assert f"({line}) Tj".encode() in pdf(SLOT)
    far = "platform-fd500000.pcie-pci-0000:01:00.0-usb-0:1.3"
    lines = [line for line, _ in SlotLabel(far, "0:1.3").lines]
    assert "".join(lines[2:]) == far
    assert max(map(len, lines)) <= 28
