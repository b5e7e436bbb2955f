"""What is stuck on a board, or beside a slot: a label of 70 x 38 mm, as PNG and as PDF, with a QR
code.

A board's code has the same as its text, in one line, for a reader at the locomotive:
`axlebox:<locomotive>/<node>?id=<number of the chip>&fw=<firmware>&on=<date>`. There is no secret
on it, and nothing by which a board could be taken for another. A slot's code is what the line
takes for a scan of that slot: `slot:0:2.1` (scan.py).
"""

import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import Protocol

import segno

from gateway.sealed import write_private
from hil.station.glyphs import HEIGHT, WIDTH, dots
from hil.station.inventory import Known

__all__ = ["Label", "Printed", "SlotLabel", "pdf", "png", "write_label"]

_SIZE_MM = (70.0, 38.0)
_DOTS_PER_MM = 12
"""305 dots per inch."""

_MARGIN_MM = 2.0
_QR_MM = 24.0
_LEAST_DOT = 3
"""In pixels: what does not fit at letters of 1.75 mm is cut off; the code has the whole."""

_NAME_CHARACTERS = 28
"""Of a slot's name in a line: what fits at the least letters."""

_LEADING = 1.5
_POINTS_PER_MM = 72 / 25.4
_CAPITALS = 0.718
"""Height of Helvetica's capitals by its size, from its metrics (Adobe, Core 14 AFM files)."""

_WIDEST = 0.78
"""Most that a letter of these texts is wide in Helvetica-Bold, by its size: `M` has 0.833, but no
text is made of `M` alone."""


class Printed(Protocol):
    """What a label shows. `lines` with the heights of their capitals in mm, from the top; `stem`
    names its files."""

    @property
    def code(self) -> str: ...

    @property
    def lines(self) -> tuple[tuple[str, float], ...]: ...

    @property
    def stem(self) -> str: ...


@dataclass(frozen=True)
class Label:
    """A board's."""

    locomotive: str
    node: str
    places: str
    unique_id: str
    firmware: str
    date: str

    @classmethod
    def of(cls, known: Known) -> "Label":
        date = known.since.partition("T")[0]
        return cls(
            known.locomotive, known.node, known.places, known.unique_id, known.firmware, date
        )

    @property
    def code(self) -> str:
        return (
            f"axlebox:{self.locomotive}/{self.node}?id={self.unique_id}&fw={self.firmware}"
            f"&on={self.date}"
        )

    @property
    def lines(self) -> tuple[tuple[str, float], ...]:
        """The least is as high as print of 9 points."""
        return (
            (self.node, 4.2),
            (self.locomotive, 3.4),
            (self.places, 2.6),
            (self.unique_id, 2.2),
            (f"fw {self.firmware}  {self.date}", 2.2),
        )

    @property
    def stem(self) -> str:
        return f"{self.locomotive}-{self.node}-{self.unique_id}"


@dataclass(frozen=True)
class SlotLabel:
    """A slot's: its whole name, and the end of that by which it is called."""

    name: str
    short: str

    @property
    def code(self) -> str:
        return f"slot:{self.short}"

    @property
    def lines(self) -> tuple[tuple[str, float], ...]:
        whole = [(part, 2.2) for part in wrap(self.name, _NAME_CHARACTERS)]
        return (self.short, 7.0), (self.code, 2.6), *whole

    @property
    def stem(self) -> str:
        return f"slot-{self.short.replace(':', '-')}"


def write_label(folder: Path, label: Printed) -> tuple[Path, Path]:
    """The label's PNG and PDF in the folder."""
    paths = folder / f"{label.stem}.png", folder / f"{label.stem}.pdf"
    for path, content in zip(paths, (png(label), pdf(label)), strict=True):
        write_private(path, content)
    return paths


def png(label: Printed) -> bytes:
    """In black and white, 305 dots per inch."""
    width, height = (round(size * _DOTS_PER_MM) for size in _SIZE_MM)
    rows = [bytearray(b"\1" * width) for _ in range(height)]
    code = _code(label)
    module = round(_QR_MM * _DOTS_PER_MM) // len(code)
    left = width - round(_MARGIN_MM * _DOTS_PER_MM) - module * len(code)
    top = (height - module * len(code)) // 2
    for y, line in enumerate(code):
        for x, dark in enumerate(line):
            if dark:
                _fill(rows, left + x * module, top + y * module, module)
    for text, x_mm, y_mm, high_mm in _placed(label):
        dot = round(high_mm * _DOTS_PER_MM / HEIGHT)
        x, y = round(x_mm * _DOTS_PER_MM), round(y_mm * _DOTS_PER_MM)
        while dot > _LEAST_DOT and x + len(text) * (WIDTH + 1) * dot > left:
            dot -= 1
        for at, letter in enumerate(text[: (left - x) // ((WIDTH + 1) * dot)]):
            for down, bits in enumerate(dots(letter)):
                for right in range(WIDTH):
                    if bits >> (WIDTH - 1 - right) & 1:
                        _fill(rows, x + (at * (WIDTH + 1) + right) * dot, y + down * dot, dot)
    return _png_file(rows)


def pdf(label: Printed) -> bytes:
    """One page of the label's size, with fonts that every reader has."""
    width, height = (size * _POINTS_PER_MM for size in _SIZE_MM)
    code = _code(label)
    module = _QR_MM * _POINTS_PER_MM / len(code)
    left = width - (_MARGIN_MM + _QR_MM) * _POINTS_PER_MM
    top = (height + _QR_MM * _POINTS_PER_MM) / 2
    drawn = [
        f"{left + x * module:.3f} {top - (y + 1) * module:.3f} {module:.3f} {module:.3f} re"
        for y, line in enumerate(code)
        for x, dark in enumerate(line)
        if dark
    ]
    drawn.append("f")
    for text, x_mm, y_mm, high_mm in _placed(label):
        size = high_mm * _POINTS_PER_MM / _CAPITALS
        x = x_mm * _POINTS_PER_MM
        size = min(size, (left - x) / (_WIDEST * len(text) or 1))
        base = height - (y_mm + high_mm) * _POINTS_PER_MM
        shown = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
        drawn.append(f"BT /F {size:.2f} Tf {x:.2f} {base:.2f} Td ({shown}) Tj ET")
    return _pdf_file("\n".join(drawn).encode("latin-1", "replace"), width, height)


def _code(label: Printed) -> list[bytearray]:
    """Rows of modules, dark ones 1, with the quiet zone that a reader needs."""
    made = segno.make(label.code, error="m", micro=False)
    return [bytearray(row) for row in made.matrix_iter(scale=1, border=2)]


def _placed(label: Printed) -> list[tuple[str, float, float, float]]:
    """Each line with its left end, top and height, in mm from the upper left corner."""
    placed = []
    y = _MARGIN_MM + 2.0
    for text, high in label.lines:
        placed.append((text, _MARGIN_MM, y, high))
        y += high * _LEADING + 1.0
    return placed


def _fill(rows: list[bytearray], x: int, y: int, size: int) -> None:
    for row in rows[y : y + size]:
        row[x : x + size] = bytes(len(row[x : x + size]))


def _png_file(rows: list[bytearray]) -> bytes:
    """Grey of one bit (PNG, W3C, second edition); each pixel is a byte here."""
    packed = io.BytesIO()
    for row in rows:
        padded = bytes(row) + bytes(-len(row) % 8)
        packed.write(b"\0")
        packed.write(int(padded.translate(_DIGITS), 2).to_bytes(len(padded) // 8, "big"))
    head = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 1, 0, 0, 0, 0)
    per_metre = struct.pack(">IIB", _DOTS_PER_MM * 1000, _DOTS_PER_MM * 1000, 1)
    chunks = (
        (b"IHDR", head),
        (b"pHYs", per_metre),
        (b"IDAT", zlib.compress(packed.getvalue(), 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


_DIGITS = bytes.maketrans(b"\0\1", b"01")


def _pdf_file(drawn: bytes, width: float, height: float) -> bytes:
    """PDF 1.4 with one page (ISO 32000-1, 7.5)."""
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %.2f %.2f] /Contents 5 0 R "
        b"/Resources << /Font << /F 4 0 R >> >> >>" % (width, height),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn),
    )
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    at = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    for place in places:
        out += b"%010d 00000 n \n" % place
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        at,
    )
    return bytes(out)
