"""`machine.I2C` and `machine.SPI`, over the chips of the wiring file."""

from simulators.board.board import current
from simulators.board.constant import const
from simulators.board.hardware import I2cWires, SpiWires
from simulators.board.ticks import sleep_us

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from simulators.board.chip import OnI2c, OnSpi

    Readable = bytes | bytearray | memoryview
    Writable = bytearray | memoryview

_EIO = const(5)
_ETIMEDOUT = const(110)
_FLOATING = const(0xFF)


class I2C:
    """A bus controller. Where no chip acknowledges: OSError(5) as on RP2, or the wiring file's
    `nack_errno`; where a chip holds SDA low: OSError(110) after `timeout` microseconds."""

    def __init__(
        self,
        id: int = 0,
        *,
        scl: "Any" = None,
        sda: "Any" = None,
        freq: int = 400_000,
        timeout: int = 50_000,
    ) -> None:
        if id not in (0, 1):
            raise ValueError("I2C(%s) doesn't exist" % id)
        self._board = current()
        self._wires = self._board.hardware.i2c.get(str(id)) or I2cWires({}, _EIO)
        self._chips = self._wires.chips
        self._goes_on = self._board.GOES_ON
        self._timeout_us = timeout
        self._byte = bytearray(1)

    def deinit(self) -> None:
        pass

    def scan(self) -> "list[int]":
        """The addresses that acknowledge; none while SDA is held low."""
        self._board.touch()
        if self._wires.held:
            return []
        chips = self._wires.chips
        return sorted(address for address in chips if not chips[address].silent)

    def writeto(self, addr: int, buf: "Readable", stop: bool = True) -> int:
        """Write; returns how many bytes were acknowledged."""
        if addr == 0:
            self._general_call(buf)
            return len(buf)
        chip = self._answering(addr)
        if len(buf):
            chip.point(buf[0])
            if len(buf) > 1:
                chip.store(buf, 1)
        return len(buf)

    def writevto(self, addr: int, vector: "list[Readable]", stop: bool = True) -> int:
        """Write several buffers as one transaction."""
        return self.writeto(addr, b"".join([bytes(part) for part in vector]), stop)

    def readfrom_into(self, addr: int, buf: "Writable", stop: bool = True) -> None:
        self._answering(addr).fetch(buf)

    def readfrom(self, addr: int, nbytes: int, stop: bool = True) -> bytes:
        buffer = bytearray(nbytes)
        self.readfrom_into(addr, buffer)
        return bytes(buffer)

    def writeto_mem(self, addr: int, memaddr: int, buf: "Readable", *, addrsize: int = 8) -> None:
        """Write to a register; a 16-bit register address is two bytes, high one first."""
        chip = self._chips.get(addr)
        if self._goes_on or chip is None or chip.silent or self._wires.held:
            chip = self._answering(addr)
        if addrsize == 8:
            chip.write_register(memaddr, buf)
        else:
            self._write_far(addr, memaddr, buf)

    def readfrom_mem_into(
        self, addr: int, memaddr: int, buf: "Writable", *, addrsize: int = 8
    ) -> None:
        chip = self._chips.get(addr)
        if self._goes_on or chip is None or chip.silent or self._wires.held:
            chip = self._answering(addr)
        if addrsize == 8:
            chip.read_register(memaddr, buf)
        else:
            self._byte[0] = memaddr & 0xFF
            chip.write_register(memaddr >> 8, self._byte)
            chip.fetch(buf)

    def readfrom_mem(self, addr: int, memaddr: int, nbytes: int, *, addrsize: int = 8) -> bytes:
        buffer = bytearray(nbytes)
        self.readfrom_mem_into(addr, memaddr, buffer, addrsize=addrsize)
        return bytes(buffer)

    def _write_far(self, address: int, register: int, data: "Readable") -> None:
        self.writeto(address, bytes([register >> 8, register & 0xFF]) + bytes(data))

    def _answering(self, address: int) -> "OnI2c":
        self._board.touch()
        wires = self._wires
        if wires.held:
            sleep_us(self._timeout_us)
            raise OSError(_ETIMEDOUT)
        chip = wires.chips.get(address)
        if chip is None or chip.silent:
            raise OSError(wires.nack_errno)
        return chip

    def _general_call(self, data: "Readable") -> None:
        answering = [self._answering(address) for address in self.scan()]
        if not answering:
            raise OSError(self._wires.nack_errno)
        for chip in answering:
            if len(data):
                chip.general_call(data[0])


class SPI:
    """A bus controller. The chip whose chip-select wire is low answers; with none, or in a mode
    that the chip does not speak, MISO floats at 1; two at once garble each other to 0."""

    MSB, LSB = 0, 1

    def __init__(
        self,
        id: int = 0,
        baudrate: int = 1_000_000,
        *,
        polarity: int = 0,
        phase: int = 0,
        bits: int = 8,
        firstbit: int = MSB,
        sck: "Any" = None,
        mosi: "Any" = None,
        miso: "Any" = None,
    ) -> None:
        if id not in (0, 1, 2):
            raise ValueError("SPI(%s) doesn't exist" % id)
        self._board = current()
        self._wires = self._board.hardware.spi.get(str(id)) or SpiWires([])
        self._speaks = True
        self._phase = 0
        self._polarity = 0
        self._idle = _FLOATING
        self.init(baudrate, polarity=polarity, phase=phase, bits=bits, firstbit=firstbit)

    def init(
        self,
        baudrate: int = 1_000_000,
        *,
        polarity: int = 0,
        phase: int = 0,
        bits: int = 8,
        firstbit: int = MSB,
        **pins: "Any",
    ) -> None:
        self._phase = phase
        self._polarity = polarity
        self._speaks = bits == 8 and firstbit == self.MSB

    def deinit(self) -> None:
        pass

    def write(self, buf: "Readable") -> None:
        chip = self._selected()
        if chip is not None:
            for byte in buf:
                chip.exchange(byte)

    def readinto(self, buf: "Writable", write: int = 0) -> None:
        chip = self._selected()
        if chip is not None:
            chip.exchange_into(write, buf)
            return
        for index in range(len(buf)):
            buf[index] = self._idle

    def read(self, nbytes: int, write: int = 0) -> bytes:
        buffer = bytearray(nbytes)
        self.readinto(buffer, write)
        return bytes(buffer)

    def write_readinto(self, write_buf: "Readable", read_buf: "Writable") -> None:
        """Both at once; the two may be the same buffer. ValueError where they differ in length."""
        if len(write_buf) != len(read_buf):
            raise ValueError("buffers must be the same length")
        chip = self._selected()
        for index in range(len(read_buf)):
            read_buf[index] = self._idle if chip is None else chip.exchange(write_buf[index])

    def _selected(self) -> "OnSpi | None":
        """The one chip that listens; where there is none, `_idle` is what MISO reads."""
        self._board.touch()
        self._idle = _FLOATING
        found = None
        for chip in self._wires.chips:
            if chip.selected and not chip.silent:
                if found is not None:
                    self._idle = 0
                    return None
                found = chip
        if found is None or self._phase != found.PHASE or not self._speaks:
            return None
        return None if self._polarity == 1 - found.POLARITY else found
