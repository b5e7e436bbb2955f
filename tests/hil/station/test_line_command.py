"""The whole of it: the command, its page in a browser, a scanner, and two boards at once."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from crew_page.chromium import open_chromium
from playwright.sync_api import expect
from station_boards import bench_tree_folder, plugged

from gateway.profiles import load_profile
from hil.fitting import fit_node
from hil.station.limits import load_limits

NODES = ("brakes-a", "cab-a")
WORK_MS = 240_000
"""How long two boards may take on a machine that has other work too."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The line's page, with boards that have no limits but to say something."""
    passphrase = tmp_path / "passphrase"
    passphrase.touch(mode=0o600)
    passphrase.write_text("a long passphrase\n")
    limits = tmp_path / "limits.toml"
    limits.write_text(
        "\n".join(
            f'[every."{name}"]\nunit = "{limit.unit}"\nsource = "any"\nverified = true'
            for name, limit in load_limits(None).every.items()
        )
    )
    begun = subprocess.Popen(
        [
            *(sys.executable, "-c", "from gateway.cli import main; main()", "station", "run"),
            *("--usb", "--page", "127.0.0.1:0", "--seconds", "1", "--limits", str(limits)),
            *("--slots", str(tmp_path / "by-path"), "--folder", str(tmp_path / "station")),
            *("--firmware", str(bench_tree_folder(tmp_path / "firmware"))),
            *("--passphrase-file", str(passphrase)),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert begun.stdout is not None
    yield begun.stdout.readline().split()[0]
    begun.send_signal(signal.SIGINT)
    assert begun.wait(60) == 0
    begun.stdout.close()


@pytest.mark.timeout(400)
def test_two_boards_at_once_are_scanned_pass_and_are_taken_out(
    served: str, tmp_path: Path, chromium: str
) -> None:
    fits = {fit.name: fit for fit in load_profile("te33a").all_nodes}
    with open_chromium(chromium) as browser, ExitStack() as stack:
        tab = browser.new_page(locale="en-GB")
        tab.goto(served)
        boards = []
        for number, node in enumerate(NODES):
            unique_id = f"{0xE661410300000000 + number:016x}"
            wiring = fit_node(fits[node], unique_id, 1).wiring
            slot = f"0:1.{number + 1}"
            boards.append(
                stack.enter_context(plugged(tmp_path, slot, unique_id=unique_id, wiring=wiring))
            )
            expect(tab.locator(".card")).to_have_count(number + 1)
        for node in NODES:
            tab.keyboard.type(f"axlebox:TE33A-0123/{node}?id=x")
            tab.keyboard.press("Enter")
        expect(tab.locator('.card[data-phase="works"]')).to_have_count(2)
        expect(tab.locator('.card[data-phase="pass"]')).to_have_count(2, timeout=WORK_MS)
        expect(tab.locator("#passed .number")).to_have_text("2")
        assert tab.locator(".card .place").all_text_contents() == [
            f"TE33A-0123/{node}" for node in NODES
        ]
        for left, board in ((1, boards[0]), (0, boards[1])):
            board.unplug()
            expect(tab.locator(".card")).to_have_count(left, timeout=10_000)
        labels = sorted(path.name for path in (tmp_path / "station" / "labels").glob("*.pdf"))
        assert [name.rpartition("-")[0] for name in labels] == [f"TE33A-0123-{n}" for n in NODES]
