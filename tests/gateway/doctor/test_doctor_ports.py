"""The doctor on serial ports: real pseudo-terminals, and what a gateway says of them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from crew_page.live_picture import te33a

from gateway.doctor.ports import look_at_ports
from gateway.doctor.running import Running

from .conftest import Depot, somebody_else, told


@pytest.fixture
def port(depot: Depot) -> Iterator[Path]:
    far, near = os.openpty()
    path = depot.folder / "port"
    path.symlink_to(os.ttyname(near))
    yield path
    os.close(far)
    os.close(near)


SECTION = '[[serial]]\nname = "motors"\nport = "port"\n'


def test_a_port_that_is_there(depot: Depot, port: Path) -> None:
    assert told(look_at_ports(depot.write(SECTION), None)) == [
        ("ok", f"port motors ({port}) is there and may be opened", "")
    ]


def test_a_port_that_is_not_there(depot: Depot) -> None:
    assert told(look_at_ports(depot.write(SECTION), None)) == [
        (
            "wrong",
            f"{depot.folder}/port is not there",
            "plug the board of port motors in, or correct serial.port",
        )
    ]


def test_a_file_that_is_no_port(depot: Depot) -> None:
    depot.file("port", "")
    assert told(look_at_ports(depot.write(SECTION), None)) == [
        ("wrong", f"{depot.folder}/port is no serial port", "correct serial.port")
    ]


def test_a_port_that_this_user_may_not_open(depot: Depot, port: Path) -> None:
    settings = depot.write(SECTION)
    port.chmod(0o000)
    with somebody_else():
        found = told(look_at_ports(settings, None))
    assert found == [
        (
            "wrong",
            f"no permission for {port}",
            "add the gateway's user to group dialout: usermod -aG dialout axlebox; then start it "
            "again",
        )
    ]


def test_what_a_gateway_that_runs_says_of_its_ports(depot: Depot, port: Path) -> None:
    settings = depot.write(SECTION)
    taken = f"{port} is used by another program: end that one"
    assert told(look_at_ports(settings, Running(te33a(), links_open={"serial motors": True}))) == [
        ("ok", f"port motors ({port}) is open", "")
    ]
    closed = {"serial motors": False}
    assert told(look_at_ports(settings, Running(te33a(), (taken,), closed))) == [
        ("wrong", f"{port} is used by another program", "end that one")
    ]
    assert told(look_at_ports(settings, Running(te33a(), (), closed))) == [
        (
            "wrong",
            f"the gateway has not opened port motors ({port})",
            "look into its log: journalctl -u axlebox-gateway",
        )
    ]
