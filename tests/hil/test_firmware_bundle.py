"""`axlebox firmware keygen|bundle`: a key, and a bundle that a gateway with that key reads."""

import re
import subprocess
import sys
from pathlib import Path

from gateway.config import load_config, update_keys
from gateway.update.bundle import PACKAGES, read_bundle
from hil.boards import load_board
from hil.firmware_build import build, find_compiler, shipped_version

AXLEBOX = (sys.executable, "-m", "gateway", "firmware")


def run(*words: str | Path) -> tuple[int, str]:
    done = subprocess.run(
        [*AXLEBOX, *map(str, words)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=200,
        check=False,
    )
    return done.returncode, done.stdout


def test_what_was_signed_is_trusted_by_a_gateway_that_is_given_what_keygen_printed(
    tmp_path: Path,
) -> None:
    key, out = tmp_path / "update.key", tmp_path / "pico.axu"
    code, said = run("keygen", "--out", key)
    assert code == 0, said
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.read_text().strip() not in said
    config = tmp_path / "axlebox.toml"
    section = said[said.index("[update]") :]
    config.write_text(f'[locomotive]\nid = "TE33A-0001"\n{section}', encoding="utf-8")
    code, said = run("bundle", "--board", "pico", "--key", key, "--out", out)
    assert code == 0, said
    bundle = read_bundle(out.read_bytes(), update_keys(load_config(config)))
    assert re.fullmatch(rf"{out}: {re.escape(bundle.title)}, \d+ files, \d+ bytes", said.strip())
    assert (bundle.board, bundle.firmware) == ("pico", shipped_version())
    assert bundle.minimum == 1 <= bundle.release
    tree = build(load_board("pico"), tmp_path / "tree", find_compiler()).folder
    in_slot = {
        path.relative_to(tree).as_posix(): path.read_bytes()
        for package in PACKAGES
        for path in (tree / package).rglob("*.mpy")
    }
    assert {
        file.path: bundle.content[file.offset : file.offset + file.size] for file in bundle.files
    } == in_slot


def test_a_key_is_not_overwritten_shown_or_taken_from_where_others_read_it(tmp_path: Path) -> None:
    key = tmp_path / "update.key"
    assert run("keygen", "--out", key)[0] == 0
    before = key.read_text()
    code, said = run("keygen", "--out", key)
    assert (code, key.read_text()) == (1, before)
    key.chmod(0o644)
    words = ("bundle", "--board", "pico", "--key", key, "--out", tmp_path / "x.axu")
    code, said = run(*words)
    assert (code, "chmod 600" in said) == (1, True), said
    key.chmod(0o600)
    key.write_text(before[:-3])
    code, said = run(*words)
    assert (code, "64 hex digits" in said, before[:20] in said) == (1, True, False), said
