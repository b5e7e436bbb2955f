"""What this node measures and how it is reached: `node.json`, read strictly.

{"node": "motors-a", "board": "pico", "outbox_bytes": 8192, "flush_ms": 90, "led": 25,
 "temperature": "adc4", "supply": {"pin": 29, "full_mv": 9900},
 "uart": {"id": 0, "baud": 921600, "tx": 0, "rx": 1},
 "mqtt": {"host": "192.168.4.1", "port": 1883, "locomotive": "TE33A-0001",
          "username": "motors-a", "password": "...", "ssid": "locomotive", "wifi_password": "..."},
 "i2c": [{"id": 0, "scl": 5, "sda": 4, "freq": 400000}],
 "spi": [{"id": 0, "sck": 18, "mosi": 19, "miso": 16, "baud": 1000000}],
 "chips": [{"name": "adc1", "kind": "ads1115", "i2c": 0, "address": 72, ...},
           {"name": "rtd1", "kind": "max31865", "spi": 0, "cs": 17, ...}],
 "groups": [{"period_ms": 10, "channels": [
     {"quantity": "motor.current", "place": "motor 1", "chip": "adc1", "input": 0,
      "scale": 976562, "offset": -375000000000, "calibration": 0}]}]}

`kind` is a file of `drivers`, which says what else its chips need. Scale, offset and calibration
travel as they are (axwire.table; the drivers say how to compute them). `spill_bytes` is how much
flash readings may take in an outage (0: none); where that is not enough, the oldest become
minimum, mean and maximum of up to `thin_rows` rows (0: they are dropped). `temperature` and
`supply`: how the board measures its own (axnode.vitals). `outbox_bytes`, `spill_bytes`,
`thin_rows`, `flush_ms`, `led`, `temperature`, `supply`, `calibration`, pins and buses may be left
out. `uart` and `mqtt` are in docs/links.md; one of them must be there.

An unknown key, a missing one, a value that cannot be: ConfigError, with the file and the key. How
the file is kept, and what becomes of a node without a usable one, is in axnode.provision.
"""

import json
import sys
from binascii import crc32

from axwire.cose import NAME_CAP
from axwire.places import parse_place
from axwire.quantities import BY_NAME
from axwire.table import CHANNEL_CAP, GROUP_CAP, Channel, Group
from axwire.up import TEXT_CAP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FILE = "node.json"
KEY_FILE = "node.key"
LINK_FILE = "node.link"

_KINDS = (
    "ads1115",
    "max31865",
    "max31856",
    "nau7802",
    "hx711",
    "iis3dwb",
    "adxl345",
    "tacho",
    "contact",
)
_LINK_KEYS = ("node", "board", "led", "uart", "mqtt")
_WHOLE = [0, (1 << 30) - 1]
_WIDE = [-(1 << 62), 1 << 62]
_PIN = [0, 63]
_NODE = {
    "node": str,
    "board": str,
    "outbox_bytes": [8192, 262_144],
    "spill_bytes": [0, 16_777_216],
    "thin_rows": [0, 1_000_000],
    "flush_ms": [10, 1000],
    "led": _PIN,
    "temperature": ("adc4", "mcu", "raw"),
    "supply": dict,
    "uart": dict,
    "mqtt": dict,
    "i2c": list,
    "spi": list,
    "chips": list,
    "groups": list,
}
_NODE_DEFAULTS: "dict[str, Any]" = {
    "outbox_bytes": 8192,
    "spill_bytes": 524_288,
    "thin_rows": 6400,
    "flush_ms": 90,
    "led": None,
    "temperature": None,
    "supply": None,
    "uart": None,
    "mqtt": None,
    "i2c": [],
    "spi": [],
}
_SUPPLY = {"pin": _PIN, "full_mv": [1, 200_000]}
_UART = {"id": [0, 7], "baud": [115_200, 921_600], "tx": _PIN, "rx": _PIN, "de": _PIN}
_USB = {"id": str}
_MQTT = {
    "host": str,
    "port": [1, 65535],
    "locomotive": str,
    "username": str,
    "password": str,
    "tls": str,
    "ssid": str,
    "wifi_password": str,
}
_MQTT_DEFAULTS: "dict[str, Any]" = {
    "port": 1883,
    "username": None,
    "password": None,
    "tls": None,
    "ssid": None,
    "wifi_password": None,
}
_LOCOMOTIVE_CAP = 32
_MQTT_TEXT_CAP = 64
_I2C = {"id": [0, 7], "freq": [10_000, 1_000_000], "scl": _PIN, "sda": _PIN}
_SPI = {"id": [0, 7], "baud": [10_000, 5_000_000], "sck": _PIN, "mosi": _PIN, "miso": _PIN}
_NO_PINS = {"tx": None, "rx": None, "de": None, "scl": None, "sda": None}
_NO_SPI_PINS = {"sck": None, "mosi": None, "miso": None}
_GROUP = {"period_ms": [1, 60_000], "channels": list}
_CHANNEL = {
    "quantity": str,
    "place": str,
    "chip": str,
    "input": [0, 31],
    "scale": _WIDE,
    "offset": _WIDE,
    "calibration": _WHOLE,
}


class ConfigError(ValueError):
    """A file of the node cannot be used: which one, the key, and what was expected."""


class Config:
    """What `node.json` says, checked.

    `number` = CRC-32 of the file, by which its readings tell under which configuration they were
    made. `chips` are dictionaries with `name`, `kind` and what their driver needs; `sources` has,
    group by group, for each channel (chip's index, input). `measuring`: drivers are to be made of
    them. `link` is a configuration without chips and groups.
    """

    def __init__(self, number: int, keys: "dict[str, Any]", measuring: bool) -> None:
        self.number = number
        self.measuring = measuring
        self.link: dict[str, Any] = {"chips": [], "groups": []}
        self.name: str = keys["node"]
        self.board: str = keys["board"]
        self.outbox_bytes: int = keys["outbox_bytes"]
        self.spill_bytes: int = keys["spill_bytes"]
        self.thin_rows: int = keys["thin_rows"]
        self.flush_ms: int = keys["flush_ms"]
        self.led: int | None = keys["led"]
        self.temperature: str | None = keys["temperature"]
        self.supply: dict[str, int] | None = keys["supply"]
        self.uart: dict[str, Any] | None = keys["uart"]
        self.mqtt: dict[str, Any] | None = keys["mqtt"]
        self.i2c: list[dict[str, Any]] = keys["i2c"]
        self.spi: list[dict[str, Any]] = keys["spi"]
        self.chips: list[dict[str, Any]] = keys["chips"]
        self.groups: list[Group] = []
        self.sources: list[list[tuple[int, int]]] = []


def parse(data: bytes, measuring: bool = True) -> Config:
    """What a configuration says. Raises ConfigError.

    Not `measuring`: chips are neither looked at nor loaded, and there may be no group.
    """
    try:
        keys = json.loads(data)
    except ValueError:
        raise ConfigError("%s is not JSON" % FILE)
    checked = _checked(keys, "", _NODE, _NODE_DEFAULTS)
    config = Config(crc32(data) & 0xFFFFFFFF, checked, measuring)
    for key in _LINK_KEYS:
        if key in keys:
            config.link[key] = keys[key]
    _check_text("node", config.name, NAME_CAP)
    _check_text("board", config.board, TEXT_CAP)
    if config.supply is not None:
        config.supply = _checked(config.supply, "supply", _SUPPLY, {})
    if config.uart is not None:
        usb = config.uart.get("id") == "usb"
        config.uart = _checked(config.uart, "uart", _USB if usb else _UART, _NO_PINS)
    if config.mqtt is not None:
        config.mqtt = _broker(config.mqtt)
    if config.uart is None and config.mqtt is None:
        raise ConfigError("%s: key 'uart' or 'mqtt' is missing" % FILE)
    config.i2c = _each(config.i2c, "i2c", _I2C, _NO_PINS)
    config.spi = _each(config.spi, "spi", _SPI, _NO_SPI_PINS)
    if measuring:
        config.chips = [_chip(keys, "chips[%d]" % at) for at, keys in enumerate(config.chips)]
    _check_unique("chips", [chip["name"] for chip in config.chips])
    _check_counters(config.chips)
    _groups(keys["groups"], config)
    return config


def _chip(item: "Any", where: str) -> "dict[str, Any]":
    kind: Any = item.get("kind") if isinstance(item, dict) else None
    if kind not in _KINDS:
        _refuse(where + ".kind", "one of " + ", ".join(_KINDS))
    __import__("drivers." + kind)
    driver = sys.modules["drivers." + kind]
    known: dict[str, Any] = {"name": str, "kind": str}
    known.update(driver.SETTINGS)
    return _checked(item, where, known, driver.DEFAULTS)


def _check_counters(chips: "list[dict[str, Any]]") -> None:
    """State machines and pulse counters serve one chip each. `sm` and `unit` are the same things:
    no port has both."""
    taken = []
    for at, chip in enumerate(chips):
        for key in ("sm", "unit"):
            if chip.get(key) is not None:
                if chip[key] in taken:
                    _refuse("chips[%d].%s" % (at, key), "one that no other chip has")
                taken.append(chip[key])


def _groups(items: "list[Any]", config: Config) -> None:
    if not config.measuring <= len(items) <= GROUP_CAP:
        _refuse("groups", "1 to %d groups" % GROUP_CAP)
    chips = [chip["name"] for chip in config.chips]
    taken: list[tuple[int, int]] = []
    first = 0
    for number, item in enumerate(items):
        where = "groups[%d]" % number
        keys = _checked(item, where, _GROUP, {})
        if not 0 < len(keys["channels"]) <= CHANNEL_CAP:
            _refuse(where + ".channels", "1 to %d channels" % CHANNEL_CAP)
        channels = []
        sources = []
        for index, channel in enumerate(keys["channels"]):
            at = "%s.channels[%d]" % (where, index)
            channel = _checked(channel, at, _CHANNEL, {"input": 0, "calibration": 0})
            channels.append(_channel(channel, at))
            if channel["chip"] not in chips:
                _refuse(at + ".chip", "one of " + ", ".join(chips))
            source = (chips.index(channel["chip"]), channel["input"])
            if source in taken:
                _refuse(at + ".input", "an input that no other channel has")
            taken.append(source)
            sources.append(source)
        config.groups.append(Group(number, first, keys["period_ms"], channels))
        config.sources.append(sources)
        first += len(channels)


def _channel(keys: "dict[str, Any]", where: str) -> Channel:
    if keys["quantity"] not in BY_NAME:
        _refuse(where + ".quantity", "a quantity of axwire.quantities")
    try:
        place = parse_place(keys["place"])
    except ValueError as error:
        raise ConfigError("%s: %s.place: %s" % (FILE, where, error))
    if not keys["scale"]:
        _refuse(where + ".scale", "not 0")
    quantity = BY_NAME[keys["quantity"]].number
    return Channel(quantity, place, keys["scale"], keys["offset"], keys["calibration"])


def _broker(item: "dict[str, Any]") -> "dict[str, Any]":
    keys = _checked(item, "mqtt", _MQTT, _MQTT_DEFAULTS)
    parts = keys["host"].split(".")
    if len(parts) != 4 or not all(part.isdigit() and int(part) < 256 for part in parts):
        _refuse("mqtt.host", "an IPv4 address: to look a name up holds the sampling up")
    for key in _MQTT:
        if isinstance(keys[key], str):
            _check_text("mqtt." + key, keys[key], _MQTT_TEXT_CAP)
    _check_text("mqtt.locomotive", keys["locomotive"], _LOCOMOTIVE_CAP)
    for character in "+#/":
        if character in keys["locomotive"]:
            _refuse("mqtt.locomotive", "without + # /")
    if keys["tls"] is not None:
        _check_authority(keys["tls"], keys["host"])
    return keys


def _check_authority(path: str, host: str) -> None:
    """Whether TLS can be had with this file."""
    try:
        from axnode.mqtt_tls import Tls
    except ImportError:
        raise ConfigError("%s: mqtt.tls: this board's MicroPython has no TLS" % FILE)
    try:
        Tls(path, host)
    except (OSError, ValueError) as error:
        raise ConfigError("%s: mqtt.tls: %s is no certificate: %s" % (FILE, path, error))


def _each(
    items: "list[Any]", where: str, known: "dict[str, Any]", defaults: "dict[str, Any]"
) -> "list[dict[str, Any]]":
    checked = [
        _checked(keys, "%s[%d]" % (where, at), known, defaults) for at, keys in enumerate(items)
    ]
    _check_unique(where, [keys["id"] for keys in checked])
    return checked


def _checked(
    keys: "Any", where: str, known: "dict[str, Any]", defaults: "dict[str, Any]"
) -> "dict[str, Any]":
    """The keys with their defaults. Each must be known, and there unless it has a default."""
    if not isinstance(keys, dict):
        _refuse(where, "an object")
    inside = where + "." if where else ""
    for key in keys:
        if key not in known:
            raise ConfigError("%s: unknown key '%s%s'" % (FILE, inside, key))
    checked = {}
    for key in known:
        if key in keys:
            checked[key] = _value(keys[key], inside + key, known[key])
        elif key in defaults:
            checked[key] = defaults[key]
        else:
            raise ConfigError("%s: key '%s%s' is missing" % (FILE, inside, key))
    return checked


def _value(value: "Any", where: str, kind: "Any") -> "Any":
    if isinstance(kind, list):
        if type(value) is not int or not kind[0] <= value <= kind[1]:
            _refuse(where, "an integer from %d to %d" % (kind[0], kind[1]))
    elif isinstance(kind, tuple):
        if value not in kind:
            _refuse(where, "one of " + ", ".join([str(choice) for choice in kind]))
    elif not isinstance(value, kind):
        _refuse(where, {str: "a text", list: "a list", dict: "an object"}[kind])
    return value


def _check_text(where: str, text: str, cap: int) -> None:
    if not 0 < len(text.encode()) <= cap:
        _refuse(where, "a text of 1 to %d bytes" % cap)


def _check_unique(where: str, names: "list[Any]") -> None:
    for at, name in enumerate(names):
        if name in names[:at]:
            raise ConfigError("%s: %s: %s is there twice" % (FILE, where, name))


def _refuse(where: str, expected: str) -> None:
    raise ConfigError("%s: %s must be %s" % (FILE, where or "its content", expected))
