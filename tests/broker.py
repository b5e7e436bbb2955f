"""A real mosquitto on 127.0.0.1, set up as docs/mosquitto.conf says, and a bad line to it."""

import base64
import getpass
import hashlib
import os
import re
import select
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from certificates import Server

from gateway.timebase import SystemClock

DOCS = Path(__file__).parents[1] / "docs"
PASSWORD = "wheel and rail"
LIMIT_S = 20.0
_STEP_S = 0.02


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(condition: Callable[[], object], what: str, limit_s: float = LIMIT_S) -> None:
    """Until the condition holds; the test fails at the limit."""
    clock = SystemClock()
    end_us = clock.monotonic_us() + round(limit_s * 1e6)
    pause = threading.Event()
    while not condition():
        assert clock.monotonic_us() < end_us, f"no {what}"
        pause.wait(_STEP_S)


class Broker:
    """A broker for the users named, each with PASSWORD. Not started yet."""

    def __init__(
        self,
        command: list[str],
        folder: Path,
        users: Iterable[str] = ("gateway",),
        extra: Iterable[str] = (),
    ) -> None:
        folder.mkdir()
        self.folder = folder
        self.port = free_port()
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self.set_users(users)
        acl = folder / "mosquitto.acl"
        acl.write_text((DOCS / "mosquitto.acl").read_text(encoding="utf-8"), encoding="utf-8")
        acl.chmod(0o600)
        text = (DOCS / "mosquitto.conf").read_text(encoding="utf-8")
        text = text.replace("/etc/mosquitto/axlebox/", f"{folder}/")
        text = re.sub(r"^listener 1883$", f"listener {self.port} 127.0.0.1", text, flags=re.M)
        lines = [f"user {getpass.getuser()}", f"log_dest file {self._log}", "log_type all", *extra]
        (folder / "mosquitto.conf").write_text("\n".join([text, *lines, ""]), encoding="utf-8")

    def also_by_tls(self, server: Server) -> int:
        """A second port, at which it takes connections by TLS, from the next start on."""
        port = free_port()
        path = self.folder / "mosquitto.conf"
        lines = [
            f"listener {port} 127.0.0.1",
            f"certfile {server.certificate}",
            f"keyfile {server.key}",
        ]
        text = path.read_text(encoding="utf-8")
        path.write_text("\n".join([text, *lines, ""]), encoding="utf-8")
        return port

    def set_users(self, users: Iterable[str], password: str = PASSWORD) -> None:
        """Takes effect at the next start."""
        path = self.folder / "passwords"
        path.touch(mode=0o600)
        path.write_text("".join(f"{user}:{_hashed(password)}\n" for user in users))

    def start(self) -> None:
        """Returns when it can be connected to."""
        self._process = subprocess.Popen(
            [*self._command, "-c", str(self.folder / "mosquitto.conf")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(self._answers, f"broker; its log: {self.log()}")

    def kill(self) -> None:
        """kill -9; it keeps nothing, so the next start finds a wiped store."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8") if self._log.exists() else ""

    @property
    def _log(self) -> Path:
        return self.folder / "log"

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"the broker ended: {self.log()}"
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False


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


def _hashed(password: str) -> str:
    """As mosquitto_passwd writes it: PBKDF2 with SHA-512."""
    salt = os.urandom(12)
    rounds = 101
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds, 64)
    parts = (base64.b64encode(salt).decode(), base64.b64encode(digest).decode())
    return f"$7${rounds}${parts[0]}${parts[1]}"
