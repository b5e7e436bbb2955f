"""What the stimulus unit runs after start-up. Ctrl-C within WINDOW_MS gives a prompt."""

from time import sleep_ms

WINDOW_MS = 1500

sleep_ms(WINDOW_MS)

from stimulus.console import run  # noqa: E402
from stimulus.unit import Unit  # noqa: E402
from stimulus.wiring import connect  # noqa: E402

run(Unit(connect()))
