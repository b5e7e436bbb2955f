"""Makes the node that this board is, and frees all that only this needs. At start-up only.

A board has little memory, and what makes things is a fifth of the firmware: whole modules, names
in others, and the constructors of what is made once.
"""

import asyncio
import sys

from axnode.node import Node
from axnode.provision import Provision
from axnode.ticks import BootClock
from axnode.unloading import unload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from machine import WDT

    from axnode.boot import Start
    from axnode.hardware import Parts
    from axnode.session import Link

_MODULES = (
    "axnode.boot axnode.provision axnode.store axnode.trial axnode.hardware axnode.config "
    "axwire.quantities axwire.places"
)
_IN_DRIVERS = "make SETTINGS DEFAULTS asm_pio code_of resistance"
_IN_MODULES = "connect subscribe rows_cap payload_cap sealed_size Channel lies_in_flash"
_MADE_ONCE = (
    "About Block BootClock Deframer Group MacKey MqttLink Node Outbox Reports Ring Row Rs485Link "
    "Sampler Scan Sealer SerialLink Session Slot UsbLink Vitals"
)
"""Modules that only the start needs; names in others; and classes whose objects are all made at
the start, as those of all drivers are."""


async def make_node(start: "Start", watchdog: "WDT") -> Node:
    """A node of what the files say. `start` is what axnode.boot found."""
    found = [Provision(start)]
    watchdog.feed()
    if found[0].parts is None:
        from axnode.unprovisioned import wait

        wait(found[0].reason, watchdog)
    # Wake on the edge of a millisecond: there lie all times at which the loop can wake again.
    await asyncio.sleep_ms(1)
    node = _node(start, found, watchdog)
    for name in _MODULES.split():
        if name in sys.modules:
            # The collector may see an old pointer into it; that keeps what it points to alone.
            sys.modules[name].__dict__.clear()
            unload(name)
    _forget("drivers.", _IN_DRIVERS, "")
    _forget("ax", _IN_MODULES, _MADE_ONCE)
    return node


def _node(start: "Start", found: "list[Provision]", watchdog: "WDT") -> Node:
    """A node of what was found, which is taken out of the list.

    A frame of its own: that of a coroutine keeps what it once worked on.
    """
    provision = found.pop()
    parts: Parts = provision.parts  # type: ignore[assignment]
    clock = BootClock()
    return Node(start, provision, clock, _links(parts, clock), watchdog)


def _forget(package: str, names: str, made_once: str) -> None:
    """Free what has no use any more in the modules that begin so: these names, and what makes
    objects of these classes, or of all where none are given.

    They are overwritten: see axnode.unloading.
    """
    for name, module in sys.modules.items():
        if not name.startswith(package):
            continue
        for word in names.split():
            if hasattr(module, word):
                setattr(module, word, None)
        for word in made_once.split() or dir(module):
            kind: Any = getattr(module, word, None)
            if getattr(kind, "__module__", "") == name:
                kind.__init__ = None


def _links(parts: "Parts", clock: BootClock) -> "list[Link]":
    """The links that are configured, and no code of others."""
    links: list[Link] = []
    if parts.usb:
        from axnode.usb_link import UsbLink

        links.append(UsbLink(clock))
    elif parts.uart is not None and parts.rs485 is not None:
        from axnode.rs485_link import Rs485Link

        links.append(Rs485Link(parts.uart, parts.rs485, parts.baud, clock))
    elif parts.uart is not None:
        from axnode.serial_link import SerialLink

        links.append(SerialLink(parts.uart, clock))
    if parts.mqtt is not None:
        from axnode.mqtt_link import MqttLink

        wifi = None
        if parts.mqtt["ssid"] is not None:
            from axnode.wifi import Wifi

            wifi = Wifi(parts.mqtt["ssid"], parts.mqtt["wifi_password"])
        tls = None
        if parts.mqtt["tls"] is not None:
            from axnode.mqtt_tls import Tls

            tls = Tls(parts.mqtt["tls"], parts.mqtt["host"])
        links.append(MqttLink(parts.mqtt, parts.name, clock, wifi, tls))
    return links
