"""`axlebox station flash`: whatever the board was doing, it has the firmware afterwards."""

import re
import shutil
from pathlib import Path

import pytest
from mpremote.transport_serial import SerialTransport
from station_boards import (
    PICO,
    firmware_in,
    lay_out,
    link_of,
    list_images,
    pico_image,
    pico_tree,
    plugged,
)
from typer.testing import CliRunner

from hil.boards import load_board
from hil.firmware_files import firmware_root
from hil.node_files import copy_of
from hil.station import board as station_board
from hil.station.board import Board
from hil.station.cli import app
from hil.station.errors import ContactError, StationError
from hil.station.flash import MARK, Identity, flash_firmware, verify_firmware
from hil.station.micropython import install_micropython
from hil.station.slots import find_slots
from hil.station.tree import load_tree, tree_folder
from hil.virtual_board import ESP32

_NODE = {
    "node.json.0": copy_of(b"{}"),
    "node.json.1": copy_of(b"{}"),
    "node.key.0": copy_of(b"ab" * 32),
    "node.key.1": copy_of(b"ab" * 32),
}
_OLD = b"""
from time import sleep_ms
import machine
sleep_ms(1500)
w = machine.WDT(timeout=1000)
import axnode.old
while True:
    pass
"""
_NO_WINDOW = b"""
from time import sleep_ms
import machine
w = machine.WDT(timeout=2000)
while True:
    sleep_ms(10)
"""
_DEAF = b"""
from time import sleep_ms
import machine, micropython
sleep_ms(1500)
micropython.kbd_intr(-1)
w = machine.WDT(timeout=8000)
while True:
    w.feed()
    sleep_ms(100)
"""


def assert_flashed(files: dict[str, bytes], more: dict[str, bytes] | None = None) -> None:
    """On a board there is the firmware, and of other files these."""
    assert firmware_in(files) == {**pico_tree().files, **(more or {})}


def test_a_new_board_gets_the_firmware_and_boots_it(tmp_path: Path):
    with plugged(tmp_path) as board:
        done = flash_firmware(str(board.link), PICO, pico_tree())
        assert (done.written, done.unchanged, done.resumed) == (len(pico_tree().files), 0, False)
        assert verify_firmware(str(board.link), PICO, pico_tree()) == done.facts
        board.unplug()
        assert_flashed(board.files(tmp_path / "files"))


def test_only_what_differs_is_written_and_what_is_old_goes(tmp_path: Path):
    files = {
        **pico_tree().files,
        "axnode/node.mpy": b"old",
        "axnode/node.py": b"would be imported first",
        "lib/axnode.py": b"a stranger",
        "outbox/1.seg": b"readings",
        "boot.py": b"import axnode.gone",
    }
    with plugged(tmp_path, files=lay_out(tmp_path / "old", files)) as board:
        done = flash_firmware(str(board.link), PICO, pico_tree())
        assert (done.written, done.removed) == (1, 3)
        again = flash_firmware(str(board.link), PICO, pico_tree())
        assert (again.written, again.removed) == (0, 0)
        board.unplug()
        assert_flashed(board.files(tmp_path / "files"), {"outbox/1.seg": b"readings"})


@pytest.mark.parametrize("program", [_OLD, _NO_WINDOW], ids=["window", "no-window"])
def test_a_board_that_hangs_until_its_watchdog_resets_it_is_flashed(
    tmp_path: Path, program: bytes
):
    files = lay_out(tmp_path / "old", {"main.py": program, "axnode/old.py": b""})
    with plugged(tmp_path, files=files) as board:
        flash_firmware(str(board.link), PICO, pico_tree())
        board.unplug()
        assert_flashed(board.files(tmp_path / "files"))


def test_a_board_in_safe_mode_is_flashed_and_out_of_it(tmp_path: Path):
    files = {**pico_tree().files, "resets": b"4"}
    with plugged(tmp_path, files=lay_out(tmp_path / "old", files)) as board:
        with pytest.raises(StationError, match="safe mode"):
            verify_firmware(str(board.link), PICO, pico_tree())
        assert flash_firmware(str(board.link), PICO, pico_tree()).facts.is_safe_mode
        assert not verify_firmware(str(board.link), PICO, pico_tree()).is_safe_mode


def test_a_board_whose_console_is_its_line_is_flashed_once_it_is_plugged_in_anew(tmp_path: Path):
    files = lay_out(tmp_path / "old", {"main.py": _DEAF})
    with plugged(tmp_path, files=files) as board:

        def take(port: str) -> Board:
            board.unplug()
            board.plug()
            return Board.open(port)

        flash_firmware(str(board.link), PICO, pico_tree(), take=take)
        board.unplug()
        assert_flashed(board.files(tmp_path / "files"))


def test_what_the_station_knows_of_the_firmware_is_so():
    main = (firmware_root() / "main.py").read_text()
    boot = (firmware_root() / "axnode" / "boot.py").read_text()
    assert f"SAFE_AFTER = const({station_board.SAFE_AFTER})" in boot
    assert 'RESETS_FILE = "resets"' in boot
    look_s = station_board._INTERRUPT_S + station_board._BANNER_S
    window_ms = int(re.search(r"^WINDOW_MS = (\d+)", main, re.M)[1])
    watchdog_ms = int(re.search(r"^WATCHDOG_MS = (\d+)", main, re.M)[1])
    assert 5 * look_s * 1000 < window_ms
    assert station_board._LOOKS * look_s * 1000 > 2 * (window_ms + watchdog_ms)


def test_resets_that_the_station_asked_for_do_not_lead_to_safe_mode(tmp_path: Path):
    with plugged(tmp_path, files=lay_out(tmp_path / "old", pico_tree().files)) as board:
        for _ in range(5):
            with Board.open(str(board.link)) as taken:
                taken.write("resets", b"3")
                assert not taken.kind().is_safe_mode
        with Board.open(str(board.link)) as taken:
            assert taken.read("resets") is None


def test_a_node_is_not_flashed_unless_it_is_said_what_becomes_of_it(tmp_path: Path):
    files = {**pico_tree().files, **_NODE, "main.py": b"old", "node.link.0": b"x"}
    with plugged(tmp_path, files=lay_out(tmp_path / "old", files)) as board:
        port = str(board.link)
        with pytest.raises(StationError, match=r"a node already.*--keep.*--replace"):
            flash_firmware(port, PICO, pico_tree())
        board.unplug()
        assert board.files(tmp_path / "refused") == files
        board.plug()
        flash_firmware(port, PICO, pico_tree(), Identity.KEEP)
        board.unplug()
        assert_flashed(board.files(tmp_path / "kept"), {**_NODE, "node.link.0": b"x"})
        board.plug()
        flash_firmware(port, PICO, pico_tree(), Identity.REPLACE)
        board.unplug()
        assert_flashed(board.files(tmp_path / "replaced"))


def test_a_node_that_is_half_replaced_is_replaced_to_the_end(tmp_path: Path):
    class PulledLater(Board):
        def remove(self, path: str) -> None:
            if path.startswith("outbox"):
                raise ContactError("pulled", "Plug it in")
            super().remove(path)

    files = {**_NODE, "outbox/1.seg": b"readings of that node"}
    with plugged(tmp_path, files=lay_out(tmp_path / "old", files)) as board:
        port = str(board.link)
        with pytest.raises(ContactError):
            flash_firmware(port, PICO, pico_tree(), Identity.REPLACE, take=PulledLater.open)
        flash_firmware(port, PICO, pico_tree())
        board.unplug()
        assert_flashed(board.files(tmp_path / "files"))


def test_another_kind_of_board_is_refused_and_left_as_it_is(tmp_path: Path):
    with plugged(tmp_path, kind=ESP32) as board:
        with pytest.raises(StationError, match=r"no Raspberry Pi Pico.*Generic ESP32"):
            flash_firmware(str(board.link), PICO, pico_tree())
        board.unplug()
        assert board.files(tmp_path / "files") == {}


def test_a_board_with_too_old_a_micropython_is_refused_and_left_as_it_is(tmp_path: Path):
    with plugged(tmp_path, version="1.20.0") as board:
        for does in (flash_firmware, verify_firmware):
            with pytest.raises(StationError, match=r"1\.20\.0 is too old.*--images"):
                does(str(board.link), PICO, pico_tree())
        board.unplug()
        assert board.files(tmp_path / "files") == {}


def test_firmware_of_another_kind_of_board_is_refused(tmp_path: Path):
    folder = tmp_path / "tree"
    shutil.copytree(tree_folder(PICO), folder)
    with pytest.raises(StationError, match="firmware for pico, not for pico_w"):
        load_tree(folder, load_board("pico_w"))
    (folder / "axnode" / "node.mpy").write_bytes(b"damaged")
    with pytest.raises(StationError, match="not what its manifest says"):
        load_tree(folder, PICO)


def test_without_a_board_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("hil.station.board._LOOKS", 2)
    with pytest.raises(ContactError, match="there is no board"):
        flash_firmware(str(tmp_path / "nothing"), PICO, pico_tree())


def test_a_port_that_cannot_be_had_is_told_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("hil.station.board._LOOKS", 2)
    with plugged(tmp_path) as board:
        port = str(board.link)
        with SerialTransport(port).serial, pytest.raises(ContactError, match="End the program"):
            flash_firmware(port, PICO, pico_tree())
        monkeypatch.setattr("os.access", lambda path, mode: False)
        board.unplug()
        board.link.touch()
        with pytest.raises(ContactError, match="group dialout"):
            flash_firmware(port, PICO, pico_tree())
        board.link.unlink()


def test_a_flash_that_does_not_keep_what_is_written_is_found(tmp_path: Path):
    class Forgetful(Board):
        def write(self, path: str, data: bytes) -> None:
            super().write(path, data.replace(b"M", b"N") if "node" in path else data)

    with (
        plugged(tmp_path) as board,
        pytest.raises(StationError, match=r"node\S* cannot be read back.*worn"),
    ):
        flash_firmware(str(board.link), PICO, pico_tree(), take=Forgetful.open)


@pytest.mark.parametrize("version", [None, "1.20.0"], ids=["without", "old"])
def test_micropython_is_put_on_a_board_and_then_the_firmware(tmp_path: Path, version: str | None):
    images = list_images(tmp_path / "images", pico_image("1.27.0"), pico_image("1.28.0"))
    with plugged(tmp_path, version=version) as board:
        port = str(board.link)
        said: list[str] = []
        assert install_micropython(port, PICO, images, drive=board.drive, tell=said.append)
        assert said == ["MicroPython 1.28.0"]
        assert not install_micropython(port, PICO, images, drive=board.drive)
        assert flash_firmware(port, PICO, pico_tree()).facts.firmware_version == "1.28.0"


def test_an_image_that_was_copied_in_part_is_copied_again(tmp_path: Path):
    images = list_images(tmp_path / "images", pico_image())
    with plugged(tmp_path, version="1.20.0") as board:
        board.unplug()
        board.plug(boot_button=True)
        (board.drive / "image.uf2").write_bytes(pico_image()["content"][:1000])
        board.unplug()
        assert board.version == "1.20.0"
        board.plug(boot_button=True)
        assert install_micropython(str(board.link), PICO, images, drive=board.drive)
        assert board.version == "1.28.0"


def test_an_old_board_that_is_a_node_is_not_given_another_micropython(tmp_path: Path):
    images = list_images(tmp_path / "images", pico_image())
    files = lay_out(tmp_path / "old", _NODE)
    with plugged(tmp_path, version="1.20.0", files=files) as board:
        with pytest.raises(StationError, match="a node already"):
            install_micropython(str(board.link), PICO, images, drive=board.drive)
        assert board.version == "1.20.0"
        assert install_micropython(str(board.link), PICO, images, Identity.KEEP, drive=board.drive)
        board.unplug()
        assert board.files(tmp_path / "files") == _NODE


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"sha256": "00" * 32}, "its SHA-256 differs"),
        ({"content": b"no image"}, "no image that a board can run"),
        ({"content": pico_image(family=0xE48BFF59)["content"]}, "for RP2350, not for RP2040"),
        ({"content": pico_image()["content"][:-512]}, "some are missing"),
        ({"chip": "ESP32"}, "but Raspberry Pi Pico has RP2040"),
        ({"board": "pico_w"}, "no image for Raspberry Pi Pico"),
    ],
)
def test_a_wrong_image_is_refused_before_the_board_is_touched(
    tmp_path: Path, change: dict[str, object], complaint: str
):
    images = list_images(tmp_path / "images", {**pico_image(), **change})
    with plugged(tmp_path, version="1.20.0") as board:
        with pytest.raises(StationError, match=complaint):
            install_micropython(str(board.link), PICO, images, drive=board.drive)
        assert board.version == "1.20.0"
        assert not board.resets


def test_another_chip_in_its_boot_loader_is_refused(tmp_path: Path):
    images = list_images(tmp_path / "images", pico_image())
    drive = lay_out(tmp_path / "drive", {"INFO_UF2.TXT": b"Board-ID: RP2350\r\n"})
    with pytest.raises(StationError, match="in the boot loader is RP2350, not RP2040"):
        install_micropython(str(link_of(tmp_path)), PICO, images, drive=drive)
    assert [path.name for path in drive.iterdir()] == ["INFO_UF2.TXT"]


def test_what_is_plugged_in_is_told_slot_by_slot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with plugged(tmp_path, files=lay_out(tmp_path / "old", {"resets": b"4"})):
        waiting = ["pci-0000:00:14.0-usb-0:1.2"]
        monkeypatch.setattr(
            "hil.station.slots_cli.find_slots", lambda folder: find_slots(folder, lambda: waiting)
        )
        folder = str(link_of(tmp_path).parent)
        assert CliRunner().invoke(app, ["slots", "--slots", folder]).output == (
            "pci-0000:00:14.0-usb-0:1.1: Raspberry Pi Pico with RP2040, MicroPython 1.28.0, "
            "number e6614103e7174a2f, in safe mode\n"
            "pci-0000:00:14.0-usb-0:1.2: waits for MicroPython in its boot loader\n"
        )


def test_the_commands_say_pass_or_what_to_do(tmp_path: Path):
    runner = CliRunner()
    images = list_images(tmp_path / "images", pico_image())
    with plugged(tmp_path, version=None) as board:
        where = ["--slot", str(board.link)]
        flashed = runner.invoke(
            app, ["flash", *where, "--images", str(images), "--drive", str(board.drive)]
        )
        assert flashed.exit_code == 0, flashed.output
        assert re.search(
            r"PASS: number e6614103e7174a2f, Raspberry Pi Pico, firmware \S+, MicroPython 1.28.0; "
            r"\d+ files written, 0 as they were, [\d.]+ s",
            flashed.output,
        )
        assert "PASS" in runner.invoke(app, ["verify", *where]).output
        with Board.open(str(board.link)) as taken:
            taken.write("axnode/node.mpy", b"changed")
        refused = runner.invoke(app, ["verify", *where])
        assert str(refused.exception).endswith("axnode/node.mpy differs. Flash it again")
        with Board.open(str(board.link)) as taken:
            taken.write(MARK, b"{}")
        refused = runner.invoke(app, ["verify", *where])
        assert str(refused.exception) == "its flashing was cut off. Flash it again"
