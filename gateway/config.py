"""The gateway's configuration, `axlebox.toml`. A key that nobody reads is an error.

Paths are relative to the file they stand in. docs/configuration.md lists every key.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from axwire.cose import KEY_BYTES, NAME_CAP, MacKey
from msgspec import Meta, Struct

from gateway.errors import ConfigError, explain

__all__ = [
    "AlarmsConfig",
    "ClockConfig",
    "ControlConfig",
    "GatewayConfig",
    "InfluxConfig",
    "LocomotiveConfig",
    "MqttConfig",
    "NodeConfig",
    "PageConfig",
    "SenmlConfig",
    "SerialConfig",
    "SpoolConfig",
    "UpdateConfig",
    "as_path",
    "load_config",
    "load_keys",
    "load_password",
    "load_token",
    "update_keys",
]

Name = Annotated[str, Meta(min_length=1, max_length=NAME_CAP, pattern=r"^[a-z0-9][a-z0-9-]*$")]
Megabytes = Annotated[int, Meta(ge=1, le=1_000_000)]


class LocomotiveConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which locomotive this is; goes to the page and into every point."""

    id: Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9._-]+$")]
    profile: Annotated[
        str, Meta(min_length=1, max_length=4096, pattern=r"^[a-z0-9][a-z0-9-]*$|\.toml$")
    ] = "te33a"


class NodeConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A board that may speak to this gateway, and the file with its key (64 hex digits)."""

    name: Name
    key_file: Path


class SerialConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A serial port with one node or several behind it."""

    name: Name
    port: Path
    baud: Annotated[int, Meta(ge=9600, le=4_000_000)] = 921_600


class MqttConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The broker that nodes without a cable speak over; docs/mosquitto.conf sets one up."""

    host: Annotated[str, Meta(min_length=1)]
    port: Annotated[int, Meta(ge=1, le=65535)] = 1883
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None

    @property
    def where(self) -> str:
        """In words, for people."""
        return f"{self.host}:{self.port}"

    @property
    def who(self) -> str:
        """As whom we log in, in words."""
        return "a client without a name" if self.username is None else f"user {self.username}"


class SenmlConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What other systems on board hear at the broker of `[mqtt]`: docs/senml.md. The nodes' own
    topics begin with `axlebox`, so none of these may."""

    topic: Annotated[
        str,
        Meta(max_length=200, pattern=r"^(?!axlebox(/|$))[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$"),
    ] = "senml"
    period_s: Annotated[int, Meta(ge=1, le=3600)] = 1


class SpoolConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The durable store."""

    folder: Path = Path("spool")
    limit_mb: Megabytes = 8000
    segment_mb: Annotated[int, Meta(ge=1, le=256)] = 16
    commit_ms: Annotated[int, Meta(ge=10, le=10_000)] = 1000
    buffer_mb: Annotated[int, Meta(ge=1, le=1024)] = 16
    reserve_mb: Annotated[int, Meta(ge=0, le=1024)] = 32


class ClockConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whether this machine's wall time is believed, as the kernel says, or always, or never, and
    how long a server that answers waits for rows while it is not."""

    trust: Literal["system", "always", "never"] = "system"
    wait_s: Annotated[int, Meta(ge=0, le=604_800)] = 3600

    @property
    def longest_wait_s(self) -> int:
        """0 where waiting is of no use."""
        return 0 if self.trust == "never" else self.wait_s


class InfluxConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the forwarder writes: any server with the InfluxDB v2 write API."""

    url: Annotated[str, Meta(pattern=r"^https?://[^/]+")]
    bucket: Annotated[str, Meta(min_length=1)] = "axlebox"
    org: str = "axlebox"
    token_file: Path | None = None
    batch_values: Annotated[int, Meta(ge=1, le=1_000_000)] = 20_000
    gzip: bool = True


class PageConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the crew page is served, loopback unless told otherwise, and who may act there:
    who knows the PIN in `pin_file`, and a browser on this machine if it is the `trusted_panel`."""

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8080
    pin_file: Path | None = None
    trusted_panel: bool = False


class ControlConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where `axlebox gateway command` finds the running gateway; no network reaches it."""

    socket: Path | None = None


class AlarmsConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a depot changes of the rules; docs/alarms.md."""

    rules: Path | None = None


class UpdateConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whose firmware nodes are given: public Ed25519 keys, as 64 hex digits each."""

    keys: list[Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]] | None = None


class GatewayConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All of `axlebox.toml`."""

    locomotive: LocomotiveConfig
    nodes: list[NodeConfig] = []
    serial: list[SerialConfig] = []
    mqtt: MqttConfig | None = None
    senml: SenmlConfig | None = None
    spool: SpoolConfig = SpoolConfig()
    clock: ClockConfig = ClockConfig()
    influx: InfluxConfig | None = None
    page: PageConfig = PageConfig()
    control: ControlConfig = ControlConfig()
    alarms: AlarmsConfig = AlarmsConfig()
    update: UpdateConfig = UpdateConfig()


def control_socket(config: GatewayConfig) -> Path:
    """The Unix domain socket that takes commands."""
    return config.control.socket or config.spool.folder / "control.sock"


def load_config(path: Path) -> GatewayConfig:
    """Read and check the file; relative paths come back absolute. Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: there is no such file; name one with --config, "
            "docs/configuration.md has an example to start from"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    try:
        config = msgspec.toml.decode(text, type=GatewayConfig, dec_hook=as_path)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {explain(str(error), 'docs/configuration.md')}") from None
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from None
    _check_unique(path, "nodes", [node.name for node in config.nodes])
    _check_unique(path, "serial", [port.name for port in config.serial])
    if config.mqtt is not None and config.mqtt.password_file and config.mqtt.username is None:
        raise ConfigError(f"{path}: mqtt.password_file needs mqtt.username")
    if config.senml is not None and config.mqtt is None:
        raise ConfigError(f"{path}: [senml] publishes at the broker of [mqtt]: write that too")
    _check_unique(path, "serial port", [str(port.port) for port in config.serial])
    return _with_absolute_paths(config, path.absolute().parent)


def load_keys(config: GatewayConfig) -> dict[str, MacKey]:
    """Every node's key by node name. Raises ConfigError; the text never shows key material."""
    keys = {}
    for node in config.nodes:
        path = node.key_file
        try:
            text = path.read_text(encoding="ascii").strip()
            keys[node.name] = MacKey(bytes.fromhex(text))
        except OSError as error:
            raise ConfigError(
                f"key of node {node.name}: {path} cannot be read ({error.strerror}); "
                "put the key file there that the node was provisioned with"
            ) from None
        except ValueError:
            raise ConfigError(
                f"key of node {node.name}: {path} must hold {KEY_BYTES * 2} hex digits and "
                "nothing else"
            ) from None
        _check_secret(f"key of node {node.name}", path)
    return keys


def update_keys(config: GatewayConfig) -> list[bytes]:
    """The public keys whose firmware is trusted."""
    return [bytes.fromhex(key) for key in config.update.keys or ()]


def load_password(config: MqttConfig) -> str | None:
    """The broker's password. Raises ConfigError; the text never shows it."""
    path = config.password_file
    if path is None:
        return None
    try:
        password = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"mqtt.password_file: {path}: {error}") from None
    if path.stat().st_mode & 0o077:
        raise ConfigError(f"mqtt.password_file: others can read {path}; run: chmod 600 {path}")
    return password


def load_token(config: InfluxConfig, environment: str | None) -> str | None:
    """The server's token: from AXLEBOX_INFLUX_TOKEN (given here), else from `token_file`."""
    if environment:
        return environment
    if config.token_file is None:
        return None
    try:
        token = config.token_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"influx.token_file: {config.token_file}: {error}") from None
    _check_secret("influx.token_file", config.token_file)
    return token


def _check_secret(what: str, path: Path) -> None:
    if path.stat().st_mode & 0o077:
        raise ConfigError(f"{what}: others can read {path}; run: chmod 600 {path}")


def as_path(kind: type, value: Any) -> Any:
    """For msgspec, which knows no paths."""
    if isinstance(value, str):
        return kind(value)
    raise TypeError(f"Expected a path as `str`, got `{type(value).__name__}`")


def _check_unique(path: Path, what: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"{path}: {what} {name} is listed twice; each must be unique")


def _with_absolute_paths(config: GatewayConfig, base: Path) -> GatewayConfig:
    influx = config.influx
    if influx is not None and influx.token_file is not None:
        influx = msgspec.structs.replace(influx, token_file=base / influx.token_file)
    mqtt = config.mqtt
    if mqtt is not None:
        mqtt = msgspec.structs.replace(
            mqtt,
            password_file=mqtt.password_file and base / mqtt.password_file,
            ca_file=mqtt.ca_file and base / mqtt.ca_file,
        )
    locomotive = config.locomotive
    if locomotive.profile.endswith(".toml"):
        locomotive = msgspec.structs.replace(locomotive, profile=str(base / locomotive.profile))
    return msgspec.structs.replace(
        config,
        locomotive=locomotive,
        nodes=[
            msgspec.structs.replace(node, key_file=base / node.key_file) for node in config.nodes
        ],
        serial=[msgspec.structs.replace(port, port=base / port.port) for port in config.serial],
        spool=msgspec.structs.replace(config.spool, folder=base / config.spool.folder),
        mqtt=mqtt,
        influx=influx,
        page=msgspec.structs.replace(
            config.page, pin_file=config.page.pin_file and base / config.page.pin_file
        ),
        control=ControlConfig(socket=config.control.socket and base / config.control.socket),
        alarms=AlarmsConfig(rules=config.alarms.rules and base / config.alarms.rules),
    )
