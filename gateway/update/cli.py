"""`axlebox gateway update`: new firmware for nodes, and how far it is."""

import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from gateway.config import control_socket, load_config
from gateway.control import UpdateRequest, ask_update
from gateway.errors import CommandError
from gateway.update.bundle import BUNDLE_CAP
from gateway.update.progress import ENDED, GOOD, NodeProgress, UpdateState

__all__ = ["update"]

_LOOK_S = 1.0
_NOT_BEGUN = 1
_NOT_GOOD = 3
_BUSY = 6


def update(
    bundle: Annotated[
        Path | None, typer.Argument(help="the bundle, .axu; without it: how far the last one is")
    ] = None,
    node: Annotated[
        list[str] | None, typer.Option("--node", help="this node; again for more, in that order")
    ] = None,
    to_all: Annotated[
        bool, typer.Option("--all", help="all nodes that the bundle is for, one after another")
    ] = False,
    standing: Annotated[
        bool,
        typer.Option(
            "--standing", help="I see that the locomotive stands; no speed is known here"
        ),
    ] = False,
    stop: Annotated[
        bool,
        typer.Option("--stop", help="end the one that is under way; no bundle, no nodes with it"),
    ] = False,
    config: Annotated[Path, typer.Option("--config", "-c", help="the configuration file")] = Path(
        "axlebox.toml"
    ),
    as_json: Annotated[
        bool, typer.Option("--json", help="print how it ended as one JSON object")
    ] = False,
) -> None:
    """Put new firmware on nodes over their links, one node at a time, and wait for the end."""
    socket = control_socket(load_config(config))
    try:
        request = _request(bundle, node or [], to_all=to_all, standing=standing, stop=stop)
        state = ask_update(socket, request)
        shown: dict[str, NodeProgress] = {}
        while True:
            if not as_json:
                _show(state, shown)
            if state.ended or bundle is None:
                break
            time.sleep(_LOOK_S)
            state = ask_update(socket, UpdateRequest(update=None))
    except CommandError as error:
        if as_json:
            print(msgspec.json.encode({"error": error.reason, "message": str(error)}).decode())
        else:
            _console(stderr=True).print(f"error: {error}", style="bold red")
        raise typer.Exit(_BUSY if error.reason == "busy" else _NOT_BEGUN) from None
    if as_json:
        print(msgspec.json.encode(state).decode())
    if stop:
        is_bad = not state.ended
    else:
        is_bad = any(one.step in ENDED and one.step not in GOOD for one in state.nodes)
    if is_bad:
        raise typer.Exit(_NOT_GOOD)


def _request(
    bundle: Path | None, nodes: list[str], *, to_all: bool, standing: bool, stop: bool
) -> UpdateRequest:
    if stop:
        if bundle is not None or nodes or to_all or standing:
            raise CommandError("arguments", "--stop ends whatever is under way: give it alone")
        return UpdateRequest(update=None, stop=True)
    if bundle is None:
        return UpdateRequest(update=None)
    if to_all == bool(nodes):
        raise CommandError("arguments", "say which nodes: --node NAME, or --all")
    try:
        with bundle.open("rb") as file:
            data = file.read(BUNDLE_CAP + 1)
    except OSError as error:
        raise CommandError("arguments", f"{bundle} cannot be read: {error.strerror}") from None
    if len(data) > BUNDLE_CAP:
        raise CommandError(
            "format", f"{bundle}: more than {BUNDLE_CAP} bytes: this is no firmware bundle (.axu)"
        )
    return UpdateRequest(update=data, nodes=nodes, standing=standing)


def _show(state: UpdateState, shown: dict[str, NodeProgress]) -> None:
    """What is new since it was shown last."""
    for one in state.nodes:
        before = shown.get(one.node)
        if before is None or _key(before) != _key(one):
            _console().print(_sentence(one, state))
            shown[one.node] = one


def _key(one: NodeProgress) -> tuple[str, str, int]:
    """What makes a new line: bytes do by the tenth."""
    return one.step, one.reason, 10 * one.bytes // max(1, one.of_bytes)


def _sentence(one: NodeProgress, state: UpdateState) -> str:
    words = {
        "queued": "waits for its turn",
        "asking": "is asked what it has",
        "sending": f"has {one.bytes} of {one.of_bytes} bytes",
        "switching": "has it all, and is told to start again",
        "trying": "tries it: it has 2 minutes to prove itself",
        "done": f"runs firmware {state.firmware}, and keeps it",
        "refused": "was not updated",
        "undone": "went back to the firmware before",
        "unanswered": "did not answer: nobody can tell",
        "stopped": "keeps the firmware that it runs",
        "left_out": "was left as it is",
    }[one.step]
    return f"{one.node}: {words}" + (f" ({one.reason})" if one.reason else "")


def _console(*, stderr: bool = False) -> Console:
    return Console(stderr=stderr, soft_wrap=True, highlight=False, markup=False)
