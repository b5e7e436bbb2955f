"""Programs from Debian packages, unpacked into a cache folder; the system is not touched.

apt fetches from the machine's own mirrors, with state, lists and archives in folders of our own,
and checks every signature as it always does; `dpkg-deb -x` unpacks. A program then runs through
the dynamic loader it came with, so a release and an architecture other than the machine's do no
harm. What was unpacked once is used from then on without asking the network.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from hil.apt_sources import Mirror, mirrors
from hil.errors import FetchError

__all__ = ["CACHE_SETTING", "PackageCache", "cache_folder", "command_in"]

CACHE_SETTING = "AXLEBOX_CACHE"

_APT_FOLDER = Path("/etc/apt")
_UPDATE_LIMIT_S = 180
_DOWNLOAD_LIMIT_S = 600
_UNPACK_LIMIT_S = 120

# Packages that others depend on only to set up an installed system: users, services, questions.
_SET_UP_ONLY = ("adduser", "debconf", "init-system-helpers")


class PackageCache:
    """Unpacked packages in one folder, shared safely by any number of processes."""

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        apt_folder: Path = _APT_FOLDER,
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.environ = environ
        self._apt_folder = apt_folder
        self._tell = tell

    def architecture(self) -> str:
        """Debian's name of this machine's architecture; FetchError where there is no dpkg."""
        return self._run(["dpkg", "--print-architecture"], 10).strip()

    def fetch(self, packages: Sequence[str], suite: str, architecture: str) -> Path:
        """The root folder that holds `packages` and all they depend on.

        FetchError says why it cannot be had. Nothing half-finished is ever returned: a root
        appears under its name in one step, once it is complete and on disk.
        """
        digest = hashlib.sha256(" ".join(packages).encode()).hexdigest()[:8]
        folder = cache_folder(self.environ) / "debian"
        root = folder / f"{suite}-{architecture}-{packages[0]}-{digest}"
        if root.is_dir():
            return root
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with _locked(folder / f"{root.name}.lock"):
                if not root.is_dir():
                    self._make(root, packages, suite, architecture)
        except OSError as error:
            raise FetchError(
                f"the cache folder {folder} cannot be used ({error.strerror}): "
                f"name another one in {CACHE_SETTING}"
            ) from error
        return root

    def _make(self, root: Path, packages: Sequence[str], suite: str, architecture: str) -> None:
        known = mirrors(self._apt_folder)
        if not known:
            raise FetchError(f"no Debian mirror is set up in {self._apt_folder}")
        for leftover in root.parent.glob(f"{root.name}.part-*"):
            shutil.rmtree(leftover)
        part = Path(tempfile.mkdtemp(prefix=f"{root.name}.part-", dir=root.parent))
        try:
            archives = self._download(part, known, packages, suite, architecture)
            unpacked = part / "root"
            unpacked.mkdir()
            for archive in archives:
                self._run(["dpkg-deb", "-x", str(archive), str(unpacked)], _UNPACK_LIMIT_S)
            os.sync()
            unpacked.rename(root)
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def _download(
        self,
        part: Path,
        known: Sequence[Mirror],
        packages: Sequence[str],
        suite: str,
        architecture: str,
    ) -> list[Path]:
        """The archives of the first mirror that has all packages."""
        reasons = []
        for number, mirror in enumerate(known):
            self._tell(
                f"fetching {' '.join(packages)} ({suite}, {architecture}) from {mirror.uri}"
            )
            apt = _write_apt_folders(part / f"apt-{number}", mirror, suite, architecture)
            install = ["-y", "--no-install-recommends", "--download-only", "install"]
            try:
                self._run([*apt, "update"], _UPDATE_LIMIT_S)
                self._run([*apt, *install, *packages], _DOWNLOAD_LIMIT_S)
                archives = sorted((part / f"apt-{number}/cache/archives").glob("*.deb"))
                if archives:
                    return archives
                raise FetchError("apt-get fetched nothing")
            except FetchError as error:
                reasons.append(f"{mirror.uri}: {error}")
        raise FetchError("; ".join(reasons))

    def _run(self, command: Sequence[str], limit_s: int) -> str:
        """What the command prints; FetchError with its last complaint where it fails."""
        program = shutil.which(command[0], path=self.environ.get("PATH", os.defpath))
        if program is None:
            raise FetchError(f"this machine has no {command[0]}")
        try:
            done = subprocess.run(
                [program, *command[1:]],
                env={**self.environ, "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=limit_s,
            )
        except subprocess.TimeoutExpired:
            raise FetchError(f"{command[0]} did not finish within {limit_s} s") from None
        if done.returncode:
            raise FetchError(_complaint(done.stderr) or f"{command[0]} failed without a word")
        return done.stdout


def command_in(root: Path, program: str) -> tuple[str, ...]:
    """The command that runs `program` (a path below `root`) with the libraries beside it.

    FetchError where the root is damaged: the message names the folder to remove.
    """
    loader = next(root.glob("usr/lib/*/ld*.so.*"), None)
    binary = root / program
    if loader is None or not binary.is_file():
        raise FetchError(f"{root} is damaged: remove this folder and start again")
    return (str(loader), "--library-path", str(loader.parent), str(binary))


@contextmanager
def _locked(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Where the bench keeps what it fetched or built."""
    if setting := environ.get(CACHE_SETTING):
        return Path(setting).expanduser().absolute()
    home = environ.get("HOME") or os.path.expanduser("~")
    return Path(environ.get("XDG_CACHE_HOME") or f"{home}/.cache").absolute() / "axlebox"


def _write_apt_folders(base: Path, mirror: Mirror, suite: str, architecture: str) -> list[str]:
    """Make state, cache and settings for one private apt; returns the start of its commands.

    The machine's own settings still count (proxies, time-outs), except hooks, which would act on
    the system, and preferences, which are about the machine's own release.
    """
    (base / "state/lists/partial").mkdir(parents=True)
    (base / "cache/archives/partial").mkdir(parents=True)
    (base / "state/status").write_text("".join(_installed(name) for name in _SET_UP_ONLY))
    (base / "mirror.sources").write_text(mirror.stanza(suite, architecture))
    (base / "apt.conf").write_text(
        f"""\
Dir::State "{base}/state";
Dir::State::status "{base}/state/status";
Dir::Cache "{base}/cache";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Dir::Etc::SourceList "{base}/mirror.sources";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
#clear APT::Update;
#clear APT::Default-Release;
#clear APT::Architectures;
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; }};
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::GzipIndexes "true";
Acquire::Retries "2";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
"""
    )
    return ["apt-get", "-c", str(base / "apt.conf"), "-qq"]


def _installed(name: str) -> str:
    return (
        f"Package: {name}\nStatus: install ok installed\nArchitecture: all\n"
        "Multi-Arch: foreign\nVersion: 99\nMaintainer: none\nDescription: none\n\n"
    )


def _complaint(text: str) -> str:
    """What apt or dpkg complained about, errors before warnings, else all it said, on one line."""
    lines = [line.strip() for line in text.splitlines()]
    marked = [line for mark in ("E: ", "W: ") for line in lines if line.startswith(mark)]
    return (" ".join(line[3:] for line in marked) or " ".join(lines)).rstrip(".")
