"""Which pin of the Pico goes where. One fixed wiring, so that docs/stimulus.md can show it."""

from machine import I2C, Pin

from stimulus.mcp4728 import Mcp4728
from stimulus.outputs import Contact, Loop, Tacho
from stimulus.pulses import Pulses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from stimulus.outputs import Output

SDA, SCL = 4, 5
LOOP_DISABLES = (6, 7, 8, 9)
PULSES = (10, 11)
CONTACTS = (12, 13)
SUPPLY_OFF = 15
"""High: the relay takes the supply from the board under test. A unit without power takes none."""


class Wired:
    """What is there: outputs by number, `problems` in words, the DAC if it answers."""

    def __init__(self) -> None:
        self.outputs: list[Output] = []
        self.problems: list[str] = []
        self.dac: Mcp4728 | None = None
        self.supply_off = Pin(SUPPLY_OFF, Pin.OUT, value=0)


def connect() -> Wired:
    """Find out what is wired; loops are there if their DAC answers."""
    wired = Wired()
    disables = [Pin(pin, Pin.OUT, value=1) for pin in LOOP_DISABLES]
    try:
        dac = Mcp4728(I2C(0, scl=Pin(SCL), sda=Pin(SDA), freq=400_000))
        wired.dac = dac
        for channel, disable in enumerate(disables):
            wired.outputs.append(Loop("loop %d" % (channel + 1), dac, channel, disable))
    except OSError:
        wired.problems.append("no MCP4728 answers at 0x60, so there are no loops")
    for number, pin in enumerate(PULSES):
        pulses = Pulses(number, Pin(pin, Pin.OUT, value=0))
        wired.outputs.append(Tacho("tacho %d" % (number + 1), pulses))
    for number, pin in enumerate(CONTACTS):
        name = "contact %d" % (number + 1)
        wired.outputs.append(Contact(name, Pin(pin, Pin.OUT, value=0)))
    return wired
