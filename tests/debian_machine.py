"""A Debian machine of the test's own: its programs, its apt sources, its cache folder."""

from dataclasses import dataclass
from pathlib import Path

from hil.debian import PackageCache


@dataclass(frozen=True)
class Machine:
    """`environ` is what its programs see; `programs` is the first folder on its PATH."""

    folder: Path
    environ: dict[str, str]
    told: list[str]

    @property
    def programs(self) -> Path:
        return self.folder / "programs"

    @property
    def cached(self) -> list[str]:
        """What stands in the cache, without the lock files."""
        folder = self.folder / "cache/debian"
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        return [name for name in names if not name.endswith(".lock")]

    def put(self, name: str, script: str) -> None:
        """Install a program of the test's own, before all others."""
        path = self.programs / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def remove(self, name: str) -> None:
        (self.programs / name).unlink()

    def sources(self, *lines: str) -> None:
        """What apt's sources.list of this machine says."""
        (self.folder / "apt/sources.list").write_text("".join(lines))

    def packages(self) -> PackageCache:
        return PackageCache(self.environ, apt_folder=self.folder / "apt", tell=self.told.append)
