"""A configuration in a folder that other users may enter, and what can be wrong with it."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.config import GatewayConfig, load_config
from gateway.doctor.finding import Finding

KEY = "5a" * 32
NOBODY = 65534


class Depot:
    """A folder with a configuration that is good; `write` puts another in its place."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "axlebox.toml"
        self.file("motors-a.key", KEY)
        (folder / "spool").mkdir()
        self.write()

    def write(self, more: str = "", *, nodes: str | None = None) -> GatewayConfig:
        """`more`: further sections; `nodes`: in place of the one that is good."""
        if nodes is None:
            nodes = '[[nodes]]\nname = "motors-a"\nkey_file = "motors-a.key"\n'
        self.path.write_text(f'[locomotive]\nid = "TE33A-0001"\n{nodes}{more}', encoding="utf-8")
        return load_config(self.path)

    def file(self, name: str, text: str, mode: int = 0o600) -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return path


@pytest.fixture
def depot() -> Iterator[Depot]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Depot(Path(folder))


@contextmanager
def somebody_else() -> Iterator[None]:
    """Root may do anything, so where root runs the tests, somebody else looks."""
    if os.geteuid() != 0:
        yield
        return
    group = os.getegid()
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)


def told(findings: Any) -> list[tuple[str, str, str]]:
    """Level, sentence and advice of each."""
    return [(one.level, one.what, one.advice) for one in findings if isinstance(one, Finding)]
