"""Debian mirrors that this machine's own apt is set up to use.

Reads both forms of apt's sources (sources.list(5)): one-line `.list` files and deb822 `.sources`
files. Nothing is asked of the network here.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Mirror", "mirrors"]

_STATES = {"oldoldstable", "oldstable", "stable", "testing", "unstable", "sid"}
_RELEASES = frozenset(_STATES | {"bullseye", "bookworm", "trixie", "forky", "duke"})
_ONE_LINE = re.compile(r"deb\s+(?:\[(?P<options>[^]]*)\]\s*)?(?P<uri>\S+)\s+(?P<rest>.+)")
_NO = frozenset({"no", "false", "without", "off", "disable", "0"})


@dataclass(frozen=True)
class Mirror:
    """An archive with Debian's layout, and how its signature is checked.

    `signed_by` is what the machine's sources say: key files, finger prints or a whole key;
    empty where apt's own trusted keys decide.
    """

    uri: str
    signed_by: str = ""
    trusted: str = ""

    def stanza(self, suite: str, architecture: str) -> str:
        """A deb822 source for one suite and one architecture of this archive.

        apt leaves the packages of a file: archive where they are; of a copy: one it fetches them.
        """
        fields = {
            "Types": "deb",
            "URIs": re.sub(r"^file:", "copy:", self.uri),
            "Suites": suite,
            "Components": "main",
            "Architectures": architecture,
            "Targets": "Packages",
            "Languages": "none",
            "Signed-By": self.signed_by,
            "Trusted": self.trusted,
        }
        return "".join(f"{name}: {value}\n" for name, value in fields.items() if value)


def mirrors(apt_folder: Path) -> tuple[Mirror, ...]:
    """The archives under `apt_folder` that carry section main of a Debian release.

    In apt's own order, each once. Archives of other makers may be among them where they use
    Debian's release names. A file that cannot be read counts as empty.
    """
    parts = apt_folder / "sources.list.d"
    files = [apt_folder / "sources.list"]
    if parts.is_dir():
        files += sorted(f for f in parts.iterdir() if f.suffix in {".list", ".sources"})
    found: dict[Mirror, None] = {}
    for file in files:
        read = _deb822 if file.suffix == ".sources" else _one_line
        found.update(dict.fromkeys(read(_text(file))))
    return tuple(found)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _one_line(text: str) -> Iterator[Mirror]:
    for line in text.splitlines():
        match = _ONE_LINE.fullmatch(line.partition("#")[0].strip())
        if match is None:
            continue
        suite, *components = match["rest"].split()
        pairs = (option.partition("=") for option in (match["options"] or "").split())
        options = {name.lower(): value for name, _, value in pairs}
        if _carries_debian(match["uri"], [suite], components):
            yield Mirror(
                match["uri"],
                options.get("signed-by", "").replace(",", " "),
                options.get("trusted", ""),
            )


def _deb822(text: str) -> Iterator[Mirror]:
    for fields in _stanzas(text):
        if fields["enabled"].lower() in _NO or "deb" not in fields["types"].split():
            continue
        suites, components = fields["suites"].split(), fields["components"].split()
        for uri in fields["uris"].split():
            if _carries_debian(uri, suites, components):
                yield Mirror(uri, fields["signed-by"], fields["trusted"])


def _stanzas(text: str) -> Iterator[Mapping[str, str]]:
    """Fields by lower-case name, absent ones empty; a folded value keeps its leading spaces."""
    fields: defaultdict[str, str] = defaultdict(str)
    name = ""
    for line in [*text.splitlines(), ""]:
        if line.startswith("#"):
            continue
        if not line.strip():
            if fields:
                yield fields
            fields, name = defaultdict(str), ""
        elif line[0] in " \t":
            fields[name] += f"\n{line.rstrip()}"
        else:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()


def _carries_debian(uri: str, suites: list[str], components: list[str]) -> bool:
    return (
        not uri.startswith("cdrom:") and "main" in components and not _RELEASES.isdisjoint(suites)
    )
