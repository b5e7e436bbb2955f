"""Two copies of a file: which one counts, and what damage does."""

import os
from io import BytesIO

from axnode import store

TEXT = b'{"node": "motors-a"}\n' * 40
"""Longer than a piece that is read at a time."""


def _bytes(copy):
    with open("file.%d" % copy, "rb") as file:
        return file.read()


def _put(copy, data):
    with open("file.%d" % copy, "wb") as file:
        file.write(data)


def test_what_was_written_is_read_and_the_newer_counts():
    assert store.survey("file") == [0, 0]
    assert store.newest([0, 0]) == -1
    assert store.write("file", 0, 1, BytesIO(TEXT))
    assert store.survey("file") == [1, 0]
    assert store.write("file", 1, 2, BytesIO(b"new"))
    generations = store.survey("file")
    assert generations == [1, 2]
    assert store.newest(generations) == 1
    assert (store.read("file", 0), store.read("file", 1)) == (TEXT, b"new")
    assert store.newest([7, 7]) == 0
    assert store.newest([3, 0]) == 0
    assert store.newest([0, 3]) == 1
    assert store.write("file", 0, 3, BytesIO(b""))
    assert store.survey("file") == [3, 2]
    assert store.read("file", 0) == b""


def test_a_person_can_read_it():
    store.write("file", 0, 12, BytesIO(TEXT))
    head, text = _bytes(0).split(b"\n", 1)
    assert text == TEXT
    magic, generation, length, crc = head.split()
    assert (magic, generation, length, len(crc)) == (b"AXC1", b"12", b"840", 8)


def test_a_flipped_bit_anywhere_is_noticed():
    store.write("file", 0, 12, BytesIO(TEXT))
    whole = _bytes(0)
    for at in range(len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << at % 8
        _put(0, damaged)
        assert store.survey("file") == [0, 0], at


def test_what_is_cut_off_or_goes_on_is_noticed():
    store.write("file", 0, 12, BytesIO(TEXT))
    whole = _bytes(0)
    for count in range(len(whole)):
        _put(0, whole[:count])
        assert store.survey("file") == [0, 0], count
    _put(0, whole + b" ")
    assert store.survey("file") == [0, 0]
    for other in (b"", b"\xff" * 4096, b"AXC1 1 0 00000000\n", b"AXC1 a b c\n", b"AXC1 1 2\n"):
        _put(0, other)
        assert store.survey("file") == [0, 0], other


def test_a_write_that_fails_is_told_and_leaves_the_other_copy():
    store.write("file", 0, 1, BytesIO(TEXT))
    os.mkdir("file.1")
    assert not store.write("file", 1, 2, BytesIO(b"new"))
    assert store.survey("file") == [1, 0]
    assert store.read("file", 0) == TEXT
