"""`axlebox station run`: the line, in the terminal or as a page."""

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console

from gateway.errors import ConfigError
from gateway.web.server import serve
from hil.station.depot_options import (
    DEFAULT_FOLDER,
    FolderOption,
    LimitsOption,
    PassphraseOption,
    SlotsOption,
    say,
    the_depot,
    the_vault,
)
from hil.station.drive import find_drives
from hil.station.errors import StationError
from hil.station.images import read_list
from hil.station.limits import load_limits
from hil.station.line import Line
from hil.station.line_page import create_line_app
from hil.station.line_slots import look_at_slots
from hil.station.line_state import WORKS
from hil.station.line_terminal import show_line
from hil.station.line_texts import LANGUAGES, text
from hil.station.line_work import LineWork, Plan
from hil.station.provision_cli import read_settings
from hil.station.slots import BY_PATH

__all__ = ["looking", "run"]

_LOOK_S = 0.2


def run(
    page: Annotated[
        str | None,
        typer.Option(help="show the line as a page at this address, as 127.0.0.1:8478"),
    ] = None,
    language: Annotated[str, typer.Option(help="kk, ru or en: in the terminal")] = LANGUAGES[0],
    at_once: Annotated[int, typer.Option(min=1, max=32, help="boards worked on at a time")] = 4,
    profile: Annotated[
        str | None,
        typer.Option(help="the class of all locomotives; else by their names: TE33A-0123"),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(help="folder of MicroPython images; without it, boards must have it"),
    ] = None,
    firmware: Annotated[
        Path | None,
        typer.Option(help="a folder that `axlebox firmware build` made, instead of building it"),
    ] = None,
    usb: Annotated[
        bool, typer.Option("--usb", help="nodes speak over their USB port on the locomotive")
    ] = False,
    settings: Annotated[
        Path | None,
        typer.Option(help="a JSON file with what node.json says besides the profile: uart, mqtt"),
    ] = None,
    link: Annotated[
        list[str] | None,
        typer.Option(help="BOARD=PORT: by a board's port, that of its node's own link"),
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=0, max=600, help="how long each node is tested; 0: not at all")
    ] = 10,
    limits: LimitsOption = None,
    slots: SlotsOption = BY_PATH,
    folder: FolderOption = DEFAULT_FOLDER,
    passphrase_file: PassphraseOption = None,
) -> None:
    """Run the line: plug in a board, scan its place, wait, read PASS or one thing to do."""
    if language not in LANGUAGES:
        raise ConfigError(f"--language is one of {', '.join(LANGUAGES)}")
    address = _address(page) if page is not None else None
    told = read_settings(settings, usb=usb)
    links = _links(link or [])
    if not links and (told.get("uart") or {}).get("id") != "usb":
        raise StationError(
            "nodes that do not speak over their USB port prove themselves another way",
            "Name each board's link with --link BOARD=PORT, or add --usb",
        )
    if images is not None:
        read_list(images)
    depot = the_depot(folder, new=True)
    vault = the_vault(depot, passphrase_file)
    plan = Plan(load_limits(limits), profile, images, firmware, told, links, seconds)
    work = LineWork(depot, vault, plan)
    with ThreadPoolExecutor(at_once, thread_name_prefix="slot") as threads:
        line = Line(
            lambda: look_at_slots(slots, links.values(), find_drives if images else dict),
            work,
            threads.submit,
            depot.clock,
        )
        with looking(line), suppress(KeyboardInterrupt):
            if address is None:
                show_line(line, language, Console())
            else:
                asyncio.run(_serve(line, *address))
        if any(card.phase == WORKS for card in line.state().cards):
            say(text("ending", language))
        threads.shutdown(cancel_futures=True)


async def _serve(line: Line, host: str, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    app = create_line_app(line)
    await serve(app, host, port, stop, listening=lambda h, p: say(f"http://{h}:{p}/  Ctrl-C"))


@contextmanager
def looking(line: Line) -> Iterator[None]:
    """The slots are looked at, in a thread of its own. Where that cannot go on the line ends, for
    it would go on to show what is not so any more."""
    over = threading.Event()
    broken: list[Exception] = []

    def look() -> None:
        try:
            while not over.wait(_LOOK_S):
                line.tick()
        except Exception as error:
            broken.append(error)
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=look, name="slots", daemon=True)
    line.tick()
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        if broken:
            raise broken[0]


def _address(page: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{page}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if host is None or port is None:
        raise ConfigError(f"--page is HOST:PORT, as 127.0.0.1:8478, and not {page}")
    return host, port


def _links(pairs: list[str]) -> dict[str, str]:
    links = dict(pair.split("=", 1) for pair in pairs if pair.count("=") == 1)
    if len(links) != len(pairs):
        raise ConfigError("--link is BOARD=PORT, once a board: two paths of serial ports")
    return links
