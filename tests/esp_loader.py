"""The loader in the ROM of an ESP32, and the one that esptool loads into its RAM, on a pty.

As far as esptool needs them to tell the chip, write its flash and have that read back: the serial
protocol of Espressif's documentation (esptool, Advanced Topics, Serial Protocol), its checksums
checked. Registers that nobody has written read as 0, but for those of the flash's own id.
"""

import hashlib
import os
import pty
import select
import struct
import threading
import tty
import zlib
from dataclasses import dataclass
from pathlib import Path

_END, _ESCAPE = 0xC0, 0xDB
_WORD = struct.Struct("<I")
_HEAD = struct.Struct("<BBHI")
_CHECKED = (0x03, 0x07, 0x11)
"""Commands whose data is checked by a sum: for flash, for memory, for flash compressed."""

_INVALID = 5
_CHIP_ID_OF_FLASH = 0x1640EF
"""A W25Q32: 4 MiB."""

_FLASH_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Chip:
    """`magic` is read where chips say which they are; later ones say it by `number`."""

    name: str
    magic: int
    number: int | None
    flash_id_register: int


ESP32 = Chip("ESP32", 0x00F01D83, None, 0x3FF42080)
ESP32_S3 = Chip("ESP32-S3", 0x9, 9, 0x60002058)
_MAGIC_REGISTER = 0x40001000


class EspLoader:
    """A chip that waits in its loader behind `link`. `written` counts bytes that were programmed,
    `stuck` is an address at which the flash does not hold what is written to it; `cut_after` is
    how many commands there are until its cable is pulled."""

    def __init__(
        self, link: Path, chip: Chip = ESP32, *, stuck: int | None = None, cut_after: int = -1
    ) -> None:
        self.flash = bytearray(b"\xff" * _FLASH_BYTES)
        self.written = 0
        self.commands: list[int] = []
        self._chip = chip
        self._stuck = stuck
        self._cut_after = cut_after
        self._registers: dict[int, int] = {}
        self._in_ram = False
        self._at = 0
        self._packed: zlib._Decompress | None = None  # type: ignore[name-defined]
        self._controller, self._device = pty.openpty()
        tty.setraw(self._device)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.ttyname(self._device))
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        os.write(self._wake_write, b"!")
        self._thread.join()
        for fd in (self._wake_read, self._wake_write):
            os.close(fd)
        self._pull()

    def __enter__(self) -> "EspLoader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _pull(self) -> None:
        if self._controller >= 0:
            os.close(self._controller)
            os.close(self._device)
        self._controller = self._device = -1

    def _serve(self) -> None:
        frame: bytearray | None = None
        escaped = False
        while True:
            ready, _, _ = select.select([self._controller, self._wake_read], [], [])
            if self._wake_read in ready:
                return
            for byte in os.read(self._controller, 65536):
                if byte == _END:
                    if frame:
                        if len(self.commands) == self._cut_after:
                            self._pull()
                            return
                        self._obey(bytes(frame))
                    frame = bytearray()
                elif frame is not None:
                    if byte == _ESCAPE:
                        escaped = True
                        continue
                    frame.append({0xDC: _END, 0xDD: _ESCAPE}[byte] if escaped else byte)
                    escaped = False

    def _obey(self, frame: bytes) -> None:
        direction, command, length, check = _HEAD.unpack_from(frame)
        data = frame[_HEAD.size :]
        if direction != 0 or len(data) != length:
            return
        self.commands.append(command)
        if command in _CHECKED and check != _sum(data[16:]):
            self._answer(command, status=7)
            return
        {
            0x08: self._sync,
            0x09: self._write_register,
            0x0A: self._read_register,
            0x0B: self._agree,
            0x0D: self._agree,
            0x05: self._agree,
            0x07: self._agree,
            0x06: self._start_in_ram,
            0x10: self._begin,
            0x11: self._take_packed,
            0x12: self._agree,
            0x13: self._digest,
            0x14: self._say_number,
        }.get(command, self._refuse)(command, data)

    def _sync(self, command: int, data: bytes) -> None:
        assert data == b"\x07\x07\x12\x20" + b"\x55" * 32
        for _ in range(8):
            self._answer(command, value=0x20120707)

    def _agree(self, command: int, data: bytes) -> None:
        self._answer(command)

    def _refuse(self, command: int, data: bytes) -> None:
        self._answer(command, status=_INVALID)

    def _read_register(self, command: int, data: bytes) -> None:
        address = _WORD.unpack(data)[0]
        value = {
            _MAGIC_REGISTER: self._chip.magic,
            self._chip.flash_id_register: _CHIP_ID_OF_FLASH,
        }.get(address, self._registers.get(address, 0))
        self._answer(command, value=value)

    def _write_register(self, command: int, data: bytes) -> None:
        address, value, mask, _ = struct.unpack_from("<4I", data)
        # The command register of the flash's bus reads as 0 once the command is done: at once.
        if address & 0xFFF:
            self._registers[address] = value & mask
        self._answer(command)

    def _say_number(self, command: int, data: bytes) -> None:
        if self._chip.number is None:
            self._refuse(command, data)
        else:
            self._answer(command, struct.pack("<IB7sII", 0, 0, bytes(7), self._chip.number, 0))

    def _start_in_ram(self, command: int, data: bytes) -> None:
        self._answer(command)
        self._in_ram = True
        self._send(b"OHAI")

    def _begin(self, command: int, data: bytes) -> None:
        size, _, _, self._at = struct.unpack_from("<4I", data)
        end = -(-(self._at + size) // 4096) * 4096
        begin = self._at // 4096 * 4096
        self.flash[begin:end] = b"\xff" * (end - begin)
        self._packed = zlib.decompressobj()
        self._answer(command)

    def _take_packed(self, command: int, data: bytes) -> None:
        assert self._packed is not None
        length = _WORD.unpack_from(data)[0]
        piece = self._packed.decompress(data[16 : 16 + length])
        self.flash[self._at : self._at + len(piece)] = piece
        if self._stuck is not None and self._at <= self._stuck < self._at + len(piece):
            self.flash[self._stuck] ^= 1
        self._at += len(piece)
        self.written += len(piece)
        self._answer(command)

    def _digest(self, command: int, data: bytes) -> None:
        address, size = struct.unpack_from("<2I", data)
        digest = hashlib.md5(self.flash[address : address + size])
        self._answer(
            command, digest.digest() if self._in_ram else digest.hexdigest().encode("ascii")
        )

    def _answer(self, command: int, data: bytes = b"", value: int = 0, status: int = 0) -> None:
        state = bytes((int(status != 0), status, 0, 0))[: 2 if self._in_ram else 4]
        body = data + state
        self._send(_HEAD.pack(1, command, len(body), value) + body)

    def _send(self, frame: bytes) -> None:
        escaped = frame.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc")
        os.write(self._controller, b"\xc0" + escaped + b"\xc0")


def _sum(data: bytes) -> int:
    result = 0xEF
    for byte in data:
        result ^= byte
    return result
