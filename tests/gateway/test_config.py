"""Mistakes in a file that a person wrote: each is named with its key, its file and a remedy."""

from pathlib import Path

import pytest
from axwire.cose import UP

from gateway.config import (
    GatewayConfig,
    InfluxConfig,
    NodeConfig,
    load_config,
    load_keys,
    load_token,
)
from gateway.errors import ConfigError

LEAST = '[locomotive]\nid = "TE33A-0001"\n'
NODE = '[[nodes]]\nname = "motors-a"\nkey_file = "motors-a.key"\n'
PORT = '[[serial]]\nname = "motors"\nport = "/dev/ttyUSB0"\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "axlebox.toml"
    path.write_text(text, encoding="utf-8")
    return path


def complaint(path: Path) -> str:
    """What loading the file says."""
    with pytest.raises(ConfigError) as raised:
        load_config(path)
    return str(raised.value)


def test_the_least_that_is_needed_is_the_locomotive(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, LEAST))
    assert (config.locomotive.id, config.locomotive.profile) == ("TE33A-0001", "te33a")
    assert (config.nodes, config.serial, config.influx) == ([], [], None)
    assert (config.page.host, config.page.port) == ("127.0.0.1", 8080)


def test_relative_paths_begin_at_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = LEAST + NODE + '[[serial]]\nname = "m"\nport = "ports/m"\n' + PORT
    text += '[influx]\nurl = "http://127.0.0.1:8086"\ntoken_file = "token"\n'
    write(tmp_path, text)
    monkeypatch.chdir(tmp_path.parent)
    config = load_config(Path(tmp_path.name) / "axlebox.toml")
    assert config.nodes[0].key_file == tmp_path / "motors-a.key"
    assert [port.port for port in config.serial] == [tmp_path / "ports/m", Path("/dev/ttyUSB0")]
    assert config.spool.folder == tmp_path / "spool"
    assert config.influx is not None
    assert config.influx.token_file == tmp_path / "token"


MISTAKES = {
    "unknown section": (LEAST + "[spol]\nlimit_mb = 5\n", "unknown key spol; remove it or"),
    "unknown key": (LEAST + "[page]\nprot = 1\n", "unknown key page.prot; remove it or correct"),
    "unknown key in a list": (LEAST + NODE + 'tpye = "x"\n', "unknown key nodes[0].tpye; remove"),
    "SenML without a broker": (
        LEAST + "[senml]\n",
        "[senml] publishes at the broker of [mqtt]: write that too",
    ),
    "SenML in the nodes' topics": (
        LEAST + '[mqtt]\nhost = "b"\n[senml]\ntopic = "axlebox/x"\n',
        "key senml.topic: ",
    ),
    "missing section": ("[page]\nport = 1\n", "key locomotive is missing"),
    "missing key": (LEAST + '[[nodes]]\nname = "a"\n', "key nodes[0].key_file is missing"),
    "number for a section": ("locomotive = 3\n", "key locomotive: Expected `object`, got `int`"),
    "number for a text": (
        "[locomotive]\nid = 3\n",
        "key locomotive.id: Expected `str`, got `int`",
    ),
    "number for a path": (
        LEAST + '[[nodes]]\nname = "a"\nkey_file = 5\n',
        "key nodes[0].key_file: Expected a path as `str`, got `int`",
    ),
    "number for an optional path": (
        LEAST + '[influx]\nurl = "http://x"\ntoken_file = 1\n',
        "key influx.token_file: Expected",
    ),
    "text for a number": (LEAST + '[page]\nport = "80"\n', "key page.port: Expected `int`, got"),
    "too large": (LEAST + "[page]\nport = 99999\n", "key page.port: Expected `int` <= 65535"),
    "too small": (LEAST + "[spool]\ncommit_ms = 1\n", "key spool.commit_ms: Expected `int` >= 10"),
    "not a choice": (LEAST + '[clock]\ntrust = "maybe"\n', "key clock.trust: Invalid enum value"),
    "bad name": (
        LEAST + '[[nodes]]\nname = "Motors A"\nkey_file = "k"\n',
        "key nodes[0].name: Expected `str` matching",
    ),
    "no address": (LEAST + '[influx]\nurl = "server:8086"\n', "key influx.url: Expected `str`"),
    "password without a name": (
        LEAST + '[mqtt]\nhost = "x"\npassword_file = "p"\n',
        "mqtt.password_file needs mqtt.username",
    ),
    "not TOML": ("[locomotive\n", "not TOML: "),
    "two nodes of a name": (
        LEAST + NODE + NODE,
        "nodes motors-a is listed twice; each must be unique",
    ),
    "two ports of a name": (
        LEAST + PORT + PORT.replace("USB0", "USB1"),
        "serial motors is listed twice",
    ),
    "one port twice": (
        LEAST + PORT + PORT.replace("motors", "axles"),
        "serial port /dev/ttyUSB0 is listed twice",
    ),
}


@pytest.mark.parametrize(("text", "words"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_with_its_file(tmp_path: Path, text: str, words: str) -> None:
    path = write(tmp_path, text)
    assert complaint(path).startswith(f"{path}: {words}")


@pytest.mark.parametrize("text", [text for text, words in MISTAKES.values() if "key " in words])
def test_a_mistake_in_a_key_points_to_the_list_of_keys(tmp_path: Path, text: str) -> None:
    assert "(docs/configuration.md " in complaint(write(tmp_path, text))


def test_a_value_that_cannot_be_is_told_with_what_it_may_be(tmp_path: Path) -> None:
    path = write(tmp_path, LEAST + "[page]\nport = 99999\n")
    assert complaint(path) == (
        f"{path}: key page.port: Expected `int` <= 65535 "
        "(docs/configuration.md says what it may be)"
    )


def test_a_file_that_is_not_there_is_named_with_the_option(tmp_path: Path) -> None:
    path = tmp_path / "axlebox.toml"
    said = complaint(path)
    assert said.startswith(f"{path}: there is no such file; name one with --config")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert complaint(tmp_path).startswith(f"{tmp_path}: cannot be read: ")
    path = tmp_path / "axlebox.toml"
    path.write_bytes(b'[locomotive]\nid = "\xff"\n')
    assert complaint(path).startswith(f"{path}: cannot be read: ")


def config_with_key(path: Path) -> GatewayConfig:
    load = load_config(write(path.parent, LEAST + NODE))
    assert load.nodes == [NodeConfig(name="motors-a", key_file=path)]
    return load


def test_a_key_is_64_hex_digits(tmp_path: Path) -> None:
    path = tmp_path / "motors-a.key"
    path.touch(mode=0o600)
    path.write_text("00" * 31 + "FF\n", encoding="ascii")
    key = load_keys(config_with_key(path))["motors-a"]
    assert len(key.tag(UP, b"")) == 8


@pytest.mark.parametrize("content", [b"00" * 31, b"00" * 33, b"zz" * 32, b"\xff" * 64, b""])
def test_a_bad_key_file_is_named_and_never_shown(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "motors-a.key"
    path.touch(mode=0o600)
    path.write_bytes(content)
    with pytest.raises(ConfigError) as raised:
        load_keys(config_with_key(path))
    assert str(raised.value) == (
        f"key of node motors-a: {path} must hold 64 hex digits and nothing else"
    )


def test_a_missing_key_file_is_named_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "motors-a.key"
    with pytest.raises(ConfigError) as raised:
        load_keys(config_with_key(path))
    assert str(raised.value) == (
        f"key of node motors-a: {path} cannot be read (No such file or directory); put the key "
        "file there that the node was provisioned with"
    )


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_key_that_others_can_read_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "motors-a.key"
    path.write_text("00" * 32, encoding="ascii")
    path.chmod(mode)
    with pytest.raises(ConfigError) as raised:
        load_keys(config_with_key(path))
    assert str(raised.value) == (
        f"key of node motors-a: others can read {path}; run: chmod 600 {path}"
    )


def test_the_token_comes_from_the_environment_else_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("from the file\n", encoding="utf-8")
    path.chmod(0o600)
    config = InfluxConfig(url="http://127.0.0.1:8086", token_file=path)
    assert load_token(config, "from the environment") == "from the environment"
    assert load_token(config, None) == "from the file"
    assert load_token(InfluxConfig(url="http://127.0.0.1:8086"), None) is None


def test_a_token_that_others_can_read_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("secret", encoding="utf-8")
    path.chmod(0o644)
    config = InfluxConfig(url="http://127.0.0.1:8086", token_file=path)
    with pytest.raises(ConfigError) as raised:
        load_token(config, None)
    assert str(raised.value) == (
        f"influx.token_file: others can read {path}; run: chmod 600 {path}"
    )


def test_a_token_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    config = InfluxConfig(url="http://127.0.0.1:8086", token_file=tmp_path / "token")
    with pytest.raises(ConfigError, match=r"influx\.token_file: .*/token"):
        load_token(config, None)
