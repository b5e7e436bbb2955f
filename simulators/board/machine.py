"""What the firmware imports as `machine` on the simulated board (see the package)."""

from simulators.board.board import current
from simulators.board.buses import I2C, SPI
from simulators.board.pins import ADC, Pin
from simulators.board.power import (
    DEEPSLEEP_RESET,
    EXIT_BOOT_LOADER,
    EXIT_RESET,
    EXIT_SOFT_RESET,
    HARD_RESET,
    PWRON_RESET,
    SOFT_RESET,
    WDT_RESET,
)
from simulators.board.ticks import sleep_us
from simulators.board.timers import WDT, Timer
from simulators.board.uart import UART

__all__ = [
    "ADC",
    "DEEPSLEEP_RESET",
    "HARD_RESET",
    "I2C",
    "PWRON_RESET",
    "SOFT_RESET",
    "SPI",
    "UART",
    "WDT",
    "WDT_RESET",
    "Pin",
    "Timer",
    "bootloader",
    "disable_irq",
    "enable_irq",
    "freq",
    "idle",
    "lightsleep",
    "reset",
    "reset_cause",
    "soft_reset",
    "unique_id",
]


def unique_id() -> bytes:
    """The board's own number, from the wiring file."""
    return current().hardware.unique_id


def freq() -> int:
    """The processor's clock in Hz, from the wiring file."""
    return current().hardware.freq_hz


def reset() -> None:
    """End the process at once, with power.EXIT_RESET for the supervisor that starts it again."""
    current().leave(EXIT_RESET)


def soft_reset() -> None:
    """As `reset`, with power.EXIT_SOFT_RESET."""
    current().leave(EXIT_SOFT_RESET)


def bootloader(timeout_ms: int = 0) -> None:
    """As `reset`, with power.EXIT_BOOT_LOADER: the chip's own loader waits for a new image."""
    current().leave(EXIT_BOOT_LOADER)


def reset_cause() -> int:
    """Why this run began, as the supervisor said."""
    return current().cause


def idle() -> None:
    """Let time pass."""
    current().touch()
    sleep_us(1000)


def lightsleep(time_ms: int = 1) -> None:
    """Sleep; nothing wakes the board before the time is over."""
    sleep_us(time_ms * 1000)
    current().touch()


def disable_irq() -> int:
    """Nothing interrupts: no time passes on the wires between two changes of a pin's level."""
    hardware = current().hardware
    hardware.hold_line(hardware.line_us())
    return 1


def enable_irq(state: int) -> None:
    """Undo `disable_irq`."""
    current().hardware.release_line()
