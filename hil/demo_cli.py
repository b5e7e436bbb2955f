"""`axlebox demo`."""

import secrets
from pathlib import Path
from typing import Annotated

import typer

from gateway.timebase import SystemClock
from hil.demo import run_demo
from simulators.recordings import load_recording

__all__ = ["app"]

app = typer.Typer(
    help="A locomotive in software, with the real firmware, gateway and page.",
    invoke_without_command=True,
)


@app.callback()
def demo(
    duration: Annotated[
        float | None, typer.Option(min=1, help="seconds to run; without it, until Ctrl-C")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="the account as JSON on the last line")
    ] = False,
    recording: Annotated[
        Path | None, typer.Option(help="play a CSV recording on the brake node's sensors")
    ] = None,
    row_seconds: Annotated[
        float | None,
        typer.Option(min=0.5, help="how long each row of the recording lasts, if not as recorded"),
    ] = None,
    drive: Annotated[
        bool, typer.Option("--drive", help="drive it yourself, from the keyboard")
    ] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="port of the page; 0 takes any free one")
    ] = 8080,
    seed: Annotated[
        int | None, typer.Option(help="repeat the locomotive of an earlier run")
    ] = None,
) -> None:
    """Run three boards of a TE33A on the simulated bench, with a live page."""
    played = None if recording is None else load_recording(recording, row_seconds)
    balanced = run_demo(
        duration_s=duration,
        recording=played,
        port=port,
        seed=secrets.randbelow(1 << 31) if seed is None else seed,
        as_json=as_json,
        drive=drive,
        clock=SystemClock(),
    )
    if not balanced:
        raise typer.Exit(1)
