"""A boot that has something to prove: a new configuration, or new firmware. Loaded for it alone.

It is proved when the gateway has acknowledged all that the node had to say of its first seconds,
a HEALTH among it. Without that in 2 minutes the node goes back to what it had before.
"""

import os
import sys

from micropython import const

from axnode.unloading import unload
from axwire.codes import EVENT_CONFIGURATION_KEPT, EVENT_FIRMWARE_KEPT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from axnode.node import Node

_TOLD_BEATS = const(10)
"""By then the first HEALTH was put into the outbox."""

_TRIAL_BEATS = const(600)


class Proving:
    """`configuration`: one is on trial. What `slots` left in memory tells of the firmware."""

    def __init__(self, configuration: bool) -> None:
        self._configuration = configuration
        self._slots: Any = sys.modules.get("slots")
        self._upto = 0

    def look(self, node: "Node", beats: int) -> None:
        """To be called with each beat of the node."""
        outbox = node.outbox
        if beats <= _TOLD_BEATS:
            self._upto = outbox.sequence
        elif node.session.down_sequence is not None and outbox.oldest() >= self._upto:
            self.keep(node)
        elif beats == _TRIAL_BEATS and self._on_trial():
            if self._configuration:
                try:
                    with open("trial", "a") as file:
                        file.write(" silent")
                except OSError:
                    pass
            if self._firmware_is_new():
                self._slots.end(self._slots.SILENT)
            node.reboot_soon()

    def keep(self, node: "Node") -> None:
        """The gateway was reached: what is new stays, and this is over."""
        tick = node.clock.tick()
        if self._configuration:
            try:
                os.remove("trial")
            except OSError:
                pass
            node.reports.event(EVENT_CONFIGURATION_KEPT, (node.about.configuration,), tick)
        slots = self._slots
        if slots is not None:
            if self._firmware_is_new():
                node.reports.event(EVENT_FIRMWARE_KEPT, (slots.chosen[2],), tick)
                node.watchdog.keep()
            else:
                slots.end(slots.KEPT)
            slots.__dict__.clear()
            del sys.modules["slots"]
        node.proving = None
        unload("axnode.proving")

    def _on_trial(self) -> bool:
        return self._configuration or self._firmware_is_new()

    def _firmware_is_new(self) -> bool:
        return self._slots is not None and self._slots.chosen[1] == self._slots.BEGUN
