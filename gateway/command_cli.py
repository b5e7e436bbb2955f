"""`axlebox gateway command`: one command to one node, and its answer in plain words."""

import re
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from gateway.commands import CONFIGURE, KNOWN, LONGEST_S, Answer, Request
from gateway.config import control_socket, load_config
from gateway.control import ask_gateway
from gateway.errors import CommandError

__all__ = ["command"]

_EXITS = {
    "done": 0,
    "not_possible": 3,
    "failed": 3,
    "not_supported": 4,
    "no_answer": 5,
    "restarted": 5,
    "not_back": 5,
    "undone": 3,
}
_BUSY = 6
_NOT_DONE = 3
_NOT_SENT = 1

_USAGE = "; ".join(
    [
        *(" ".join([name, *(word for word, _, _ in c.parameters)]) for name, c in KNOWN.items()),
        f"{CONFIGURE} FILE",
    ]
)


def command(
    node: Annotated[str, typer.Argument(help="the node's name")],
    what: Annotated[str, typer.Argument(metavar="COMMAND", help=f"one of: {_USAGE}")],
    arguments: Annotated[list[str] | None, typer.Argument(help="as the command takes")] = None,
    config: Annotated[Path, typer.Option("--config", "-c", help="the configuration file")] = Path(
        "axlebox.toml"
    ),
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, max=LONGEST_S, help="seconds to wait for the answer"),
    ] = None,
    boot: Annotated[
        str | None, typer.Option("--boot", help="only while the node is in this boot")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the answer as JSON")] = False,
) -> None:
    """Have a node do something, and wait for its answer."""
    socket = control_socket(load_config(config))
    try:
        request = _request(node, what, arguments or [], limit, boot)
        answer = ask_gateway(socket, request)
    except CommandError as error:
        if as_json:
            print(msgspec.json.encode({"error": error.reason, "message": str(error)}).decode())
        else:
            _console(stderr=True).print(f"error: {error}", style="bold red")
        raise typer.Exit(_BUSY if error.reason == "busy" else _NOT_SENT) from None
    if as_json:
        print(msgspec.json.encode(answer).decode())
    else:
        for line in _report(answer):
            _console().print(line)
    raise typer.Exit(_EXITS.get(answer.result, _NOT_DONE))


def _request(
    node: str, what: str, words: list[str], limit: int | None, boot: str | None
) -> Request:
    if what != CONFIGURE:
        return Request(
            node=node, command=what, arguments=_numbers(words), limit_s=limit, boot=boot
        )
    if len(words) != 1:
        raise CommandError("arguments", "configure takes one file, the node's new node.json")
    try:
        text = Path(words[0]).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise CommandError("arguments", f"{words[0]} cannot be read: {error}") from None
    return Request(node=node, command=what, limit_s=limit, boot=boot, configuration=text)


def _numbers(words: list[str]) -> list[int]:
    wrong = [word for word in words if not re.fullmatch(r"[0-9]{1,9}", word)]
    if wrong:
        raise CommandError("arguments", f"{wrong[0]} is no number from 0 to 999999999")
    return [int(word) for word in words]


def _report(answer: Answer) -> list[str]:
    """What happened, line by line."""
    lines = [f"chip {test.chip} ({test.channel}): {test.status}" for test in answer.chips]
    board = answer.board
    if board is not None:
        lines += [
            f"flash: {board.flash}",
            f"memory: {board.heap_free_bytes} bytes free",
            f"temperature: {_figure(board.temperature_c, '°C', 1)}",
            f"supply: {_figure(board.supply_v, 'V', 2)}",
        ]
    return [*lines, _sentence(answer)]


def _sentence(answer: Answer) -> str:
    node, seconds = answer.node, f"{answer.took_ms / 1000:.1f} s"
    again = (
        "if it arrived, it was carried out once. To ask again only where the node was not reset "
        f"since, add --boot {answer.boot}"
    )
    match answer.result:
        case "done":
            return f"{node}: {_done(answer)} ({seconds})"
        case "not_supported":
            return f"{node} cannot {answer.command}: its firmware or hardware lacks it"
        case "undone":
            return f"{node} went back to the configuration before: {answer.reason}"
        case "not_possible" if answer.reason:
            return f"{node} refuses {answer.command}: {answer.reason}"
        case "not_possible":
            return f"{node} refuses {answer.command}: {_REFUSED.get(answer.command, 'not now')}"
        case "failed":
            return f"{node}: {answer.command} found something wrong ({seconds})"
        case "restarted":
            return (
                f"{node} started again before it answered {answer.command}: nobody can tell "
                "whether it was carried out"
            )
        case "not_back":
            return f"{node} said that it starts again, and was not heard for {seconds}"
        case "no_answer":
            return f"{node} did not answer {answer.command} within {seconds}; {again}"
        case _:
            return (
                f"{node} answered {answer.command} with {answer.result}, which is not known here"
            )


_REFUSED = {
    "identify": "it has no lamp to blink, or the time is wrong",
    "burst": "no vibration sensor has that channel",
    "period": "there is no such group, or its chips cannot convert that fast",
    "self-test": "one is under way",
}


def _done(answer: Answer) -> str:
    arguments = answer.arguments
    match answer.command:
        case "hello":
            return "told what it measures again"
        case "identify":
            return f"blinks for {arguments[0]} s"
        case "self-test":
            return "all is well"
        case "burst":
            return f"sends the next window of channel {arguments[0]}"
        case "period":
            return f"group {arguments[0]} is sampled each {arguments[1]} ms until the next reset"
        case "configure":
            return "started again with the new configuration, and keeps it"
        case "reboot":
            return f"started again, boot {answer.new_boot}"
        case _:
            return f"{answer.command} carried out"


def _figure(value: float | None, unit: str, decimals: int) -> str:
    return "not measured on this board" if value is None else f"{value:.{decimals}f} {unit}"


def _console(*, stderr: bool = False) -> Console:
    return Console(stderr=stderr, soft_wrap=True, highlight=False, markup=False)
