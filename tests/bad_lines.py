"""Bad lines to a broker."""

import select
import socket
import threading
from pathlib import Path

from gateway.timebase import SystemClock

_STEP_S = 0.02


class SlowLine:
    """Passes connections at `port` on to another port at so many bytes a second each way.

    `accepted_us` has the moment of each connection.
    """

    def __init__(self, to_port: int, bytes_a_second: float) -> None:
        self.accepted_us: list[int] = []
        self._clock = SystemClock()
        self._to_port = to_port
        self.slow_to(bytes_a_second)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._stop = threading.Event()
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._thread = threading.Thread(target=self._run, name="slow line", daemon=True)
        self._thread.start()

    @property
    def accepted(self) -> int:
        """Connections so far."""
        return len(self.accepted_us)

    def slow_to(self, bytes_a_second: float) -> None:
        self._chunk = max(1, round(bytes_a_second * _STEP_S))

    def close(self) -> None:
        """May be called again."""
        self._stop.set()
        self._thread.join()
        for end in [*self._pairs, self._listening]:
            end.close()

    def _run(self) -> None:
        while not self._stop.wait(_STEP_S):
            ready, _, _ = select.select([self._listening, *self._pairs], [], [], 0)
            for end in ready:
                if end is self._listening:
                    self._accept()
                elif end in self._pairs:
                    self._pass_on(end)

    def _accept(self) -> None:
        near, _ = self._listening.accept()
        self.accepted_us.append(self._clock.monotonic_us())
        try:
            far = socket.create_connection(("127.0.0.1", self._to_port), 1)
        except OSError:
            near.close()
            return
        near.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._pairs[near] = far
        self._pairs[far] = near

    def _pass_on(self, end: socket.socket) -> None:
        other = self._pairs[end]
        try:
            data = end.recv(self._chunk)
            other.sendall(data)
        except OSError:
            data = b""
        if not data:
            for each in (end, other):
                del self._pairs[each]
                each.close()


class SilentPort:
    """A port whose host answers no attempt to connect: as many wait already as it lets wait."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._listening = socket.create_server(("127.0.0.1", port), backlog=0)
        self._waiting: list[socket.socket] = []
        while not self.is_tried():
            end = socket.socket()
            self._waiting.append(end)
            end.setblocking(False)
            end.connect_ex(("127.0.0.1", port))
        self._waiting.pop().close()

    def is_tried(self) -> bool:
        """Whether somebody now waits for an answer: in state SYN_SENT (Linux, proc_net_tcp)."""
        lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
        to_here = f"0100007F:{self.port:04X}"
        return any(line.split()[2:4] == [to_here, "02"] for line in lines)

    def close(self) -> None:
        for end in [*self._waiting, self._listening]:
            end.close()
