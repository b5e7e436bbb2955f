"""A serial port with nodes behind it; may be pulled out and plugged in at any time."""

import asyncio
import logging
import os
from collections import deque
from collections.abc import Callable

import serial
from axwire import GATEWAY_MESSAGE_CAP
from axwire.framing import Deframer, frame

from gateway.config import SerialConfig
from gateway.links.receiver import Receiver
from gateway.links.rounds import Rounds

__all__ = ["LineDeframer", "SerialLink"]

_log = logging.getLogger(__name__)

_READ_BYTES = 4096
"""What one port brings in a turn of the loop, before the others have theirs: as much as the
kernel holds for it."""

_MUCH_BYTES = 2048
"""With so much at once from a port, the next is not waited for."""

_SEND_CAP_BYTES = 64 * 1024
_REOPEN_S = 0.25
_OFFER_AGAIN_S = 0.05
_CRC_BYTES = 4


class LineDeframer(Deframer):
    """The same, cheaper with rubbish: a line can bring 46,000 frames a second that are too short
    for a checksum, and these are counted without the price of an exception."""

    def _finish(self, messages: list[bytes]) -> None:
        held = self._held
        if self._skipping or not 0 < len(held) <= _CRC_BYTES:
            super()._finish(messages)
            return
        at = 0
        while at < len(held):
            at += held[at]
        self.refused["crc" if at == len(held) else "cobs"] += 1
        self.reset()


class SerialLink:
    """One port in an asyncio loop. `open` it once; it finds and finds again its device.

    While the receiver cannot take a message the port is not read: the node keeps its data.
    """

    def __init__(
        self, config: SerialConfig, receiver: Receiver, rounds: Rounds | None = None
    ) -> None:
        """`rounds`: with the other ports of this gateway."""
        self._config = config
        self._receiver = receiver
        self._rounds = rounds or Rounds()
        self._deframer = LineDeframer(GATEWAY_MESSAGE_CAP)
        self._port: serial.Serial | None = None
        self._waiting: deque[bytes] = deque()
        self._unsent = bytearray()
        self._is_writing = False
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self.name = f"serial {config.name}"
        self._log = logging.LoggerAdapter(_log, {"link": self.name})
        self.fault: str | None = None
        self.bytes_received = 0
        self.bytes_sent = 0
        self.send_refused = 0
        """Messages to the board for which there was no port, or no room."""
        self.opened = 0

    @property
    def is_open(self) -> bool:
        return self._port is not None

    @property
    def depth(self) -> int:
        """Messages read and not yet taken."""
        return len(self._waiting)

    @property
    def unsent_bytes(self) -> int:
        """What waits to be written."""
        return len(self._unsent)

    def open(self) -> None:
        """Use the port as soon as it is there; must be called in the running loop."""
        try:
            port = serial.Serial(
                str(self._config.port),
                self._config.baud,
                timeout=0,
                write_timeout=0,
                exclusive=True,
            )
        except (OSError, ValueError) as error:
            self._lose(_explain(error, self._config))
            return
        self._port = port
        self.opened += 1
        self._deframer.reset()
        self._unsent = bytearray(b"\0")
        if self.fault is not None:
            self._log.info("%s: %s is back", self.name, self._config.port)
        self.fault = None
        self._rounds.add(port.fileno(), self._readable)
        self._write()
        self._receiver.link_opened(self)

    def send(self, message: bytes) -> bool:
        """Queue a message; False when the port is gone or too much waits already."""
        if self._port is None or len(self._unsent) > _SEND_CAP_BYTES:
            self.send_refused += 1
            return False
        idle = not self._unsent
        self._unsent += frame(message)
        if idle:
            self._write()
        self._rounds.hurry()
        return self._port is not None

    def stop_reading(self) -> None:
        """Take nothing more in; what was read and not taken stays with its node."""
        self._closed = True
        self._cancel_timer()
        if self._port is not None:
            self._rounds.remove(self._port.fileno())

    def close(self) -> None:
        """Give the port back."""
        self.stop_reading()
        self._drop_port()

    def _readable(self) -> None:
        assert self._port is not None
        try:
            chunk = os.read(self._port.fileno(), _READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(_explain(error, self._config))
            return
        if not chunk:
            self._lose(f"{self._config.port} was pulled out: plug it in again")
            return
        self.bytes_received += len(chunk)
        if len(chunk) >= _MUCH_BYTES:
            self._rounds.hurry()
        refused = dict(self._deframer.refused)
        self._waiting.extend(self._deframer.feed(chunk))
        for reason, count in self._deframer.refused.items():
            if count > refused[reason]:
                self._receiver.refuse_noise(reason, count - refused[reason])
        self._offer()

    def _offer(self) -> None:
        while self._waiting:
            if not self._is_taken(self._waiting[0]):
                self._pause()
                return
            self._waiting.popleft()

    def _is_taken(self, message: bytes) -> bool:
        try:
            return self._receiver.receive(self, message)
        except Exception:
            self._log.exception("%s: a message that the gateway cannot handle", self.name)
            self._receiver.refuse_noise("internal_error", 1)
            return True

    def _pause(self) -> None:
        if self._port is not None:
            self._rounds.remove(self._port.fileno())
        self._later(_OFFER_AGAIN_S, self._go_on)

    def _go_on(self) -> None:
        """Offer what waits; once it is taken, read on, or look for the port again."""
        self._offer()
        if self._waiting:
            return
        if self._port is None:
            self.open()
        else:
            self._rounds.add(self._port.fileno(), self._readable)

    def _write(self) -> None:
        if self._port is None:
            return
        loop = asyncio.get_running_loop()
        try:
            written = os.write(self._port.fileno(), self._unsent)
        except BlockingIOError:
            written = 0
        except OSError as error:
            self._lose(_explain(error, self._config))
            return
        self.bytes_sent += written
        del self._unsent[:written]
        if bool(self._unsent) is self._is_writing:
            return
        self._is_writing = not self._is_writing
        if self._is_writing:
            loop.add_writer(self._port.fileno(), self._write)
        else:
            loop.remove_writer(self._port.fileno())

    def _lose(self, reason: str) -> None:
        if self.fault != reason:
            self._log.warning("%s: %s", self.name, reason)
        self.fault = reason
        self._drop_port()
        if not self._closed:
            self._later(_REOPEN_S, self._go_on)

    def _drop_port(self) -> None:
        if self._port is not None:
            self._rounds.remove(self._port.fileno())
            asyncio.get_running_loop().remove_writer(self._port.fileno())
            self._is_writing = False
            self._port.close()
            self._port = None

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        self._cancel_timer()
        self._timer = asyncio.get_running_loop().call_later(seconds, call)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _explain(error: Exception, config: SerialConfig) -> str:
    number = getattr(error, "errno", None)
    if number == 2:
        return f"{config.port} is not there: plug the board in, or correct serial.port"
    if number == 13:
        return f"no permission for {config.port}: add this user to group dialout"
    if number in (11, 16):
        return f"{config.port} is used by another program: end that one"
    if number in (5, 6, 19):
        return f"{config.port} was pulled out: plug it in again"
    return f"{config.port} cannot be used ({error}): plug it in again, or try another"
