"""Frames between the host and a board's simulated hardware, for both ends.

A frame is a u16 length of its payload, a u8 kind and the payload; all numbers little-endian.

To the board:
  STRETCH  u16 number of the signal in the wiring file, u8 flags (signals.LINEAR, STEADY),
           u32 t0 and u32 period in us (t0 in the board's ticks, see ticks.py), int32 samples
  FAULT    JSON, see faults.py
  CUT      all sensors fall silent for good, so that what was taken stays what it is
  ASK      answer with TAKEN
From the board:
  TAKEN    JSON, see Board.account; sent unasked once at power-up, and before a reset

In lock-step (lockstep.py), where all ticks are the board's, also to the board:
  RUN      u32 tick: go on until then
  BYTES    u8 number of the UART, u32 tick from which on the bytes come over the line, the bytes
  POWER    u32 count: power fails in the so manyth flash operation from now on; 0: in none
and from the board:
  SENT     u8 number of the UART, u32 tick at which the last byte will have left, the bytes
  STOPPED  u32 tick at which the board stands, u32 waits of the firmware so far, modulo 2**30,
           u32 tick before which its firmware does nothing, unless something comes
  LEFT     u32 tick at which this run of the board ended, u32 exit code
"""

import json
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

STRETCH, FAULT, CUT, ASK, RUN, BYTES, POWER = 1, 2, 3, 4, 5, 6, 7
TAKEN, SENT, STOPPED, LEFT = 0x81, 0x82, 0x83, 0x84

HEADER = 3
STRETCH_HEADER = 11
BYTES_HEADER = 5
MAX_PAYLOAD = 4096


def frame(kind: int, payload: bytes = b"") -> bytes:
    """One frame. Raises ValueError when the payload is longer than MAX_PAYLOAD."""
    if len(payload) > MAX_PAYLOAD:
        raise ValueError("a payload of at most %d bytes, not %d" % (MAX_PAYLOAD, len(payload)))
    return struct.pack("<HB", len(payload), kind) + payload


def stretch_frame(
    signal: int, flags: int, t0_us: int, period_us: int, samples: "list[int] | tuple[int, ...]"
) -> bytes:
    """A STRETCH of at most 1021 samples."""
    head = struct.pack("<HBII", signal, flags, t0_us, period_us)
    return frame(STRETCH, head + struct.pack("<%di" % len(samples), *samples))


def json_frame(kind: int, content: "Any") -> bytes:
    """A FAULT or TAKEN."""
    return frame(kind, json.dumps(content).encode())


def u32(payload: "memoryview | bytearray", at: int) -> int:
    """A number in a payload."""
    return payload[at] | payload[at + 1] << 8 | payload[at + 2] << 16 | payload[at + 3] << 24


class FrameReader:
    """Takes bytes as they come and gives whole frames, in a buffer that never grows.

    A frame that is longer than the buffer is skipped and counted in `oversized`.
    After `next` is true, `kind` and `payload` (valid until the next `fill`) describe the frame.
    """

    def __init__(self, capacity: int = HEADER + MAX_PAYLOAD) -> None:
        self.kind = 0
        self.oversized = 0
        self._buffer = bytearray(capacity)
        self._view = memoryview(self._buffer)
        self._begin = 0
        self._end = 0
        self._skip = 0
        self.payload = self._view[0:0]

    def fill(self, read: "Callable[[Any, int], int]") -> int:
        """Call `read(buffer, limit)` with the free space, once; return what it returns:
        the number of bytes, or 0 or less when there are none. Frames must have been drained."""
        if self._begin:
            rest = self._end - self._begin
            if rest:
                self._buffer[0:rest] = bytes(self._view[self._begin : self._end])
            self._begin = 0
            self._end = rest
        if self._end:
            count = read(self._view[self._end :], len(self._buffer) - self._end)
        else:
            count = read(self._buffer, len(self._buffer))
        if count > 0:
            self._end += count
        return count

    def next(self) -> bool:
        """Whether there is another whole frame; `kind` and `payload` are then its content."""
        if self._skip:
            passed = min(self._skip, self._end - self._begin)
            self._skip -= passed
            self._begin += passed
        available = self._end - self._begin
        if available < HEADER:
            return False
        begin = self._begin
        length = self._buffer[begin] | self._buffer[begin + 1] << 8
        if length + HEADER > len(self._buffer):
            self.oversized += 1
            self._skip = length + HEADER
            return self.next()
        if available < length + HEADER:
            return False
        self.kind = self._buffer[begin + 2]
        self.payload = self._view[begin + HEADER : begin + HEADER + length]
        self._begin = begin + HEADER + length
        return True
