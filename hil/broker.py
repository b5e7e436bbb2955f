"""A real mosquitto on 127.0.0.1, set up as docs/mosquitto.conf says."""

import base64
import getpass
import hashlib
import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from gateway.timebase import SystemClock
from hil.errors import BenchError
from hil.ports import free_port

__all__ = ["LIMIT_S", "PASSWORD", "Broker", "free_port", "wait_for"]

DOCS = Path(__file__).parents[1] / "docs"
PASSWORD = "wheel and rail"
"""Of every user of a broker that lives as long as one run, on 127.0.0.1 alone."""

LIMIT_S = 20.0
_STEP_S = 0.02


def wait_for(condition: Callable[[], object], what: str, limit_s: float = LIMIT_S) -> None:
    """Until the condition holds. Raises BenchError at the limit."""
    clock = SystemClock()
    end_us = clock.monotonic_us() + round(limit_s * 1e6)
    pause = threading.Event()
    while not condition():
        if clock.monotonic_us() >= end_us:
            raise BenchError(f"no {what} within {limit_s} s")
        pause.wait(_STEP_S)


class Broker:
    """A broker for the users named, each with PASSWORD. Not started yet."""

    def __init__(
        self,
        command: Sequence[str],
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

    def also_by_tls(self, certificate: Path, key: Path) -> int:
        """A second port, at which it takes connections by TLS, from the next start on. The files
        are PEM."""
        port = free_port()
        path = self.folder / "mosquitto.conf"
        lines = [
            f"listener {port} 127.0.0.1",
            f"certfile {certificate}",
            f"keyfile {key}",
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
        if self._process.poll() is not None:
            raise BenchError(f"the broker ended: {self.log()}")
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False


def _hashed(password: str) -> str:
    """As mosquitto_passwd writes it: PBKDF2 with SHA-512."""
    salt = os.urandom(12)
    rounds = 101
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds, 64)
    parts = (base64.b64encode(salt).decode(), base64.b64encode(digest).decode())
    return f"$7${rounds}${parts[0]}${parts[1]}"
