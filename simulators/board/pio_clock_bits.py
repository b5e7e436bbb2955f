"""The PIO program `clock_bits`, which reads an HX711: it is run instruction by instruction."""

from simulators.board.pio import Model

__all__ = ["Model"]
