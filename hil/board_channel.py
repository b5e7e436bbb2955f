"""The bench's end of the channel to a simulated board in lock-step: frames there and back."""

import os
import select

from simulators.board.control_frames import HEADER

__all__ = ["BoardChannel"]

_ANSWER_MS = 60_000
_READ_BYTES = 65_536


class BoardChannel:
    """Two pipes to a process that gets `far_ends`, what it reads from and what it writes to, and
    answers in simulators/board/control_frames.py."""

    def __init__(self) -> None:
        to_board, self._to_board = os.pipe()
        self._from_board, from_board = os.pipe()
        self.far_ends = (to_board, from_board)
        self._poll = select.poll()
        self._poll.register(self._from_board, select.POLLIN)
        self._incoming = bytearray()

    def handed_over(self) -> None:
        """The process has its ends."""
        for descriptor in self.far_ends:
            os.close(descriptor)

    def close(self) -> None:
        os.close(self._to_board)
        os.close(self._from_board)

    def write(self, data: bytearray) -> None:
        """Send all of it."""
        while data:
            del data[: os.write(self._to_board, data)]

    def fileno(self) -> int:
        """What can be read from when it has an answer, or has ended."""
        return self._from_board

    @property
    def has_answer(self) -> bool:
        return bool(self._poll.poll(0))

    def wait(self) -> bool:
        """Wait for bytes. False: none came in a minute. Raises EOFError where none can come."""
        if not self._poll.poll(_ANSWER_MS):
            return False
        data = os.read(self._from_board, _READ_BYTES)
        if not data:
            raise EOFError
        self._incoming += data
        return True

    def take(self) -> tuple[int, bytes] | None:
        """Kind and payload of the next frame that is here whole."""
        incoming = self._incoming
        if len(incoming) < HEADER:
            return None
        end = HEADER + (incoming[0] | incoming[1] << 8)
        if len(incoming) < end:
            return None
        kind, payload = incoming[2], bytes(incoming[HEADER:end])
        del incoming[:end]
        return kind, payload
