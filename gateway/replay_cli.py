"""`axlebox gateway replay`: have sent again what a server lost."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from gateway.config import control_socket, load_config
from gateway.control import ask_replay
from gateway.errors import AxleboxError, CommandError, ConfigError
from gateway.forward import Replay, plan_replay, server_of
from gateway.timebase import SystemClock

__all__ = ["parse_since", "replay"]

_UNITS_US = {"s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}


def replay(
    since: Annotated[
        str,
        typer.Option("--since", help="a time in UTC, or how long ago: 90s 30m 2h 3d"),
    ],
    config: Annotated[Path, typer.Option("--config", "-c", help="the configuration file")] = Path(
        "axlebox.toml"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="print the answer as JSON")] = False,
) -> None:
    """Send again what was received or went out since then; what the server has stays as it is."""
    settings = load_config(config)
    if settings.influx is None:
        raise ConfigError(f"{config}: no [influx]: nothing is forwarded, so nothing can be again")
    since_us = parse_since(since, SystemClock().utc_us())
    influx = settings.influx
    running = True
    try:
        answer = ask_replay(control_socket(settings), since_us)
    except CommandError as error:
        if error.reason != "no_gateway":
            raise
        running = False
        server = server_of(influx.url, influx.org, influx.bucket)
        try:
            answer = plan_replay(settings.spool.folder, server, since_us)
        except OSError as problem:
            raise AxleboxError(f"nothing is sent again: {problem}") from None
    if as_json:
        print(msgspec.json.encode(answer).decode())
    else:
        console = Console(soft_wrap=True, highlight=False, markup=False)
        for line in _report(answer, running=running):
            console.print(line)


def parse_since(text: str, now_us: int) -> int:
    """UTC in microseconds; a time without a zone is UTC. Raises AxleboxError."""
    ago = re.fullmatch(r"(\d{1,6})([smhd])", text.strip())
    if ago is not None:
        return now_us - int(ago[1]) * _UNITS_US[ago[2]]
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        raise AxleboxError(
            f"--since {text}: write a time in UTC like 2026-11-28T18:00Z, or how long ago: 90s, "
            "30m, 2h or 3d"
        ) from None
    time = time.replace(tzinfo=UTC) if time.tzinfo is None else time
    since_us = round(time.timestamp() * 1_000_000)
    if since_us > now_us:
        raise AxleboxError(f"--since {text}: that is still to come; it is {_time(now_us)} now")
    return since_us


def _report(answer: Replay, *, running: bool) -> list[str]:
    since = _time(answer.since_us)
    if not answer.bytes:
        lines = [f"nothing in the spool was sent to this server since {since}"]
    else:
        when = "is sent again now" if running else "is sent again when the gateway runs next"
        lines = [f"what was received or sent since {since} {when}: {answer.bytes / 1e6:.1f} MB"]
    if answer.oldest_us is not None:
        lines.append(
            f"gone: the spool begins at {_time(answer.oldest_us)}; what was received before that "
            "cannot be sent again"
        )
    if answer.forgotten_us is not None:
        lines.append(
            f"unknown: which older readings went out late until {_time(answer.forgotten_us)}; to "
            "have them too, ask again since before the outage that made them late"
        )
    return lines


def _time(time_us: int) -> str:
    return f"{datetime.fromtimestamp(time_us / 1_000_000, UTC):%Y-%m-%d %H:%M:%S} UTC"
