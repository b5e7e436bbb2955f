"""A slot is a socket: its serial port and its boot loader's drive are found by its path."""

from pathlib import Path

import pytest
from station_boards import lay_out
from typer.testing import CliRunner

from hil.station.cli import app
from hil.station.drive import find_drives, socket_of
from hil.station.errors import StationError
from hil.station.slots import called, find_slots, port_of


@pytest.fixture
def links(tmp_path: Path) -> Path:
    folder = lay_out(tmp_path / "by-path", {})
    for name in (
        "pci-0000:00:14.0-usb-0:2.1:1.0",
        "pci-0000:00:14.0-usbv2-0:2.1:1.0",
        "pci-0000:00:14.0-usb-0:2.4:1.0-port0",
        "platform-fd500000.pcie-pci-0000:01:00.0-usb-0:1.3:1.0",
        "pci-0000:00:16.3",
        "pci-0000:00:15.0-usb-0:2.4:1.0",
    ):
        (folder / name).symlink_to("/dev/null")
    return folder


def test_slots_are_named_by_socket_whatever_is_plugged_in(links: Path):
    assert [slot.name for slot in find_slots(links)] == [
        "pci-0000:00:14.0-usb-0:2.1",
        "pci-0000:00:14.0-usb-0:2.4",
        "pci-0000:00:15.0-usb-0:2.4",
        "platform-fd500000.pcie-pci-0000:01:00.0-usb-0:1.3",
    ]
    assert port_of("pci-0000:00:15.0-usb-0:7", links) == f"{links}/pci-0000:00:15.0-usb-0:7:1.0"
    assert port_of("0:1.3", links).endswith("01:00.0-usb-0:1.3:1.0")
    assert port_of("pci-0000:00:14.0-usb-0:2.4", links).endswith("-usb-0:2.4:1.0-port0")
    assert port_of("/dev/ttyACM0", links) == "/dev/ttyACM0"


def test_a_slot_without_a_board_is_told_with_those_that_have_one(links: Path, tmp_path: Path):
    with pytest.raises(StationError, match=r"no board in slot 2\.1\..*14\.0-usb-0:2\.1, pci"):
        port_of("2.1", links)
    with pytest.raises(StationError, match=r"slot 0:2\.4 may be pci-\S+ or pci-\S+\. Name"):
        port_of("0:2.4", links)
    with pytest.raises(StationError, match=r"boards in 4 slots.*--slot"):
        port_of(None, links)
    with pytest.raises(StationError, match="there is no board"):
        port_of(None, tmp_path / "nothing")


def test_a_board_that_waits_in_its_boot_loader_has_a_slot(links: Path):
    slots = find_slots(links, lambda: ["pci-0000:00:14.0-usb-0:3", "pci-0000:00:14.0-usb-0:2.1"])
    assert len(slots) == 5
    assert slots[2].name == "pci-0000:00:14.0-usb-0:3"
    assert slots[2].port == links / "pci-0000:00:14.0-usb-0:3:1.0"


def test_the_drive_of_a_socket_is_found_where_it_is_mounted(tmp_path: Path):
    disks = lay_out(tmp_path / "disks", {})
    mine = lay_out(tmp_path / "mounted here", {"INFO_UF2.TXT": b"Board-ID: RPI-RP2\r\n"})
    other = lay_out(tmp_path / "other", {"INFO_UF2.TXT": b"Board-ID: RPI-RP2\r\n"})
    for number, slot in enumerate(("0:2.1", "0:2.2")):
        device = tmp_path / f"sd{number}"
        device.touch()
        link = f"pci-0000:00:14.0-usb-{slot}:1.0-scsi-0:0:0:0-part1"
        (disks / link).symlink_to(device)
    mounts = tmp_path / "mounts"
    escaped = str(mine).replace(" ", "\\040")
    mounts.write_text(
        f"/dev/root / ext4 rw 0 0\n{tmp_path}/sd0 {escaped} vfat rw 0 0\n"
        f"{tmp_path}/sd1 {other} vfat rw 0 0\n"
    )
    controller = "pci-0000:00:14.0-usb"
    assert find_drives(disks, mounts) == {
        f"{controller}-0:2.1": mine,
        f"{controller}-0:2.2": other,
    }
    (mine / "INFO_UF2.TXT").unlink()
    assert find_drives(disks, mounts) == {f"{controller}-0:2.2": other}
    assert socket_of("pci-0000:00:14.0-usb-0:2.1:1.0-scsi-0:0:0:0-part1") == f"{controller}-0:2.1"


def test_each_socket_gets_a_label_by_which_the_line_knows_it_from_all_others(
    links: Path, tmp_path: Path
) -> None:
    empty = "pci-0000:00:14.0-usb-0:2.2"
    call = ["slots", "--labels", "--slots", str(links), "--folder", str(tmp_path / "station")]
    named = ["--slot", empty, "--slot", "0:2.2", "--slot", "0:9", "--slot", "0:2.1"]
    done = CliRunner().invoke(app, [*call, *named], catch_exceptions=False)
    codes = [line.partition(": slot:")[2].partition(",")[0] for line in done.output.splitlines()]
    twice = ["0000:00:14.0-usb-0:2.4", "0000:00:15.0-usb-0:2.4"]
    assert sorted(codes) == sorted(["0:2.1", "0:1.3", "0:2.2", "0:9", *twice])
    names = [*(slot.name for slot in find_slots(links)), empty, "0:9"]
    assert all(len(called(names, code)) == 1 for code in codes)
    made = {path.name for path in (tmp_path / "station" / "labels").iterdir()}
    assert {"slot-0-2.1.png", "slot-0-2.1.pdf", "slot-0-9.pdf"} <= made
    assert len(made) == 2 * len(codes)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--labels", "--slot", "two words"], "no name of a socket"),
        (["--labels"], "no board in any slot"),
        (["--slot", "0:2.1"], "Add --labels"),
    ],
)
def test_a_mistake_about_labels_is_told(tmp_path: Path, options: list[str], says: str) -> None:
    call = ["slots", "--slots", str(tmp_path / "none"), "--folder", str(tmp_path / "station")]
    with pytest.raises(StationError, match=says):
        CliRunner().invoke(app, [*call, *options], catch_exceptions=False)
