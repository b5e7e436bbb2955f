"""From a blank board to acknowledged readings at its locomotive's gateway, and what happens on the
way."""

import base64
import json
import random
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from axwire.cose import UP, MacKey, split
from axwire.parse import Health, Readings, parse_up
from board_line import BoardLine
from station_boards import bench_tree_folder, link_of, list_images, pico_image, plugged
from typer.testing import CliRunner

from gateway.cli import command_line
from gateway.config import load_config
from gateway.errors import AxleboxError
from gateway.profiles import load_profile
from gateway.spool import Kind, read_records
from hil.cable import Cable
from hil.fitting import fit_node
from hil.interpreter import find_interpreter
from hil.lockstep_rig import LockstepRig
from hil.node_files import parse_copy
from hil.rig import RigPlan
from hil.station.cli import app
from hil.station.drive import socket_of
from hil.station.node_link import NodeLink, Samples
from hil.virtual_board import PICO, VirtualBoard
from simulators.locomotive import Locomotive

LOCOMOTIVE = "TE33A-0123"
UNIQUE_ID = "e6614103e7174a2f"
FIT = next(fit for fit in load_profile("te33a").all_nodes if fit.name == "brakes-a")
SEED = 20
SECONDS = 12.0


@pytest.fixture
def firmware(tmp_path: Path) -> Path:
    return bench_tree_folder(tmp_path / "firmware")


@pytest.fixture
def board(tmp_path: Path, firmware: Path) -> Iterator[VirtualBoard]:
    wiring = fit_node(FIT, UNIQUE_ID, 1).wiring
    with plugged(tmp_path, unique_id=UNIQUE_ID, wiring=wiring, files=firmware) as made:
        yield made


class Depot:
    """A person at the station, and all that was ever on the screen."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shown = ""
        self.passphrase = folder / "passphrase"
        self.passphrase.touch(mode=0o600)
        self.passphrase.write_text("a long passphrase\n")

    def type(self, *words: str, fails: bool | None = False) -> str:
        call = [*words, "--folder", str(self.folder / "station")]
        if words[0] != "records" or words[1] == "swap":
            call += ["--passphrase-file", str(self.passphrase)]
        done = CliRunner().invoke(app, call, input="\n\n")
        told = done.output
        if isinstance(done.exception, AxleboxError):
            told += f"error: {done.exception}"
        elif done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        self.shown += told
        assert fails is None or (done.exit_code != 0) == fails, told
        return told

    def provision(self, board: VirtualBoard, firmware: Path, *more: str, **how: bool) -> str:
        return self.type(*provisioning(board, firmware), *more, **how)


def provisioning(board: VirtualBoard, firmware: Path) -> list[str]:
    return [
        *("provision", "--locomotive", LOCOMOTIVE, "--node", "brakes-a", "--usb"),
        *("--slot", str(board.link), "--firmware", str(firmware)),
    ]


def key_on(board: VirtualBoard, folder: Path) -> bytes:
    """The key on a board that is unplugged, in both copies."""
    files = board.files(folder)
    copies = [parse_copy(files[f"node.key.{copy}"]) for copy in (0, 1)]
    assert copies[0] == copies[1] is not None
    return bytes.fromhex(copies[0][1].decode())  # type: ignore[index]


def enrol(folder: Path) -> tuple[Path, str]:
    config = folder / "locomotive" / "axlebox.toml"
    port = folder / "by-path" / "pci-0000:00:14.0-usb-0:1.1:1.0"
    if not config.exists():
        config.parent.mkdir()
        config.write_text(
            f'[locomotive]\nid = "{LOCOMOTIVE}"\n[[serial]]\nname = "brakes"\nport = "{port}"\n'
            '[page]\nport = 0\n[clock]\ntrust = "always"\n'
        )
    done = CliRunner().invoke(
        command_line(),
        [
            *("gateway", "enrol", str(folder / "list"), "-c", str(config)),
            *("--passphrase-file", str(folder / "told")),
        ],
        catch_exceptions=False,
    )
    assert done.exit_code == 0
    return config, done.output


def export(depot: Depot) -> None:
    folder = depot.folder
    depot.type(
        *("export", "--locomotive", LOCOMOTIVE, "--out", str(folder / "list")),
        *("--told-file", str(folder / "told")),
    )


@pytest.mark.timeout(400)
def test_a_blank_board_is_a_node_whose_every_sample_its_gateway_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One image of a flash, from its first byte to acknowledged readings: through the line, out of
    the depot in the sealed list, and onto the bench with the keys of the gateway that took it."""
    print(f"seed {SEED}")
    unique_id = f"{random.Random(SEED).getrandbits(64):016x}"  # as the bench numbers it
    cable = Cable(tmp_path / "link")
    wiring = fit_node(FIT, unique_id, SEED).wiring | {"uart": {"0": {"path": cable.board_path}}}
    images = list_images(tmp_path / "images", pico_image())
    port = link_of(tmp_path)
    with plugged(tmp_path, version=None, unique_id=unique_id, wiring=wiring) as board:

        def waiting() -> dict[str, Path]:
            socket = socket_of(port.name)
            return {socket: board.drive} if socket and board.drive.exists() else {}

        monkeypatch.setattr("hil.station.drive.find_drives", waiting)
        line = BoardLine(tmp_path, images, {str(port): str(tmp_path / "link")}, waiting)
        card = line.through(f"{LOCOMOTIVE}/brakes-a")
        board.unplug()
        assert (card.phase, card.text) == ("pass", "")
        key = key_on(board, tmp_path / "files")
    cable.close()
    assert steps_of(line.depot.folder) == [
        *("micropython", "flash", "check", "identity", "test"),
    ]
    depot = Depot(tmp_path)
    export(depot)
    config, told = enrol(tmp_path)
    assert "brakes-a: new" in told
    rig = bench_of(config, tmp_path / "bench")
    target = rig.targets["brakes-a"]
    shutil.copyfile(board.image, target.image)
    try:
        rig.start()
        rig.run_for(SECONDS)
        assert [channel["quality"] for channel in rig.state()["channels"]] == ["ok"] * 4
        account = rig.settle()
    finally:
        rig.stop()
    print(account)
    assert account.balanced
    assert account.stored == account.taken > 100 * SECONDS
    assert account.lost == account.duplicated == account.thinned == 0
    assert acknowledged(config.parent / "spool", key)
    check_that_no_key_is_shown(depot, [key], told, line.line.state())


def steps_of(station: Path) -> list[str]:
    """What was done to the one board of the line."""
    (record,) = [
        told
        for path in (station / "records").glob("*.json")
        if (told := json.loads(path.read_text()))["what"] == "line"
    ]
    return [step["name"] for step in record["steps"]]


def bench_of(config: Path, folder: Path) -> LockstepRig:
    """The locomotive's brakes, with the gateway of this configuration."""
    profile = load_profile("te33a")
    fits = ((FIT, Locomotive(profile, SEED), False),)
    folder.mkdir()
    return LockstepRig(
        RigPlan(profile, LOCOMOTIVE, fits, folder, SEED),
        find_interpreter(),
        flash_blocks=PICO.blocks,
        config=load_config(config),
    )


@pytest.mark.parametrize("line", ["writing who it is", "starting it", "having it prove"])
def test_a_station_that_is_killed_goes_on(
    tmp_path: Path, board: VirtualBoard, firmware: Path, line: str
) -> None:
    depot = Depot(tmp_path)
    call = [sys.executable, "-m", "gateway", "station", *provisioning(board, firmware)]
    call += ["--folder", str(tmp_path / "station"), "--passphrase-file", str(depot.passphrase)]
    with subprocess.Popen(call, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert any(said.startswith(line) for said in process.stdout)
        process.kill()
    (record,) = (tmp_path / "station" / "records").glob("*.json")
    assert json.loads(record.read_text())["result"] == "interrupted"
    board.unplug()
    board.plug()
    assert "going on with what was cut off" in depot.provision(board, firmware)
    board.unplug()
    key = key_on(board, tmp_path / "files")
    for path in (tmp_path / "station").rglob("*"):
        if path.is_file():
            assert key.hex().encode() not in path.read_bytes()
            assert key not in path.read_bytes()


def test_a_node_with_a_uart_proves_itself_there(tmp_path: Path, firmware: Path) -> None:
    cable = Cable(tmp_path / "link")
    wiring = fit_node(FIT, UNIQUE_ID, 1).wiring | {"uart": {"0": {"path": cable.board_path}}}
    depot = Depot(tmp_path)
    try:
        with plugged(tmp_path, unique_id=UNIQUE_ID, wiring=wiring, files=firmware) as board:
            call = [word for word in provisioning(board, firmware) if word != "--usb"]
            assert "--link" in depot.type(*call, fails=True)
            assert "PASS" in depot.type(*call, "--link", str(tmp_path / "link"))
    finally:
        cable.close()


def test_a_fitted_board_is_tested_and_calibrated(
    tmp_path: Path, board: VirtualBoard, firmware: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sensors see nothing here: what a calibration reads of them is told instead."""
    depot = Depot(tmp_path)
    slot = ("--slot", str(board.link))
    depot.provision(board, firmware)
    told = depot.type("test", *slot, "--seconds", "2", fails=None)
    failing = [line for line in told.splitlines() if line.startswith("FAIL ")]
    assert "PASS chip 0 (brake.pipe_pressure at locomotive): 0 status (0 to 0)" in told
    assert "PASS flash" in told
    assert "PASS supply: 4.998 V" in told
    assert "rate brake.pipe_pressure each 20 ms" in told
    late = ("FAIL missed", "FAIL rate")
    assert not [line for line in failing if not line.startswith(late)], "all but a busy machine"
    board.unplug()
    before = board.files(tmp_path / "before")
    board.plug()
    sensor = FIT.groups[0]
    heard = iter([0.0, 500.0])

    def listen(link: NodeLink, duration_s: float) -> list[Samples]:
        values = [next(heard) * 1.02] * 20
        return [Samples(sensor.quantity, sensor.places[0], "kPa", values=values, statuses={0})]

    monkeypatch.setattr(NodeLink, "listen", listen)
    said = depot.type(
        *("calibrate", "--quantity", sensor.quantity, "--place", sensor.places[0]),
        *("--low", "0", "--high", "500", "--initials", "AB", "--certificate", "KZ-17", *slot),
    )
    assert f"PASS {sensor.quantity} at {sensor.places[0]} of brakes-a" in said
    assert "off by -10 kPa" in said
    board.unplug()
    after = board.files(tmp_path / "after")
    assert after["node.json.0"] == after["node.json.1"] != before["node.json.0"]
    assert after["node.key.0"] == before["node.key.0"]
    channel = json.loads(after["node.json.0"].partition(b"\n")[2])["groups"][0]["channels"][0]
    old = json.loads(before["node.json.0"].partition(b"\n")[2])["groups"][0]["channels"][0]
    assert channel["calibration"] == 1
    assert channel["scale"] == pytest.approx(old["scale"] / 1.02)
    assert "calibration 1" in depot.type("records", "show", UNIQUE_ID)


def acknowledged(spool: Path, key: bytes) -> bool:
    """Whether the node said, with this key, that it does not hold its readings any more."""
    oldest, readings = 0, []
    for record in read_records(spool):
        if record.kind == Kind.MESSAGE:
            envelope = split(record.body)
            envelope.check(MacKey(key), UP)
            up = parse_up(envelope.payload)
            if isinstance(up, Health):
                oldest = max(oldest, up.oldest)
            elif isinstance(up, Readings):
                readings.append(up.sequence)
    return sum(sequence < oldest for sequence in readings) > 5


def forms_of(secret: bytes) -> set[bytes]:
    """All that it would look like in a file: itself, in hex, and in base64 wherever it begins."""
    forms = {secret, secret.hex().encode(), secret.hex().upper().encode()}
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for before, unsure in enumerate((0, 2, 3)):
            forms.add(encode(bytes(before) + secret).rstrip(b"=")[unsure:-1])
    return forms


def check_that_no_key_is_shown(depot: Depot, keys: list[bytes], *told: object) -> None:
    """Nothing that was written or shown has a key, but the board and the gateway's own files,
    which are closed to others."""
    own = depot.folder / "locomotive" / "keys"
    written = {
        path: path.read_bytes()
        for name in ("station", "list", "locomotive", "images", "firmware")
        for path in [depot.folder / name, *(depot.folder / name).rglob("*")]
        if path.is_file()
    }
    assert {"station", "list", "locomotive"} <= {
        path.relative_to(depot.folder).parts[0] for path in written
    }
    for key in keys:
        having = {
            path for path, data in written.items() if any(form in data for form in forms_of(key))
        }
        assert [path.parent.parent for path in having] == [own]
        assert [stat.S_IMODE(path.stat().st_mode) for path in having] == [0o600]
        shown = "".join([depot.shown, *map(str, told)]).encode()
        assert not [form for form in forms_of(key) if form in shown]
    passphrase = (depot.folder / "told").read_text().strip()
    assert passphrase not in depot.shown
    assert re.fullmatch(r"(?:[A-Z2-9]{4}-){5}[A-Z2-9]{4}", passphrase)


def test_a_board_that_is_pulled_is_gone_on_with(
    tmp_path: Path, board: VirtualBoard, firmware: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    depot = Depot(tmp_path)
    with monkeypatch.context() as patch:

        def pulled(link: NodeLink) -> None:
            board.unplug()
            link._give_up("did not start")

        patch.setattr(NodeLink, "wait_for_start", pulled)
        assert "did not start" in depot.provision(board, firmware, fails=True)
    key = key_on(board, tmp_path / "files")
    board.plug()
    said = depot.provision(board, firmware)
    assert "going on with what was cut off" in said
    board.unplug()
    assert key_on(board, tmp_path / "files2") == key
    assert "brakes-a" in depot.type("records", "search", "brakes-a")
    shown = depot.type("records", "show", UNIQUE_ID)
    assert shown.index("fail") < shown.index("pass")
