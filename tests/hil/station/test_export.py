"""The list of a locomotive's boards is exported whole, or the person is told what to do."""

from collections.abc import Callable
from pathlib import Path

import pytest
from manual_clock import ManualClock
from typer.testing import CliRunner

from gateway import sealed
from gateway.enrolment import open_roll
from gateway.errors import AxleboxError, SealError
from hil.station.cli import app
from hil.station.depot import open_depot
from hil.station.inventory import FITTED, Known

PASSPHRASE = "a long passphrase"
LOCOMOTIVE = "TE33A-0123"
BOARD = "e66038b7132a5b2f"

Typed = Callable[..., tuple[int, str]]


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Typed:
    """The command at a station that fitted one board."""
    monkeypatch.setattr(sealed, "_COST", 2)
    depot = open_depot(tmp_path / "station", ManualClock())
    depot.vault(PASSPHRASE).make_key(BOARD, LOCOMOTIVE, "motors-a")
    fields = dict.fromkeys(Known.__dataclass_fields__, "")
    fields |= {"unique_id": BOARD, "state": FITTED, "locomotive": LOCOMOTIVE, "node": "motors-a"}
    depot.inventory.begin(Known(**fields))
    sealed.write_private(tmp_path / "passphrase", PASSPHRASE.encode())

    def run(**changed: str) -> tuple[int, str]:
        options = {
            "folder": "station",
            "passphrase-file": "passphrase",
            "out": "list",
            "told-file": "told",
            **changed,
        }
        call = ["export", "--locomotive", LOCOMOTIVE]
        for name, file in options.items():
            if file:
                call += [f"--{name}", str(tmp_path / file)]
        done = CliRunner().invoke(app, call)
        assert done.exception is None or isinstance(done.exception, AxleboxError)
        return done.exit_code, f"{done.output}{done.exception or ''}"

    return run


def test_the_list_opens_with_the_passphrase_that_was_told(tmp_path: Path, typed: Typed) -> None:
    assert typed()[0] == 0
    roll = open_roll(tmp_path / "list", sealed.read_passphrase(tmp_path / "told"))
    assert [board.name for board in roll.boards] == ["motors-a"]


def test_without_a_name_the_file_has_the_locomotives(
    tmp_path: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert typed(out="")[0] == 0
    assert (tmp_path / f"{LOCOMOTIVE}.axlebox").exists()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"passphrase-file": "none"}, "/none cannot be opened: No such file or directory; "),
        ({"folder": "passphrase"}, "/passphrase. Name the right one with --folder"),
        ({"out": "none/list"}, "/none/list cannot be written: No such file or directory; make"),
        ({"told-file": "none/told"}, "/none/told cannot be written: No such file or directory; "),
    ],
)
def test_a_file_that_cannot_be_used_is_told_with_what_to_do(
    tmp_path: Path, typed: Typed, changed: dict[str, str], says: str
) -> None:
    code, told = typed(**changed)
    assert code == 1
    assert says in told
    assert not (tmp_path / "list").exists(), "a list whose passphrase nobody was told"


def test_a_folder_that_cannot_be_made_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "station").write_text("", encoding="utf-8")
    with pytest.raises(SealError, match="station cannot be made: File exists; something else has"):
        open_depot(tmp_path / "station", ManualClock())
