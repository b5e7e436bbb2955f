"""Which pin of the Pico goes where. One fixed wiring, so that docs/stimulus.md can show it."""

from machine import I2C, SPI, Pin

from stimulus.ad5235 import Ad5235
from stimulus.mcp4728 import Mcp4728
from stimulus.outputs import Contact, Loop, Tacho
from stimulus.potted import Bridge, Pt100, Shaker
from stimulus.pulses import Pulses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from stimulus.outputs import Output

SDA, SCL = 4, 5
LOOP_DISABLES = (6, 7, 8, 9)
PULSES = (10, 11)
CONTACTS = (12, 13)
SHAKER = 14
SUPPLY_OFF = 15
"""High: the relay takes the supply from the board under test. A unit without power takes none."""

MISO, SCK, MOSI = 16, 18, 19
THERMOMETERS, SHAKEN = 17, 20
"""Chip select of the AD5235 for the PT100, and of that for bridge and shaker."""

CLOSED = (21, 22)
"""High: the relay closes the circuit of a PT100."""


class Wired:
    """What is there: outputs by number, `problems` in words, the DAC if it answers."""

    def __init__(self) -> None:
        self.outputs: list[Output] = []
        self.problems: list[str] = []
        self.dac: Mcp4728 | None = None
        self.supply_off = Pin(SUPPLY_OFF, Pin.OUT, value=0)


def connect() -> Wired:
    """Find out what is wired: what is behind a chip is there if that answers."""
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
    _connect_potentiometers(wired)
    return wired


def _connect_potentiometers(wired: Wired) -> None:
    selects = [Pin(pin, Pin.OUT, value=1) for pin in (THERMOMETERS, SHAKEN)]
    closed = [Pin(pin, Pin.OUT, value=0) for pin in CLOSED]
    tone = Pulses(len(PULSES), Pin(SHAKER, Pin.OUT, value=0))
    bus = SPI(0, baudrate=1_000_000, sck=Pin(SCK), mosi=Pin(MOSI), miso=Pin(MISO))
    try:
        chip = Ad5235(bus, selects[0])
        for channel, pin in enumerate(closed):
            wired.outputs.append(Pt100("pt100 %d" % (channel + 1), chip, channel, pin))
    except OSError:
        wired.problems.append("no AD5235 answers at GP%d, so there are no PT100" % THERMOMETERS)
    try:
        chip = Ad5235(bus, selects[1])
        wired.outputs.append(Bridge("bridge 1", chip, 0))
        wired.outputs.append(Shaker("shaker 1", chip, 1, tone))
    except OSError:
        wired.problems.append(
            "no AD5235 answers at GP%d, so there are no bridge and no shaker" % SHAKEN
        )
