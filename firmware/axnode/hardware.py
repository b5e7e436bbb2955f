"""The buses, pins and chips that the configuration names, made from `machine`.

Needed at start-up only: nothing made here refers to this module or to the configuration.
"""

import sys

from machine import I2C, SPI, UART, Pin
from micropython import const

from axnode.block import Block
from axnode.config import FILE, ConfigError
from axnode.reports import rows_cap
from axnode.sampler import Row, Scan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from axnode.config import Config
    from axnode.vitals import Vitals

_I2C_TIMEOUT_US = const(2000)
"""How long a bus that a chip holds down may delay the others."""

_UART_BUFFER = const(512)


class Parts:
    """Everything a node consists of, and nothing that keeps the configuration in memory.

    Raises ConfigError for what the board or its chips cannot do.
    """

    def __init__(self, config: "Config", key: bytes) -> None:
        board = Board(config)
        self.name = config.name
        self.key = key
        self.board = config.board
        self.configuration = config.number
        self.outbox_bytes = config.outbox_bytes
        self.spill_bytes = config.spill_bytes
        self.flush_ms = config.flush_ms
        self.groups = config.groups
        self.uart = None if config.uart is None else board.uart(config.uart)
        self.baud: int = 0 if config.uart is None else config.uart["baud"]
        driver = None if config.uart is None else config.uart["de"]
        self.rs485 = None if driver is None else board.output(driver, 0)
        self.mqtt = config.mqtt
        self.led = None if config.led is None else board.output(config.led, 0)
        self.vitals = _vitals(config)
        self.rows: list[Row] = []
        self.scans: list[Scan] = []
        if config.measuring:
            self._measure(config, board)

    def _measure(self, config: "Config", board: "Board") -> None:
        drivers = [_driver(keys, board) for keys in config.chips]
        scans = [Scan(driver, [], number) for number, driver in enumerate(drivers)]
        for group in config.groups:
            sources = config.sources[group.number]
            for index, number in sources:
                if number >= drivers[index].inputs:
                    chip = config.chips[index]["name"]
                    raise ConfigError("%s: chip %s has no input %d" % (FILE, chip, number))
            wide = any(drivers[index].wide for index, _ in sources)
            most = rows_cap(config.name, len(sources), 4 if wide else 2)
            capacity = min(most, config.flush_ms // group.period_ms + 2)
            row = Row(Block(group, wide, capacity), [number for _, number in sources], most)
            for slot in row.slots:
                scans[sources[slot.column][0]].slots.append(slot)
            self.rows.append(row)
            group.pack()
        self.scans = [scan for scan in scans if scan.slots]


class Board:
    """Hands out what the board has, each bus once. Raises ConfigError for what it lacks."""

    def __init__(self, config: "Config") -> None:
        self._config = config
        self._i2c: dict[int, I2C] = {}
        self._spi: dict[int, SPI] = {}

    def uart(self, keys: "dict[str, Any]") -> UART:
        """The line to the gateway; neither reading nor writing waits."""
        pins = _pins(keys, ("tx", "rx"))
        return UART(
            keys["id"],
            keys["baud"],
            timeout=0,
            rxbuf=_UART_BUFFER,
            txbuf=_UART_BUFFER,
            **pins,
        )

    def i2c(self, number: int) -> I2C:
        if number not in self._i2c:
            keys = _bus(self._config.i2c, "i2c", number)
            pins = _pins(keys, ("scl", "sda"))
            self._i2c[number] = I2C(number, freq=keys["freq"], timeout=_I2C_TIMEOUT_US, **pins)
        return self._i2c[number]

    def spi(self, number: int) -> SPI:
        """A bus in mode 3, which every chip here speaks."""
        if number not in self._spi:
            keys = _bus(self._config.spi, "spi", number)
            pins = _pins(keys, ("sck", "mosi", "miso"))
            self._spi[number] = SPI(number, baudrate=keys["baud"], polarity=1, phase=1, **pins)
        return self._spi[number]

    def output(self, number: int, level: int) -> Pin:
        return Pin(number, Pin.OUT, value=level)


def _driver(keys: "dict[str, Any]", board: Board) -> "Any":
    try:
        return sys.modules["drivers." + keys["kind"]].make(keys, board)
    except ConfigError:
        raise
    except ValueError as error:
        raise ConfigError("%s: chip %s: %s" % (FILE, keys["name"], error))


def _vitals(config: "Config") -> "Vitals | None":
    if config.temperature is None and config.supply is None:
        return None
    from axnode.vitals import Vitals

    return Vitals(config.temperature, config.supply)


def _bus(buses: "list[dict[str, Any]]", kind: str, number: int) -> "dict[str, Any]":
    for keys in buses:
        if keys["id"] == number:
            return keys
    raise ConfigError("%s: there is no %s with id %d" % (FILE, kind, number))


def _pins(keys: "dict[str, Any]", names: "tuple[str, ...]") -> "dict[str, Any]":
    """The pins that are given; the port knows the others."""
    return {name: Pin(keys[name]) for name in names if keys[name] is not None}
