"""A Debian mirror in a folder, with packages made for a test: apt and dpkg read it for real."""

import hashlib
import subprocess
from pathlib import Path

RELEASE = "trixie"

LOADER = "usr/lib/some-linux/ld-linux.so.2"
"""Where a package brings its dynamic loader; here a script that starts the program given."""

_RUN = '#!/bin/sh\nshift 2\nexec "$@"\n'


class DebianMirror:
    """`folder` is served by a file: address. Call `publish` after the packages are added."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._entries: dict[str, list[str]] = {}

    def source(self, options: str = "trusted=yes", release: str = RELEASE) -> str:
        """The line for apt's sources that names this mirror."""
        return f"deb [ {options} ] file://{self._folder} {release} main\n"

    def add(
        self, name: str, architecture: str, files: dict[str, str], depends: str = ""
    ) -> "DebianMirror":
        """A package that holds `files` (path to text), all of them executable."""
        tree = self._folder / "trees" / f"{name}-{architecture}"
        control = f"Package: {name}\nVersion: 1.0\nArchitecture: {architecture}\n"
        control += f"Depends: {depends}\n" if depends else ""
        _write(tree / "DEBIAN/control", f"{control}Maintainer: nobody\nDescription: a test\n")
        for path, text in files.items():
            _write(tree / path, text)
        archive = self._folder / "pool" / f"{name}_1.0_{architecture}.deb"
        archive.parent.mkdir(exist_ok=True)
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", "-b", str(tree), str(archive)],
            check=True,
            capture_output=True,
        )
        content = archive.read_bytes()
        self._entries.setdefault(architecture, []).append(
            f"{control}Filename: pool/{archive.name}\nSize: {len(content)}\n"
            f"SHA256: {hashlib.sha256(content).hexdigest()}\nDescription: a test\n"
        )
        return self

    def add_interpreter(
        self, architecture: str, answer: str, exit_code: int = 0
    ) -> "DebianMirror":
        """A `micropython` that prints `answer` to whatever it is asked, and the libc it needs."""
        self.add("libc6", architecture, {LOADER: _RUN})
        program = f"#!/bin/sh\necho '{answer}'\nexit {exit_code}\n"
        return self.add("micropython", architecture, {"usr/bin/micropython": program}, "libc6")

    def publish(self) -> None:
        release = self._folder / "dists" / RELEASE
        sums = ""
        for architecture, entries in self._entries.items():
            name = f"main/binary-{architecture}/Packages"
            index = "\n".join(entries)
            _write(release / name, index)
            sums += f" {hashlib.sha256(index.encode()).hexdigest()} {len(index)} {name}\n"
        _write(
            release / "Release",
            f"Suite: {RELEASE}\nCodename: {RELEASE}\nComponents: main\n"
            f"Architectures: {' '.join(self._entries)}\n"
            f"Date: Sat, 22 Nov 2025 00:00:00 UTC\nSHA256:\n{sums}",
        )


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
