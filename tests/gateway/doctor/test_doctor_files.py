"""The doctor on configuration, keys and other secrets."""

import os
from collections.abc import Callable

import pytest

from gateway.config import load_config
from gateway.doctor.files import look_at_files

from .conftest import KEY, Depot, somebody_else, told

ROOT_ASKS = (
    "note",
    "root asks, who may open everything: what the gateway's own user may not open does not show",
    "ask as that user, with `sudo -u axlebox` in front",
)


def looked(depot: Depot, more: str = "", **changes: str) -> list[tuple[str, str, str]]:
    found = told(look_at_files(depot.write(more, **changes), None))
    return [one for one in found if one != ROOT_ASKS]


def test_files_that_are_good(depot: Depot) -> None:
    assert looked(depot) == [
        ("ok", "configuration, profile, alarm rules and node keys are good (nodes: 1)", "")
    ]


def test_root_is_told_that_it_sees_less(depot: Depot) -> None:
    settings = depot.write()
    assert (ROOT_ASKS in told(look_at_files(settings, None))) == (os.geteuid() == 0)
    (depot.folder / "motors-a.key").chmod(0o000)
    with somebody_else():
        found = told(look_at_files(settings, None))
    assert ROOT_ASKS not in found
    key = depot.folder / "motors-a.key"
    assert found == [
        (
            "wrong",
            f"key of node motors-a: {key} cannot be read (Permission denied)",
            "put the key file there that the node was provisioned with",
        )
    ]


def test_no_node(depot: Depot) -> None:
    assert looked(depot, nodes="") == [
        (
            "wrong",
            "no [[nodes]] are listed, so nothing that a board says would be believed",
            "add one for each board, with the file of its key",
        )
    ]


def test_nodes_that_share_a_key(depot: Depot) -> None:
    depot.file("copy.key", KEY.upper() + "\n")
    nodes = "".join(
        f'[[nodes]]\nname = "{name}"\nkey_file = "{file}.key"\n'
        for name, file in (("motors-a", "motors-a"), ("axles-a", "copy"))
    )
    assert looked(depot, nodes=nodes) == [
        (
            "wrong",
            "nodes motors-a, axles-a have the same key",
            "give each a key of its own: axlebox firmware provision",
        )
    ]


def spoil(depot: Depot) -> None:
    depot.file("motors-a.key", "5a" * 31)


def show(depot: Depot) -> None:
    (depot.folder / "motors-a.key").chmod(0o644)


def lose(depot: Depot) -> None:
    (depot.folder / "motors-a.key").unlink()


@pytest.mark.parametrize(
    ("do", "what", "advice"),
    [
        (
            lose,
            "key of node motors-a: {}/motors-a.key cannot be read (No such file or directory)",
            "put the key file there that the node was provisioned with",
        ),
        (
            spoil,
            "key of node motors-a: {}/motors-a.key must hold 64 hex digits and nothing else",
            "copy the key file anew from where the node was provisioned",
        ),
        (
            show,
            "key of node motors-a: others can read {}/motors-a.key",
            "run: chmod 600 {}/motors-a.key",
        ),
    ],
)
def test_a_key_that_cannot_be_used(
    depot: Depot, do: Callable[[Depot], None], what: str, advice: str
) -> None:
    do(depot)
    assert looked(depot) == [("wrong", what.format(depot.folder), advice.format(depot.folder))]


@pytest.mark.parametrize(
    ("more", "what", "advice"),
    [
        (
            '[mqtt]\nhost = "h"\nusername = "u"\npassword_file = "none"\n',
            "mqtt.password_file: {0}/none: [Errno 2] No such file or directory: '{0}/none'",
            "put the broker's password there",
        ),
        (
            '[mqtt]\nhost = "h"\nca_file = "none"\n',
            "mqtt.ca_file: {0}/none cannot be read",
            "put the certificate of the broker's authority there, for all to read",
        ),
        (
            '[influx]\nurl = "http://h"\ntoken_file = "none"\n',
            "influx.token_file: {0}/none: [Errno 2] No such file or directory: '{0}/none'",
            "put a token there that may write the bucket",
        ),
        (
            '[influx]\nurl = "http://h"\ntoken_file = "open"\n',
            "influx.token_file: others can read {0}/open",
            "run: chmod 600 {0}/open",
        ),
    ],
)
def test_a_secret_that_cannot_be_used(depot: Depot, more: str, what: str, advice: str) -> None:
    depot.file("open", "secret", 0o644)
    assert looked(depot, more) == [
        ("wrong", what.format(depot.folder), advice.format(depot.folder))
    ]


def test_an_unknown_profile_and_rules_that_are_not_there(depot: Depot) -> None:
    settings = depot.write('[alarms]\nrules = "none.toml"\n')
    (finding,) = [one for one in look_at_files(settings, None) if one.level == "wrong"]
    assert "none.toml" in finding.what
    depot.path.write_text(
        depot.path.read_text().replace('"TE33A-0001"', '"TE33A-0001"\nprofile = "te34a"')
    )
    settings = load_config(depot.path)
    findings = [one for one in look_at_files(settings, None) if one.level != "note"]
    assert [one.level for one in findings] == ["wrong"]
    assert findings[0].what.startswith("there is no locomotive profile te34a")
    assert findings[0].advice


def test_a_pin_file_that_is_not_there(depot: Depot) -> None:
    (finding,) = [
        one
        for one in look_at_files(depot.write('[page]\npin_file = "pin"\n'), None)
        if one.level == "wrong"
    ]
    assert str(depot.folder / "pin") in finding.what
    assert "axlebox gateway pin" in finding.advice
