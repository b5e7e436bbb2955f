"""What of a board a node has taken: chips, chip selects, pins, addresses, each handed out once.

Pins and buses are handed out in the order of the board's file (hil.boards).
"""

from typing import Any

from gateway.errors import ConfigError
from hil.boards import Board
from hil.sensor_wiring import spare_pins

__all__ = ["BoardRoom"]


class BoardRoom:
    """`chips` are entries of the node's own configuration, `on_i2c`, `on_spi` and `on_pins` those
    of the simulated board's wiring; `adc` takes the next loop, if its period is the same. Raises
    ConfigError where nothing is left."""

    def __init__(self, node: str, board: Board) -> None:
        self.node = node
        self.wiring = board.wiring
        self.chips: list[dict[str, Any]] = []
        self.on_i2c: list[dict[str, Any]] = []
        self.on_spi: list[dict[str, Any]] = []
        self.on_pins: list[dict[str, Any]] = []
        self.adc: dict[str, Any] | None = None
        self.adc_period_ms = 0
        self._selects = list(board.wiring.chip_selects)
        self._spare = spare_pins(board)
        self._pulses = list(board.wiring.pulses)
        self._machines = list(range(board.counters.value)) if board.port == "rp2" else []

    def named(self, kind: str, prefix: str | None = None) -> str:
        """The name of the next chip of a kind."""
        return f"{prefix or kind}{1 + self.count(kind)}"

    def count(self, kind: str) -> int:
        """How many chips of that kind there are."""
        return sum(chip["kind"] == kind for chip in self.chips)

    def select(self, what: str) -> int:
        """The next free chip-select pin."""
        if not self._selects:
            raise self.full(len(self.on_spi), what)
        return self._selects.pop(0)

    def spare(self, kind: str, what: str) -> int:
        """A pin for that kind of chip which the board's wiring leaves free, else the last chip
        select."""
        if not (self._spare or self._selects):
            raise self.full(self.count(kind), what)
        return self._spare.pop(0) if self._spare else self._selects.pop()

    def pulse(self) -> tuple[int, int]:
        """(counter, pin) of the next tacho."""
        unit = self.count("tacho")
        if not self._pulses:
            raise self.full(unit, "tachos")
        if unit in self._machines:
            self._machines.remove(unit)
        return unit, self._pulses.pop(0)

    def machine(self) -> int | None:
        """A state machine, from the last on, for tachos have the first; None where there is none
        on this port."""
        return self._machines.pop() if self._machines else None

    def address(self, kind: str, addresses: tuple[int, ...]) -> int:
        """The next address of a kind of chip on I2C."""
        there = self.count(kind)
        if there == len(addresses):
            raise self.full(there, kind.upper())
        return addresses[there]

    def full(self, most: int, what: str) -> ConfigError:
        """That there is no room for more."""
        return ConfigError(f"node {self.node}: more than {most} {what}; move some to another node")
