"""New firmware over a broker: the command line, a gateway process, a real mosquitto."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from field_update import KEY, NODE, made_bundle
from rigs import running

from gateway.update.bundle import public_key
from hil.broker import PASSWORD, Broker
from hil.rig import Rig

pytestmark = pytest.mark.timeout(600)

GATEWAY = (sys.executable, "-m", "gateway", "gateway")
SEED = 45


@pytest.fixture
def broker(mosquitto_command: list[str], tmp_path: Path) -> Iterator[Broker]:
    started = Broker(mosquitto_command, tmp_path / "broker", ("gateway", NODE))
    started.start()
    yield started
    started.kill()


def by_broker(folder: Path, broker: Broker) -> dict[str, object]:
    """How the node is reached, and whose firmware it is given."""
    password_file = folder / "gateway.password"
    password_file.touch(mode=0o600)
    password_file.write_text(PASSWORD, encoding="utf-8")
    way = {"host": "127.0.0.1", "port": broker.port}
    login = {"locomotive": "TE33A-0001", "username": NODE, "password": PASSWORD}
    return {
        "mqtt": {**way, "username": "gateway", "password_file": password_file.name},
        "settings": {NODE: {"mqtt": {**way, **login}, "uart": None}},
        "update_keys": (public_key(KEY).hex(),),
    }


def ask(rig: Rig, *words: str) -> tuple[int, str]:
    """`axlebox gateway update`, as a process; its exit code and all it printed."""
    done = subprocess.run(
        [*GATEWAY, "update", *words, "-c", str(rig.plan.folder / "axlebox.toml")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=500,
        check=False,
    )
    return done.returncode, done.stdout


def test_a_node_without_a_cable_is_updated_and_no_reading_is_lost(
    tmp_path: Path, broker: Broker
) -> None:
    good = tmp_path / "good.axu"
    good.write_bytes(made_bundle(tmp_path / "good"))
    forged = tmp_path / "forged.axu"
    forged.write_bytes(made_bundle(tmp_path / "forged", key=bytes(32)))
    with running(tmp_path, SEED, nodes=(NODE,), links=by_broker(tmp_path, broker)) as rig:
        code, said = ask(rig, str(forged), "--node", NODE)
        assert (code, "does not trust" in said) == (1, True), said
        code, said = ask(rig, str(good), "--node", NODE)
        assert (code, "add --standing" in said) == (1, True), said
        assert ask(rig, str(good))[0] == 1, "which node?"
        code, said = ask(rig, str(good), "--all", "--standing")
        print(said)
        assert code == 0, said
        assert f"{NODE}: tries it: it has 2 minutes to prove itself" in said
        assert said.splitlines()[-1] == f"{NODE}: runs firmware 0.2.0, and keeps it"
        (node,) = rig.gateway.state()["nodes"]
        assert (node["firmware"], node["link"]) == ("0.2.0", "mqtt")
        code, said = ask(rig, "--json")
        assert (code, json.loads(said)["nodes"][0]["step"]) == (0, "done")
        account = rig.settle(60)
        assert (account.stored, account.lost, account.duplicated) == (account.taken, 0, 0)
