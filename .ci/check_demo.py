"""Runs `make demo` as a user would, looks at it while it runs, and checks its account at the end.

Values must arrive in /api/state and move on the page in a real Chromium; no sample may be lost or
stored twice; no process may stay behind. Writes build/demo.json and build/demo.png. Exits with 1
and one line that says what was wrong.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from playwright.sync_api import sync_playwright

from hil.programs import find_chromium

DURATION_S = 40
SET_UP_LIMIT_S = 300
VALUES_LIMIT_S = 30
END_LIMIT_S = DURATION_S + 30
POLL_S = 0.25
GOOD = '[data-channel][data-look="ok"]'
VALUES = """cells => Object.fromEntries(
  cells.map(cell => [cell.dataset.channel, cell.querySelector(".value").innerText]))"""
MARK = "AXLEBOX_DEMO_CHECK"
BUILD = Path("build")
T = TypeVar("T")


class CheckError(Exception):
    """The demo did not do what it promises."""


class Demo:
    """The demo, started through make; every process of it carries a mark in its environment."""

    def __init__(self) -> None:
        self._mark = f"{MARK}={os.getpid()}"
        arguments = f"--duration {DURATION_S} --json --port 0"
        self._process = subprocess.Popen(
            ["make", "--silent", "demo", f"ARGS={arguments}"],
            env={**os.environ, MARK: str(os.getpid())},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._printed: dict[str, list[str]] = {"stdout": [], "stderr": []}
        self._readers = [
            threading.Thread(target=self._read, args=(name,), daemon=True)
            for name in self._printed
        ]
        for reader in self._readers:
            reader.start()

    def address(self) -> str | None:
        """Where its page is, once it has said so."""
        self.require_running()
        found = re.search(r"page (http://127\.0\.0\.1:\d+)/", "".join(self._printed["stderr"]))
        return found[1] if found else None

    def require_running(self) -> None:
        if self._process.poll() is not None:
            raise CheckError(f"the demo ended early, with status {self._process.returncode}")

    def summary(self) -> dict[str, Any]:
        """Waits for the end; the object on the last line."""
        self._process.wait(END_LIMIT_S)
        for reader in self._readers:
            reader.join(END_LIMIT_S)
        if self._process.returncode:
            raise CheckError(f"the demo ended with status {self._process.returncode}")
        account: dict[str, Any] = json.loads(self._printed["stdout"][-1])
        return account

    def left_behind(self) -> dict[int, str]:
        """Processes of the demo that still live, by id."""
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                environ = (entry / "environ").read_bytes().decode(errors="replace").split("\0")
                if self._mark in environ:
                    found[int(entry.name)] = (entry / "comm").read_text().strip()
            except OSError:
                continue
        return found

    def end(self) -> None:
        for pid in self.left_behind():
            os.kill(pid, signal.SIGKILL)

    def _read(self, name: str) -> None:
        for line in getattr(self._process, name):
            self._printed[name].append(line)
            sys.stderr.write(line)


def until(what: str, limit_s: float, look: Callable[[], T | None]) -> T:
    """What `look` returns once that is something; CheckError when it takes longer."""
    deadline = time.monotonic() + limit_s
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise CheckError(f"{what}: not within {limit_s:.0f} s")
        time.sleep(POLL_S)
    return found


def state_with_values(demo: Demo, address: str) -> dict[str, Any] | None:
    """The state, once every node is live and every channel has a good value."""
    demo.require_running()
    try:
        with urllib.request.urlopen(f"{address}/api/state", timeout=5) as answer:
            state: dict[str, Any] = json.load(answer)
    except OSError:
        return None
    channels, nodes = state["channels"], state["nodes"]
    if not channels or any(c["value"] is None or c["quality"] != "ok" for c in channels):
        return None
    return state if nodes and all(node["status"] == "live" for node in nodes) else None


def watch_page(address: str) -> tuple[int, int]:
    """How many values the page shows, and how many of them moved."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 800, "height": 480})
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address)
        page.locator(GOOD).first.wait_for(timeout=VALUES_LIMIT_S * 1000)
        before = page.eval_on_selector_all(GOOD, VALUES)
        if not any(re.search(r"\d", text) for text in before.values()):
            raise CheckError(f"the page shows no number: {before}")

        def moved() -> int:
            now = page.eval_on_selector_all(GOOD, VALUES)
            return sum(now[channel] != before[channel] for channel in now if channel in before)

        many = until("a value that moves on the page", VALUES_LIMIT_S, lambda: moved() or None)
        page.screenshot(path=BUILD / "demo.png")
        browser.close()
    if errors:
        raise CheckError(f"the page's script failed: {errors[0]}")
    return len(before), many


def check() -> str:
    began = time.monotonic()
    demo = Demo()
    try:
        address = until("the page's address", SET_UP_LIMIT_S, demo.address)
        state = until(
            "a value of every channel", VALUES_LIMIT_S, lambda: state_with_values(demo, address)
        )
        first_values_s = time.monotonic() - began
        shown, moved = watch_page(address)
        account = demo.summary()
        if left := demo.left_behind():
            raise CheckError(f"processes stayed behind: {left}")
    finally:
        demo.end()
    (BUILD / "demo.json").write_text(json.dumps(account, indent=2) + "\n")
    if account["lost"] or account["duplicated"] or account["taken"] != account["stored"]:
        raise CheckError(f"the account does not balance: {account}")
    if not account["taken"]:
        raise CheckError("the demo took no sample")
    return (
        f"demo: {len(state['channels'])} channels of {len(state['nodes'])} nodes after "
        f"{first_values_s:.1f} s, {shown} values on the page ({moved} seen moving), "
        f"{account['taken']} samples taken, all stored once"
    )


if __name__ == "__main__":
    BUILD.mkdir(exist_ok=True)
    try:
        print(check())
    except (CheckError, subprocess.TimeoutExpired) as error:
        sys.exit(f"demo: {error}")
