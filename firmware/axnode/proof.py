"""Proves to who has the key which board this is, and what it runs. Loaded for it alone.

    firmware       SHA-256 of path, 0 and SHA-256 of each of its files, by path: those in the root
                   that end in .py or .mpy, and all in the folders of the firmware that runs
    configuration  SHA-256 of the node.json that is in use, of 0 bytes where there is none
    proof          HMAC-SHA256, by the node's key, of `axlebox proof 1`, the nonce, the length of
                   the chip's number as one byte, the number, firmware, configuration

Files are read a little at a time, with pauses, so that rows begin when they are due.
"""

import asyncio
import hashlib
import os
import struct
import sys

import machine
from micropython import const

from axnode.unloading import unload
from axwire.codes import COMMAND_PROVE, DONE, EVENT_PROOF, FAILED, NOT_POSSIBLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from axnode.node import Node

_FOLDERS = ("axnode", "axwire", "drivers")
_FOLDER_BIT = const(0x4000)
_PIECE_BYTES = const(256)
_PAUSE_MS = const(3)
_NONCE_WORDS = const(4)
_WORDS = ">8I"
_PURPOSE = b"axlebox proof 1"


def begin_proof(node: "Node", nonce: "list[int]") -> "int | None":
    """Begin one; the result, or None: it comes later. NOT_POSSIBLE: the nonce is not of four
    words, or a test, an update or a proof is under way."""
    if node.chore is not None or len(nonce) != _NONCE_WORDS:
        return NOT_POSSIBLE
    node.chore = proof = Proof(node, struct.pack(">4I", *nonce))
    proof.task = asyncio.create_task(proof.run())
    return None


class Proof:
    """One run of it: an event with the proof and the firmware's hash, and the answer."""

    def __init__(self, node: "Node", nonce: bytes) -> None:
        self._node = node
        self._nonce = nonce
        self._sequence = node.session.down_sequence or 0
        self.task: Any = None

    def tend(self, quiet: bool) -> None:
        """As a test's: nothing."""

    async def run(self) -> None:
        node = self._node
        result = FAILED
        try:
            firmware = hashlib.sha256()
            await self._folder("", firmware)
            digest = firmware.digest()
            number = machine.unique_id()
            whole = b"".join(
                (_PURPOSE, self._nonce, bytes((len(number),)), number, digest)
                + ((await self._configuration()),)
            )
            words = struct.unpack(_WORDS, _hmac(node.session.key, whole))
            words += struct.unpack(_WORDS, digest)
            node.reports.event(EVENT_PROOF, words, node.clock.tick())
            result = DONE
        except (OSError, MemoryError):
            pass
        node.session.answer(self._sequence, COMMAND_PROVE, result)
        node.chore = None
        unload("axnode.proof")

    async def _folder(self, folder: str, firmware: "Any") -> None:
        """Add a folder's files, by path."""
        names = []
        # An update may have put the folders into another slot (boards/slots.py).
        slot = "b/" if folder and "b" in sys.path else ""
        for entry in os.ilistdir(slot + folder) if folder else os.ilistdir():
            name = entry[0]
            if entry[1] & _FOLDER_BIT:
                if folder or name in _FOLDERS:
                    names.append(name + "/")
            elif folder or name[-3:] == ".py" or name[-4:] == ".mpy":
                names.append(name)
        names.sort()
        for name in names:
            path = "%s/%s" % (folder, name) if folder else name
            if name[-1] == "/":
                await self._folder(path[:-1], firmware)
            else:
                with open(slot + path, "rb") as file:
                    digest = await _digest(file)
                firmware.update(path.encode() + b"\0" + digest)

    async def _configuration(self) -> bytes:
        """That of the copy which is in use, behind its first line."""
        copy = self._node.copy
        if copy < 0:
            return hashlib.sha256(b"").digest()
        with open("node.json.%d" % copy, "rb") as file:
            file.readline()
            return await _digest(file)


async def _digest(file: "Any") -> bytes:
    """SHA-256 of what is left of a file."""
    piece = bytearray(_PIECE_BYTES)
    view = memoryview(piece)
    digest = hashlib.sha256()
    got = file.readinto(piece)
    while got:
        digest.update(view[:got])
        await asyncio.sleep_ms(_PAUSE_MS)
        got = file.readinto(piece)
    return digest.digest()


def _hmac(key: "Any", data: bytes) -> bytes:
    inner = hashlib.sha256(key.inner)
    inner.update(data)
    outer = hashlib.sha256(key.outer)
    outer.update(inner.digest())
    return outer.digest()
