"""Two parts of the emulated board that rp2040py does not model well enough for our firmware.

As they come (0.3.6), an image with interrupts on its UART never gets out of the first one, and an
idle board spends all its time on empty packets from its USB console.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from rp2040py.peripherals.uart import RPUART

__all__ = ["Uart", "wait_for_console_data"]

_UARTDR = 0x00
_UARTIFLS = 0x34
_UARTICR = 0x44

_BUSY = 1 << 3
_RXFE = 1 << 4
_TXFF = 1 << 5
_RXFF = 1 << 6
_TXFE = 1 << 7

_RXINTR = 1 << 4
_TXINTR = 1 << 5
_RTINTR = 1 << 6

_FIFO_BYTES = 32
_LEVELS = (4, 8, 16, 24, 28)
_RESET_LEVELS = 2 << 3 | 2
_BITS = 10
_TIMEOUT_BITS = 32
_NS = 1_000_000_000
_PACKET_NS = 10_000


class Uart(RPUART):  # type: ignore[misc]
    """The RP2040's UART with what an interrupt needs (datasheet 4.2: an ARM PL011).

    Bytes take their time at the baud rate in both directions. The transmit interrupt is asserted
    when the FIFO empties to its level, the receive interrupt when it fills to its own, the receive
    time-out when bytes wait in it and none came for 32 bits; each is cleared as there described.
    `overruns` counts bytes that found the receive FIFO full. The byte that is being shifted out
    still counts as one in the FIFO; break, parity, flow control and DMA are left as they were.
    """

    def __init__(self, like: RPUART) -> None:
        super().__init__(like.rp2040, like.name, like.irq, like.dreq)
        self.overruns = 0
        self._levels = _RESET_LEVELS
        self._outgoing: deque[int] = deque()
        self._incoming: deque[int] = deque()
        clock = self.rp2040.clock
        self._byte_sent = clock.create_alarm(self._send_one)
        self._byte_came = clock.create_alarm(self._receive_one)
        self._silence = clock.create_alarm(self._fall_silent)

    def receive(self, data: bytes) -> None:
        """Put bytes on the line to the board, behind those that are still on it."""
        if data and not self._incoming:
            self._byte_came.schedule(self._bits_ns(_BITS))
        self._incoming.extend(data)

    def reset(self) -> None:
        super().reset()
        self._levels = _RESET_LEVELS
        self._outgoing.clear()
        self._byte_sent.cancel()
        self._silence.cancel()

    @property
    def flags(self) -> int:
        count = len(self._outgoing)
        return (
            (_TXFF if count == _FIFO_BYTES else 0)
            | (_BUSY if count else _TXFE)
            | (_RXFF if self.rx_fifo.full else 0)
            | (_RXFE if self.rx_fifo.empty else 0)
        )

    def check_interrupts(self) -> None:
        asserted = self._interrupt_status & self._interrupt_mask
        self.rp2040.set_interrupt(self.irq, bool(asserted))

    def read_uint32(self, offset: int) -> int:
        if offset == _UARTIFLS:
            return self._levels
        if offset != _UARTDR:
            register: int = super().read_uint32(offset)
            return register
        value: int = self.rx_fifo.pull()
        if self.rx_fifo.item_count < self._level(3):
            self._interrupt_status &= ~_RXINTR
        if self.rx_fifo.empty:
            self._interrupt_status &= ~_RTINTR
        self.check_interrupts()
        return value

    def write_uint32(self, offset: int, value: int) -> None:
        if offset == _UARTDR:
            self._take(value & 0xFF)
        elif offset == _UARTIFLS:
            self._levels = value
        elif offset == _UARTICR:
            self._interrupt_status &= ~self.raw_write_value
            self.check_interrupts()
        else:
            super().write_uint32(offset, value)

    def _take(self, byte: int) -> None:
        if len(self._outgoing) == _FIFO_BYTES:
            return
        if not self._outgoing:
            self._byte_sent.schedule(self._bits_ns(_BITS))
        self._outgoing.append(byte)
        if len(self._outgoing) > self._level(0):
            self._interrupt_status &= ~_TXINTR
            self.check_interrupts()

    def _send_one(self) -> None:
        byte = self._outgoing.popleft()
        if self._outgoing:
            self._byte_sent.schedule(self._bits_ns(_BITS))
        if len(self._outgoing) == self._level(0):
            self._interrupt_status |= _TXINTR
            self.check_interrupts()
        if self.on_byte is not None:
            self.on_byte(byte)

    def _receive_one(self) -> None:
        byte = self._incoming.popleft()
        if self._incoming:
            self._byte_came.schedule(self._bits_ns(_BITS))
        self._silence.schedule(self._bits_ns(_TIMEOUT_BITS))
        if self.rx_fifo.full:
            self.overruns += 1
            return
        self.rx_fifo.push(byte)
        if self.rx_fifo.item_count == self._level(3):
            self._interrupt_status |= _RXINTR
            self.check_interrupts()

    def _fall_silent(self) -> None:
        if not self.rx_fifo.empty:
            self._interrupt_status |= _RTINTR
            self.check_interrupts()

    def _level(self, shift: int) -> int:
        return _LEVELS[min(self._levels >> shift & 7, len(_LEVELS) - 1)]

    def _bits_ns(self, bits: int) -> float:
        return bits * _NS / self.baud_rate


def wait_for_console_data(device: Any) -> None:
    """A host that sends a packet when it has bytes: rp2040py's sends empty ones without a pause.

    The board would answer them in interrupts all the time, and never sleep.
    """
    console = device.cdc
    usb = device.mcu.usb_ctrl
    hand_over: Callable[[int, int], None] = usb.on_endpoint_read
    forget: Callable[[], None] = usb.on_reset
    asked: list[tuple[int, int]] = []

    def asked_for(endpoint: int, size: int) -> None:
        if endpoint and not console.tx_fifo.item_count:
            asked[:] = [(endpoint, size)]
        else:
            hand_over(endpoint, size)

    def answer() -> None:
        if asked:
            hand_over(*asked.pop())

    alarm = device.mcu.clock.create_alarm(answer)

    def send(byte: int) -> None:
        console.tx_fifo.push(byte)
        alarm.schedule(_PACKET_NS)

    def reset() -> None:
        asked.clear()
        forget()

    usb.on_endpoint_read = asked_for
    usb.on_reset = reset
    console.send_serial_byte = send
