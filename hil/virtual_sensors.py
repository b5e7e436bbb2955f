"""What the sensors of a virtual board see: told again each time that the board starts, for its
simulated chips forget with every reset."""

from contextlib import suppress

from hil.board_channel import BoardChannel
from simulators.board.control_frames import TAKEN, stretch_frame

__all__ = ["VirtualSensors"]


class VirtualSensors:
    """The channel to the run of a board that is on, and the last stretch of each signal."""

    def __init__(self) -> None:
        self._channel: BoardChannel | None = None
        self._last: dict[int, bytes] = {}

    def connect(self) -> tuple[int, int]:
        """The descriptors for the process of a new run; `handed_over` once it has them."""
        self._channel = BoardChannel()
        return self._channel.far_ends

    def handed_over(self) -> None:
        if self._channel is not None:
            self._channel.handed_over()

    def disconnect(self) -> None:
        """The run is over."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    @property
    def channel(self) -> BoardChannel | None:
        """What says something when the board starts; None while it is off."""
        return self._channel

    def feed(
        self, signal: int, flags: int, t0_us: int, period_us: int, samples: list[int]
    ) -> None:
        """As hil.target.Target's; the board may be off."""
        self._last[signal] = stretch_frame(signal, flags, t0_us, period_us, samples)
        self._tell(self._last[signal])

    def answer(self) -> None:
        """Take what the board says, and tell it all again where it has just started."""
        if self._channel is None or not self._channel.has_answer:
            return
        started = False
        with suppress(EOFError):
            self._channel.wait()
        while (said := self._channel.take()) is not None:
            started = started or said[0] == TAKEN
        if started:
            self._tell(b"".join(self._last.values()))

    def _tell(self, frames: bytes) -> None:
        if self._channel is not None and frames:
            with suppress(BrokenPipeError):
                self._channel.write(bytearray(frames))
