"""How people on the gateway's own machine reach it: a Unix domain socket, one request each.

A client writes one JSON line and gets one: for a commands.Request a commands.Answer, for
`replay_since_us` (a UTC time in microseconds) a forward.Replay, for an `update` an UpdateState as
it is then, or else `error` (a word) and `message`. The socket is its owner's alone. No client can
hold the gateway up: each has its time, its length and one request, and there are few at once.
"""

import asyncio
import logging
import os
import pwd
import socket
import stat
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import msgspec

from gateway.commands import LONGEST_S, Answer, Commands, Request
from gateway.errors import AxleboxError, CommandError, LinkError
from gateway.forward import Replay
from gateway.update.progress import UpdateState
from gateway.update.updating import Updating

__all__ = ["Control", "UpdateRequest", "ask_gateway", "ask_replay", "ask_update", "knock"]

_log = logging.getLogger(__name__)

_REQUEST_BYTES = 1_400_000
"""A bundle of firmware as base64, and some."""

_REQUEST_S = 5.0
_CLIENTS = 8
_BACKLOG = 8
_CREDENTIALS = struct.Struct("3i")
_CONNECT_S = 5.0
_ANSWER_S = LONGEST_S + 10.0
_REPLAY_S = 60.0
"""A request to the server that is under way, and the look for the place in the spool."""

_T = TypeVar("_T")


class _Refusal(msgspec.Struct, frozen=True):
    error: str
    message: str


_Reply = Answer | Replay | UpdateState | _Refusal


class _Knock(msgspec.Struct, frozen=True):
    """Asks for nothing, and is refused."""


class _ReplayRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    replay_since_us: int


class UpdateRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`update`: a bundle to begin with; None asks how far the last one is. Without `nodes`: all
    nodes that it is for. `standing`: the person says that the locomotive stands. `stop`: end the
    one that is under way."""

    update: bytes | None
    nodes: list[str] = []
    standing: bool = False
    stop: bool = False


class Control:
    """The socket at `path`, mode 0600; requests go to `commands` and `updating` in the loop's
    thread.

    `replay` has the forwarder send again; None where nothing is forwarded.
    """

    def __init__(
        self,
        commands: Commands,
        updating: Updating,
        path: Path,
        replay: Callable[[int], "Future[Replay]"] | None = None,
    ) -> None:
        self._commands = commands
        self._updating = updating
        self._path = path
        self._replay = replay
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()
        self.turned_away = 0
        """Clients that were told to come again, because too many waited."""

    @property
    def clients(self) -> int:
        """How many wait for an answer."""
        return len(self._clients)

    async def open(self) -> None:
        """Listen. Raises LinkError."""
        try:
            listening = _listen(self._path)
            self._server = await asyncio.start_unix_server(
                self._connected, sock=listening, limit=_REQUEST_BYTES
            )
        except OSError as error:
            raise LinkError(
                f"the socket for commands, {self._path}, cannot be made: {error}; "
                "name another with control.socket"
            ) from None

    async def close(self) -> None:
        """Let go of all clients; the socket is gone."""
        if self._server is None:
            return
        self._server.close()
        for client in list(self._clients):
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)
        with suppress(OSError):
            self._path.unlink()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        try:
            if len(self._clients) > _CLIENTS:
                self.turned_away += 1
                answer: _Reply = _Refusal("busy", f"{_CLIENTS} others wait for an answer")
            else:
                answer = await self._answer(reader, _peer(writer))
            writer.write(msgspec.json.encode(answer) + b"\n")
            await asyncio.wait_for(writer.drain(), _REQUEST_S)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass  # the client is gone or does not read; what it asked for goes on
        except Exception:
            _log.exception("a request for a command fails; collecting goes on")
        finally:
            self._clients.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, who: str) -> _Reply:
        try:
            line = await asyncio.wait_for(reader.readuntil(b"\n"), _REQUEST_S)
            if b'"replay_since_us"' in line:
                replay = msgspec.json.decode(line, type=_ReplayRequest)
                return await self._answer_replay(replay.replay_since_us, who)
            if line.startswith(b'{"update":'):
                return self._answer_update(msgspec.json.decode(line, type=UpdateRequest), who)
            request = msgspec.json.decode(line, type=Request)
        except asyncio.LimitOverrunError:
            return _Refusal("request", f"a request has at most {_REQUEST_BYTES} bytes")
        except msgspec.MsgspecError as error:
            return _Refusal("request", f"this is no request: {error}")
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def done(answer: Answer) -> None:
            if not answered.done():
                answered.set_result(answer)

        try:
            self._commands.ask(request, who, done)
        except CommandError as error:
            return _Refusal(error.reason, str(error))
        return await answered

    def _answer_update(self, request: UpdateRequest, who: str) -> UpdateState | _Refusal:
        updating = self._updating
        try:
            if request.update is not None:
                updating.ask(request.update, request.nodes, who, vouched=request.standing)
            elif request.stop:
                updating.stop(who)
        except CommandError as error:
            return _Refusal(error.reason, str(error))
        state = updating.state()
        return (
            _Refusal("none", "no update was begun since the gateway started")
            if (state is None)
            else state
        )

    async def _answer_replay(self, since_us: int, who: str) -> Replay | _Refusal:
        if self._replay is None:
            return _Refusal("off", "this gateway forwards nothing: it has no [influx]")
        _log.info("%s asks for a replay since %d us UTC", who, since_us)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(self._replay(since_us)), _REPLAY_S)
        except TimeoutError:
            return _Refusal(
                "busy", "the forwarder does not get to it; nothing is sent again. Ask later"
            )
        except (OSError, AxleboxError) as error:
            return _Refusal("failed", f"nothing is sent again: {error}")


def ask_gateway(path: Path, request: Request) -> Answer:
    """Ask the gateway whose socket this is, and wait for its answer.

    Raises CommandError: no gateway is there, or it did not do it.
    """
    return _ask(path, request, Answer)


def ask_replay(path: Path, since_us: int) -> Replay:
    """Have the gateway whose socket this is send again; raises CommandError as `ask_gateway`."""
    return _ask(path, _ReplayRequest(since_us), Replay)


def ask_update(path: Path, request: UpdateRequest) -> UpdateState:
    """Begin an update, stop it or ask how far it is; raises CommandError as `ask_gateway`."""
    return _ask(path, request, UpdateState)


def knock(path: Path) -> None:
    """Find out whether a gateway answers at this socket, without asking it for anything.

    Raises CommandError where none does within five seconds.
    """
    try:
        _ask(path, _Knock(), Answer, _CONNECT_S)
    except CommandError as error:
        if error.reason == "no_gateway":
            raise


def _ask(
    path: Path,
    request: Request | UpdateRequest | _ReplayRequest | _Knock,
    kind: type[_T],
    answer_s: float = _ANSWER_S,
) -> _T:
    line = b""
    try:
        with socket.socket(socket.AF_UNIX) as client, _short(path) as name:
            client.settimeout(_CONNECT_S)
            client.connect(name)
            client.sendall(msgspec.json.encode(request) + b"\n")
            client.settimeout(answer_s)
            while not line.endswith(b"\n") and (piece := client.recv(_REQUEST_BYTES)):
                line += piece
    except OSError as error:
        raise CommandError(
            "no_gateway",
            f"no gateway answers at {path} ({error.strerror or error}): is it running?",
        ) from None
    if not line.endswith(b"\n"):
        raise CommandError("no_gateway", "the gateway ended before it answered")
    try:
        return msgspec.json.decode(line, type=kind)
    except msgspec.ValidationError:
        refusal = msgspec.json.decode(line, type=_Refusal)
        raise CommandError(refusal.error, refusal.message) from None


def _listen(path: Path) -> socket.socket:
    """A socket at the path that nobody else may open. Raises OSError."""
    listening = socket.socket(socket.AF_UNIX)
    try:
        with _short(path) as name:
            _clear(name)
            before = os.umask(0o177)
            try:
                listening.bind(name)
            finally:
                os.umask(before)
        listening.listen(_BACKLOG)
        listening.setblocking(False)
    except BaseException:
        listening.close()
        raise
    return listening


def _clear(name: str) -> None:
    """Remove what a gateway left that was killed. Raises OSError where one is alive."""
    if not os.path.lexists(name):
        return
    if not stat.S_ISSOCK(os.lstat(name).st_mode):
        raise OSError("there is a file of that name")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_CONNECT_S)
        try:
            probe.connect(name)
        except ConnectionRefusedError:
            os.unlink(name)
            return
    raise OSError("another gateway listens there")


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """The path by a name that fits a socket's address, which has 108 bytes."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _peer(writer: asyncio.StreamWriter) -> str:
    """Who is at the other end, as the kernel says."""
    peer = writer.get_extra_info("socket")
    data = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(data)
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = "a user without a name"
    return f"{name} (uid {uid}, process {pid})"
