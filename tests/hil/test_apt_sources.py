"""What the machine's apt sources say is found in both forms, and nothing else is taken."""

from pathlib import Path

import pytest

from hil.apt_sources import Mirror, mirrors


@pytest.fixture
def apt(tmp_path: Path) -> Path:
    (tmp_path / "sources.list.d").mkdir()
    return tmp_path


def test_one_line_sources_give_address_and_options(apt: Path) -> None:
    (apt / "sources.list").write_text(
        "# deb http://commented/debian bookworm main\n"
        "deb http://first/debian bookworm main contrib # the mirror\n"
        "deb-src http://sources/debian bookworm main\n"
        "deb [ arch=armhf signed-by=/a.gpg,/b.gpg trusted=yes ] http://second/rpi/ trixie main\n"
        "deb [arch=arm64] http://third/debian stable main\n"
    )
    assert mirrors(apt) == (
        Mirror("http://first/debian"),
        Mirror("http://second/rpi/", "/a.gpg /b.gpg", "yes"),
        Mirror("http://third/debian"),
    )


def test_deb822_sources_give_every_address_with_its_key(apt: Path) -> None:
    (apt / "sources.list.d/debian.sources").write_text(
        "# a comment\n"
        "Types: deb deb-src\n"
        "URIs: http://first/debian\n"
        "  http://second/debian\n"
        "Suites: bookworm bookworm-updates\n"
        "# between fields\n"
        "Components: main\n"
        "signed-by: /usr/share/keyrings/a.gpg\n"
        "\n"
        "Types: deb\n"
        "URIs: http://third/debian\n"
        "Suites: trixie\n"
        "Components: main\n"
        "Signed-By:\n"
        " -----BEGIN PGP PUBLIC KEY BLOCK-----\n"
        " .\n"
        " mQIN\n"
        " -----END PGP PUBLIC KEY BLOCK-----\n"
    )
    key = "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQIN\n -----END PGP PUBLIC KEY BLOCK-----"
    found = mirrors(apt)
    assert found == (
        Mirror("http://first/debian", "/usr/share/keyrings/a.gpg"),
        Mirror("http://second/debian", "/usr/share/keyrings/a.gpg"),
        Mirror("http://third/debian", key),
    )
    assert found[2].stanza("trixie", "i386").endswith(f"Signed-By: {key}\n")


@pytest.mark.parametrize(
    "stanza",
    [
        "Enabled: no\nTypes: deb\nURIs: http://m/debian\nSuites: trixie\nComponents: main\n",
        "Types: deb-src\nURIs: http://m/debian\nSuites: trixie\nComponents: main\n",
        "Types: deb\nURIs: http://m/debian\nSuites: trixie\nComponents: contrib\n",
        "Types: deb\nURIs: http://m/debian-security\nSuites: trixie-security\nComponents: main\n",
        "Types: deb\nURIs: http://m/ubuntu\nSuites: noble\nComponents: main\n",
        "Types: deb\nURIs: cdrom:[Debian]/\nSuites: trixie\nComponents: main\n",
        "Types: deb\nURIs: http://m/flat\nSuites: ./\n",
        "just text\n",
    ],
)
def test_sources_without_a_debian_release_are_left_alone(apt: Path, stanza: str) -> None:
    (apt / "sources.list.d/some.sources").write_text(stanza)
    assert mirrors(apt) == ()


def test_files_count_in_apts_order_and_a_mirror_once(apt: Path) -> None:
    (apt / "sources.list").write_text("deb http://list/debian trixie main\n")
    parts = apt / "sources.list.d"
    (parts / "b.list").write_text("deb http://b/debian trixie main\n" * 2)
    (parts / "a.sources").write_text(
        "Types: deb\nURIs: http://a/debian\nSuites: trixie\nComponents: main\n"
    )
    (parts / "c.list.disabled").write_text("deb http://c/debian trixie main\n")
    (parts / "d.list").mkdir()
    assert [mirror.uri for mirror in mirrors(apt)] == [
        "http://list/debian",
        "http://a/debian",
        "http://b/debian",
    ]


def test_a_machine_without_apt_has_no_mirrors(tmp_path: Path) -> None:
    assert mirrors(tmp_path / "nowhere") == ()
