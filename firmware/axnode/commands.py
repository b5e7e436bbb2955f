"""What the gateway may ask of a node. Loaded for a command, and freed behind it."""

import gc

from axnode.node import BEAT_MS
from axwire.codes import (
    COMMAND_BURST,
    COMMAND_HELLO,
    COMMAND_IDENTIFY,
    COMMAND_MAINTENANCE,
    COMMAND_PERIOD,
    COMMAND_PROVE,
    COMMAND_REBOOT,
    COMMAND_SELF_TEST,
    COMMAND_UPDATE,
    DONE,
    NOT_POSSIBLE,
    NOT_SUPPORTED,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from axnode.node import Node


def obey(node: "Node", code: int, arguments: "list[int]") -> "int | None":
    """Carry out a command; its result, or None: it will be told."""
    if code == COMMAND_HELLO:
        node.reports.hello(node.about)
    elif code == COMMAND_REBOOT:
        if arguments and not _switch(node, arguments[0]):
            return NOT_POSSIBLE
        node.reboot_soon()
    elif code == COMMAND_MAINTENANCE:
        try:
            open("maintenance", "a").close()
        except OSError:
            return NOT_POSSIBLE
        node.reboot_soon()
    elif code == COMMAND_IDENTIFY and node.led is not None:
        if len(arguments) != 1 or not 1 <= arguments[0] <= 3600:
            return NOT_POSSIBLE
        node.blink_beats = arguments[0] * 1000 // BEAT_MS
    elif code == COMMAND_BURST:
        if len(arguments) != 1 or not _ask_burst(node, arguments[0]):
            return NOT_POSSIBLE
    elif code == COMMAND_SELF_TEST:
        from axnode.self_test import begin_test

        return begin_test(node)
    elif code == COMMAND_PROVE:
        from axnode.proof import begin_proof

        return begin_proof(node, arguments)
    elif code == COMMAND_UPDATE and not arguments:
        let_go: Any = getattr(node.chore, "let_go", None)
        if let_go is not None:
            let_go()
    elif code == COMMAND_UPDATE:
        gc.collect()
        from axnode.update import begin_update

        return begin_update(node, arguments)
    elif code == COMMAND_PERIOD:
        from axnode.retiming import ask_period

        return ask_period(node, arguments)
    else:
        return NOT_SUPPORTED
    return DONE


def _switch(node: "Node", release: int) -> bool:
    """Have the next boot try that release, all of which must lie in flash."""
    switch: Any = getattr(node.chore, "switch", None)
    return switch is not None and bool(switch(release))


def _ask_burst(node: "Node", channel: int) -> bool:
    """Take the next window of the sensor with this channel as a burst. False: it has none."""
    for scan in node.sampler.scans:
        for slot in scan.slots:
            if slot.channel == channel:
                if scan.features is not None:
                    scan.features.ask()
                return scan.features is not None
    return False
