"""`axlebox gateway update` as people type it: what it refuses, and what it says of a stop."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from served_control import Typed, configuration, serving, typist
from update_depot import FILES, GOOD, SECRET, Depot, made

from gateway.commands import Commands
from gateway.control import Control
from gateway.update.bundle import BUNDLE_CAP, pack, sign

OPERATION = Path(__file__).parents[3] / "docs" / "operation.md"
NO_BUNDLE = "this is no firmware bundle (.axu)"
FORGED = (
    "the bundle is forged or damaged, or signed with a key that this gateway does not trust "
    "([update] keys)"
)
SHORT = f"the bundle is cut short: {len(GOOD) - 1000} of {len(GOOD)} bytes; copy it again"
OTHER_KEY = sign(pack("pico", "0.2.0", 2, 1, FILES), bytes(32))
OTHER_BOARD = sign(pack("esp32_devkitc", "0.2.0", 2, 1, FILES), SECRET)
FORGERY = GOOD.replace(b"M" * 100, b"N" * 100, 1)
GARBAGE = bytes(range(256)) * 40
BUNDLES = {
    "forged": (FORGERY, FORGED),
    "wrong key": (OTHER_KEY, FORGED),
    "truncated": (GOOD[:-1000], SHORT),
    "truncated within its list": (
        GOOD[:100],
        "the bundle is cut short within its list of files",
    ),
    "older": (
        made(1, "0.0.9"),
        "node axles-a runs firmware 0.1.0, the bundle is older: 0.0.9; only a newer one is taken",
    ),
    "wrong board": (OTHER_BOARD, "node axles-a is a pico, the bundle is for esp32_devkitc"),
    "empty": (b"", NO_BUNDLE),
    "garbage": (GARBAGE, NO_BUNDLE),
    "huge": (GOOD + bytes(BUNDLE_CAP), f"more than {BUNDLE_CAP} bytes: {NO_BUNDLE}"),
}


@pytest.fixture
def typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Typed:
    return typist("update", configuration(tmp_path), monkeypatch, capsys)


@pytest.fixture
def served(depot: Depot, tmp_path: Path) -> Iterator[Depot]:
    """A gateway's socket, behind which is that depot."""
    with serving(Control(cast("Commands", None), depot.updating, tmp_path / "s")):
        yield depot


def documented() -> list[re.Pattern[str]]:
    """What the command says, as the first column of the document's table has it."""
    section = OPERATION.read_text().partition("## New firmware over the link")[2]
    section = section.partition("\n## ")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    texts = [text for cell in cells for text in re.findall("`([^`]+)`", cell)]
    return [re.compile(re.escape(text).replace(r"\.\.\.", ".+")) for text in texts]


def is_told(message: str) -> bool:
    return any(text.search(message) for text in documented())


@pytest.mark.parametrize("what", BUNDLES)
def test_a_bundle_that_cannot_be_right_is_refused_with_its_reason_which_is_documented(
    served: Depot, typed: Typed, tmp_path: Path, what: str
) -> None:
    data, message = BUNDLES[what]
    path = tmp_path / "some.axu"
    path.write_bytes(data)
    code, out, err = typed(str(path), "--node", "axles-a")
    assert (code, out) == (1, "")
    assert err.removeprefix("error: ").removeprefix(f"{path}: ") == message + "\n"
    assert is_told(message)
    served.run_for(5)
    assert not any(node.heard for node in served.nodes.values()), "nothing was sent"
    assert served.updating.state() is None


def test_what_else_is_refused_is_documented(
    served: Depot, typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = tmp_path / "good.axu"
    good.write_bytes(GOOD)
    said = [typed(str(good)), typed(str(tmp_path / "none.axu"), "--all"), typed("--stop")]
    said += [typed(str(good), "--all", "--stop"), typed(str(good), "--node", "axles-z"), typed()]
    served.busy = {"axles-a"}
    said.append(typed(str(good), "--node", "axles-a"))
    served.stands = None
    said.append(typed(str(good), "--node", "brakes-a"))
    served.stands = False
    said.append(typed(str(good), "--node", "brakes-a"))
    for node in served.nodes.values():
        node.board = "esp32_devkitc"
    said.append(typed(str(good), "--all"))
    for node in served.nodes.values():
        node.status = "stale"
    said.append(typed(str(good), "--node", "brakes-a"))
    monkeypatch.setattr(served.updating, "_keys", ())
    said.append(typed(str(good), "--all"))
    for code, out, err in said:
        assert (code, out) in ((1, ""), (6, "")), err
        assert is_told(err), err
    assert len({err for _, _, err in said}) == len(said)
    assert served.updating.state() is None


def test_a_stop_says_what_becomes_of_each_node(served: Depot, typed: Typed) -> None:
    served.updating.ask(GOOD, ["axles-a", "brakes-a"], "test")
    served.run_for(0.3)
    code, out, err = typed("--stop")
    assert (code, err) == (0, "")
    first, second = out.splitlines()
    assert first.startswith("axles-a: keeps the firmware that it runs (by ")
    assert second.startswith("brakes-a: was left as it is (the update was stopped by ")
    code, out, err = typed("--stop")
    assert (code, out, err) == (1, "", "error: no update is under way: nothing was stopped\n")


def test_a_stop_that_comes_too_late_says_so(served: Depot, typed: Typed) -> None:
    served.updating.ask(GOOD, ["axles-a", "brakes-a"], "test")
    served.run_for(10)
    code, out, err = typed("--stop")
    assert (code, err) == (3, "")
    assert out.splitlines()[0] == (
        "axles-a: tries it: it has 2 minutes to prove itself (too late to stop: it keeps the new "
        "firmware, or goes back by itself)"
    )
    served.prove("axles-a")
    served.run_for(1)
    code, out, _ = typed()
    assert out.splitlines()[0] == "axles-a: runs firmware 0.2.0, and keeps it"
    assert not served.nodes["brakes-a"].heard
