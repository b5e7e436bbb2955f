"""Messages on a serial line: `COBS(message + CRC-32) 0x00`, CRC little-endian (IEEE 802.3).

A receiver that joins late, or that line noise hit, is in step again at the next 0x00.
"""

import binascii

from axwire.errors import FramingError

_CRC_BYTES = 4
_RUN = 254


def frame(message: "bytes | memoryview") -> bytes:
    """The bytes to put on the line for one message."""
    length = len(message)
    buffer = bytearray(1 + length + _CRC_BYTES + length // _RUN + 2)
    view = memoryview(buffer)
    view[1 : 1 + length] = message
    return bytes(view[: frame_in_place(buffer, view, 1, 1 + length)])


def frame_in_place(buffer: bytearray, view: memoryview, start: int, end: int) -> int:
    """Frame the message that lies in `buffer[start:end]`, where it lies: `view` is of the buffer.

    Returns where the frame ends, which begins at start - 1. It is 6 bytes longer than the
    message, and at most one more for each 254 bytes of it.
    """
    crc = binascii.crc32(view[start:end]) & 0xFFFFFFFF
    for _ in range(_CRC_BYTES):
        buffer[end] = crc & 0xFF
        crc >>= 8
        end += 1
    at = start - 1
    while at < end:
        zero = buffer.find(b"\0", at + 1, end)
        stop = end if zero < 0 else zero
        if stop - at > _RUN:
            buffer[at] = _RUN + 1
            at += _RUN + 1
            if at < end:
                view[at + 1 : end + 1] = view[at:end]
                end += 1
        else:
            buffer[at] = stop - at
            at = stop
    buffer[end] = 0
    return end + 1


def unframe(body: bytes) -> bytes:
    """The message in one frame, given without its 0x00. Raises FramingError."""
    data = _uncobs(body)
    if len(data) < _CRC_BYTES:
        raise FramingError("crc", "a frame of %d bytes has no room for its CRC" % len(data))
    message = data[:-_CRC_BYTES]
    if binascii.crc32(message) & 0xFFFFFFFF != int.from_bytes(data[-_CRC_BYTES:], "little"):
        raise FramingError("crc", "wrong CRC in a frame of %d bytes" % len(data))
    return message


class Deframer:
    """Cuts a stream of bytes into messages; keeps at most one frame of `cap` message bytes.

    `refused` counts damaged frames by reason: cobs, crc, too_long.
    """

    def __init__(self, cap: int) -> None:
        longest = cap + _CRC_BYTES
        self._message_cap = cap
        self._cap = longest + longest // _RUN + 1
        self._held = bytearray()
        self._skipping = False
        self.refused: dict[str, int] = {"cobs": 0, "crc": 0, "too_long": 0}

    def feed(self, chunk: bytes) -> "list[bytes]":
        """The messages that `chunk` completes, in order."""
        messages: list[bytes] = []
        pieces = chunk.split(b"\0")
        last = len(pieces) - 1
        for index, piece in enumerate(pieces):
            if len(self._held) + len(piece) > self._cap:
                self._skip()
            if not self._skipping:
                self._held += piece
            if index < last:
                self._finish(messages)
        return messages

    def reset(self) -> None:
        """Forget a partial frame: the line was opened anew."""
        self._held = bytearray()
        self._skipping = False

    def _skip(self) -> None:
        if not self._skipping:
            self.refused["too_long"] += 1
        self._held = bytearray()
        self._skipping = True

    def _finish(self, messages: "list[bytes]") -> None:
        if self._held and not self._skipping:
            try:
                message = unframe(bytes(self._held))
                if len(message) > self._message_cap:
                    raise FramingError("too_long", "a message of %d bytes" % len(message))
                messages.append(message)
            except FramingError as error:
                self.refused[error.reason] += 1
        self.reset()


def _uncobs(body: bytes) -> bytes:
    out = bytearray()
    at = 0
    length = len(body)
    while at < length:
        code = body[at]
        end = at + code
        if not code or end > length:
            raise FramingError("cobs", "a COBS code points past the end of its frame")
        out += body[at + 1 : end]
        at = end
        if code <= _RUN and at < length:
            out.append(0)
    return bytes(out)
