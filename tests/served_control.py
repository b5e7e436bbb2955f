"""The gateway's socket for commands in a thread of its own, and commands as people type them."""

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.control import Control

__all__ = ["Typed", "configuration", "serving", "typist"]

Typed = Callable[..., tuple[int, str, str]]
"""Words in; exit code, output and complaints out."""


def configuration(folder: Path) -> Path:
    """A gateway's, whose socket is `s` in that folder."""
    path = folder / "axlebox.toml"
    path.write_text('[locomotive]\nid = "TE33A-0001"\n[control]\nsocket = "s"\n')
    return path


def typist(
    command: str,
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Typed:
    """Runs `axlebox gateway COMMAND` in this process."""

    def run(*words: str) -> tuple[int, str, str]:
        argv = ["axlebox", "gateway", command, "-c", str(config), *words]
        monkeypatch.setattr(sys, "argv", argv)
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


@contextmanager
def serving(opened: Control) -> Iterator[None]:
    """It answers meanwhile."""
    up = threading.Event()
    loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        stop = asyncio.Event()
        loops.append((asyncio.get_running_loop(), stop))
        await opened.open()
        up.set()
        await stop.wait()
        await opened.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert up.wait(10)
    try:
        yield
    finally:
        loop, stop = loops[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        assert not thread.is_alive()
