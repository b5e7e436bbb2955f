"""The subset of CBOR (RFC 8949) that the protocol uses, written and read strictly.

Integers of at most 64 bits, byte and text strings, arrays, null, and typed arrays (RFC 8746) of
little-endian int8, int16 and int32. Always the shortest form, always definite lengths; no maps,
floats or other tags: MicroPython keeps no map order, its floats are 32-bit, and every further tag
is a further way to surprise a decoder.
"""

from axwire.errors import CborError

INT8 = 72
INT16 = 77
INT32 = 78
"""Tags of typed arrays: signed, little-endian where it matters (RFC 8746, section 2.1)."""

MAX_DEPTH = 6
MAX_ITEMS = 4096
_UINT, _NINT, _BYTES, _TEXT, _ARRAY, _TAG, _SIMPLE = 0, 0x20, 0x40, 0x60, 0x80, 0xC0, 0xE0
_NULL = 22


class Typed:
    """A typed array as it came: its tag and its bytes."""

    def __init__(self, tag: int, data: bytes) -> None:
        self.tag = tag
        self.data = data

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Typed) and (self.tag, self.data) == (other.tag, other.data)

    def __hash__(self) -> int:
        return hash((self.tag, self.data))

    def __repr__(self) -> str:
        return "Typed(%d, %r)" % (self.tag, self.data)


class Writer:
    """Writes CBOR into a buffer that is allocated once; `length` bytes of it are used.

    Raises CborError when the buffer is full or an integer has more than 64 bits; what was written
    before stays.
    """

    def __init__(self, capacity: int) -> None:
        self.buffer = bytearray(capacity)
        self.view = memoryview(self.buffer)
        self.length = 0

    def clear(self) -> None:
        self.length = 0

    def room(self) -> int:
        """Bytes still free."""
        return len(self.buffer) - self.length

    def written(self) -> memoryview:
        """A view of what was written; valid until the next `clear`."""
        return self.view[: self.length]

    def integer(self, value: int) -> None:
        if value >= 0:
            self._head(_UINT, value)
        else:
            self._head(_NINT, -1 - value)

    def data(self, value: "bytes | bytearray | memoryview") -> None:
        self._head(_BYTES, len(value))
        self.raw(value)

    def text(self, value: str) -> None:
        encoded = value.encode()
        self._head(_TEXT, len(encoded))
        self.raw(encoded)

    def array(self, count: int) -> None:
        """Begin an array; its `count` items follow."""
        self._head(_ARRAY, count)

    def null(self) -> None:
        self._head(_SIMPLE, _NULL)

    def optional(self, value: "int | None") -> None:
        """An integer, or null for a value that is not known."""
        if value is None:
            self.null()
        else:
            self.integer(value)

    def typed(self, tag: int, value: "bytes | bytearray | memoryview") -> None:
        self._head(_TAG, tag)
        self.data(value)

    def raw(self, value: "bytes | bytearray | memoryview") -> None:
        """Bytes that are CBOR already."""
        end = self.length + len(value)
        if end > len(self.buffer):
            raise CborError("message longer than its buffer of %d bytes" % len(self.buffer))
        self.view[self.length : end] = value
        self.length = end

    def _head(self, major: int, argument: int) -> None:
        at = self.length
        buffer = self.buffer
        if at + 9 > len(buffer) and at + head_size(argument) > len(buffer):
            raise CborError("message longer than its buffer of %d bytes" % len(buffer))
        if argument < 24:
            buffer[at] = major | argument
            self.length = at + 1
            return
        if argument < 0x100:
            width = 1
        elif argument < 0x10000:
            width = 2
        elif argument < 0x100000000:
            width = 4
        elif argument >> 64:
            raise CborError("an integer of more than 64 bits")
        else:
            width = 8
        buffer[at] = major | (24 + (width > 1) + (width > 2) + (width > 4))
        self.length = at + 1 + width
        for index in range(at + width, at, -1):
            buffer[index] = argument & 0xFF
            argument >>= 8


def head_size(argument: int) -> int:
    """Bytes a CBOR head with this argument takes."""
    if argument < 24:
        return 1
    if argument < 0x100:
        return 2
    if argument < 0x10000:
        return 3
    return 5 if argument < 0x100000000 else 9


def decode(data: bytes, most: int = MAX_ITEMS) -> object:
    """The one value that `data` holds, whole: int, bytes, str, list, Typed or None.

    `most` bounds the items of all its arrays together, and so the memory it takes: a board has
    little. Raises CborError for anything else.
    """
    value, end = _item(data, 0, MAX_DEPTH, [most])
    if end != len(data):
        raise CborError("%d bytes after the end of the value" % (len(data) - end))
    return value


def head(data: bytes, at: int) -> "tuple[int, int, int]":
    """Read one head: major type (the three high bits, unshifted), argument, next position."""
    try:
        first = data[at]
        argument = first & 0x1F
        at += 1
        if argument < 24:
            return first & 0xE0, argument, at
        if argument == 24:
            argument = data[at]
            at += 1
            shortest = argument >= 24
        elif argument < 28:
            end = at + (1 << (argument - 24))
            if end > len(data):
                raise IndexError
            least = 0x100 if argument == 25 else 0x10000 if argument == 26 else 0x100000000
            argument = int.from_bytes(data[at:end], "big")
            at = end
            shortest = argument >= least
        else:
            raise CborError(f"indefinite length or reserved head 0x{first:02x}")
    except IndexError:
        raise CborError("ends in the middle of a value") from None
    if not shortest:
        raise CborError("a number not in its shortest form")
    return first & 0xE0, argument, at


def _item(data: bytes, at: int, depth: int, room: "list[int]") -> "tuple[object, int]":
    if at < len(data) and data[at] < 24:
        return data[at], at + 1
    major, argument, at = head(data, at)
    if major == _UINT:
        return argument, at
    if major == _NINT:
        return -1 - argument, at
    if major in (_BYTES, _TEXT):
        end = at + argument
        if end > len(data):
            raise CborError("a string of %d bytes where %d are left" % (argument, len(data) - at))
        if major == _BYTES:
            return data[at:end], end
        try:
            return data[at:end].decode(), end
        except UnicodeError:
            raise CborError("text that is not UTF-8") from None
    if major == _ARRAY:
        if not depth:
            raise CborError("nested deeper than %d" % MAX_DEPTH)
        if argument > len(data) - at:
            raise CborError("an array of %d where %d bytes are left" % (argument, len(data) - at))
        room[0] -= argument
        if room[0] < 0:
            raise CborError("more items than a message may have")
        items: list[object] = []
        for _ in range(argument):
            item, at = _item(data, at, depth - 1, room)
            items.append(item)
        return items, at
    if major == _TAG:
        if argument not in (INT8, INT16, INT32):
            raise CborError("tag %d is not of this protocol" % argument)
        major, length, at = head(data, at)
        end = at + length
        if major != _BYTES or end > len(data):
            raise CborError("a typed array without its bytes")
        return Typed(argument, data[at:end]), end
    if major == _SIMPLE and argument == _NULL:
        return None, at
    raise CborError("a map, a float or a simple value other than null")
