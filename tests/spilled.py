"""What the spill of a node has in flash: its segments, read from images of the flash."""

import json
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

from hil.errors import BenchError
from hil.interpreter import find_interpreter

__all__ = ["Segment", "read_spilled", "whole_segment"]

Segment = tuple[int, list[int]]
"""Its boot and the sequences of its messages, without those of the channel table."""

_HEAD = struct.Struct("<4sIIQQHHHIII")
_RECORD = struct.Struct("<HII")
_HEAP_BYTES = 4 * 1024 * 1024
_LIMIT_S = 60

_LIST = """
import json, vfs
from simulators.board import descriptors
from simulators.board.boot import PROGRAM_BYTES
from simulators.board.flash import BLOCK_BYTES, NorFlash
for image, size in wanted:
    flash = NorFlash(descriptors, 0, image, size // BLOCK_BYTES)
    files = vfs.VfsLfs2(flash, progsize=PROGRAM_BYTES)
    found = []
    if "spill" in [entry[0] for entry in files.ilistdir("/")]:
        for entry in files.ilistdir("/spill"):
            with files.open("/spill/" + entry[0], "rb") as file:
                found.append(file.read().hex())
    print(json.dumps(found))
    descriptors.close(flash._fd)
"""


def whole_segment(data: bytes) -> Segment | None:
    """A file as firmware/axnode/spill.py lays it out; None: it is cut off or damaged."""
    if len(data) < _HEAD.size + 4 or crc32(data[:-4]) != int.from_bytes(data[-4:], "little"):
        return None
    _, boot, _, _, _, tables, messages, _, _, _, _ = _HEAD.unpack_from(data)
    sequences = []
    at = _HEAD.size
    for index in range(tables + messages):
        length, sequence, _ = _RECORD.unpack_from(data, at)
        at += _RECORD.size + length
        if index >= tables:
            sequences.append(sequence)
    return boot, sequences


def read_spilled(images: Sequence[Path], sim: Path) -> list[list[Segment]]:
    """The whole segments in each image, which must hold a file system; `sim` is a folder laid out
    by simulators.board.layout. Raises BenchError where one cannot be mounted."""
    interpreter = find_interpreter()
    wanted = [(str(image.resolve()), image.stat().st_size) for image in images]
    done = subprocess.run(
        [
            *interpreter.command,
            "-X",
            f"heapsize={_HEAP_BYTES}",
            "-c",
            f"wanted = {wanted!r}\n{_LIST}",
        ],
        env={"MICROPYPATH": f"{sim.resolve()}:.frozen"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        check=False,
    )
    if done.returncode:
        raise BenchError(done.stderr.strip() or done.stdout.strip())
    found = []
    for line in done.stdout.splitlines():
        segments = [whole_segment(bytes.fromhex(each)) for each in json.loads(line)]
        found.append([segment for segment in segments if segment is not None])
    return found
