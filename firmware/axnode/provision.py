"""What this node is: its files, found, repaired, read and made into parts. At start-up only.

    node.key    its key: 64 hexadecimal digits
    node.json   its configuration (axnode.config)
    node.link   what of a configuration is needed to be reached, noted by the node itself

All are kept in two copies (axnode.store). A new configuration on trial (axnode.trial) is taken
over or undone here. Without a usable configuration the node speaks over the way it last knew, so
that it can be given one; without that, or without a key, it is unprovisioned.
"""

import json
import os
import sys
from binascii import crc32, unhexlify
from io import BytesIO

import machine
from micropython import const

from axnode import store, trial
from axnode.config import FILE, KEY_FILE, LINK_FILE, ConfigError, parse
from axnode.hardware import Parts
from axwire.codes import (
    EVENT_CONFIGURATION_UNDONE,
    EVENT_COPY_REPAIRED,
    EVENT_FIRMWARE_UNDONE,
    EVENT_NOT_CONFIGURED,
    EVENT_SAFE_MODE,
)
from axwire.cose import KEY_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from axnode.boot import Start
    from axnode.config import Config
    from axnode.proving import Proving

_CONFIGURATION = const(0)
_KEY = const(1)
_LINK = const(2)
"""Files as EVENT_COPY_REPAIRED names them."""

_REASONS = {trial.REFUSED: 1, trial.BEGUN: 2, trial.SILENT: 3}
"""Why a configuration was undone, as EVENT_CONFIGURATION_UNDONE says it, by the last word."""


class Provision:
    """`parts` to run with; None where the board is unprovisioned, which `reason` then explains.

    `notes` are events that the gateway is to be told, code and arguments; `copies_repaired` counts
    damaged copies; `copy` of the configuration is the one that runs, -1 for none; `on_trial`: it
    is, and counts only once the gateway was reached with it; `proving` looks after that, and after
    new firmware.
    """

    def __init__(self, start: "Start") -> None:
        self.parts: Parts | None = None
        self.reason = ""
        self.notes: list[tuple[int, tuple[int, ...]]] = []
        self.copies_repaired = 0
        self.copy = -1
        self.on_trial = False
        self.proving: Proving | None = None
        _, resets, self._safe = start
        if self._safe:
            self.notes.append((EVENT_SAFE_MODE, (resets,)))
        data = self._newest(KEY_FILE, _KEY)
        key = _key(data)
        if key is None:
            self.reason = self._why(data)
            return
        self._settle_trial()
        self._configure(key)
        if self.parts is None:
            self._give_back_firmware()
            self._fall_back(key)
        if self.on_trial or "slots" in sys.modules:
            self._prove()

    def _give_back_firmware(self) -> None:
        """New firmware to which no whole configuration is one returns to that before."""
        slots = sys.modules.get("slots")
        if slots is not None and slots.chosen[1] == slots.BEGUN and any(store.survey(FILE)):
            slots.end(slots.MISFIT)
            machine.reset()

    def _prove(self) -> None:
        slots = sys.modules.get("slots")
        if slots is not None and slots.chosen[1] != slots.BEGUN:
            undone = (slots.chosen[2], slots.chosen[1] - slots.UNDONE)
            self.notes.append((EVENT_FIRMWARE_UNDONE, undone))
        from axnode.proving import Proving

        self.proving = Proving(self.on_trial)

    def _settle_trial(self) -> None:
        """Begin a trial that was announced; undo one that was begun in an earlier boot."""
        words = trial.words()
        if not words:
            return
        generations = store.survey(FILE)
        newest = store.newest(generations)
        if not all(generations) or generations[newest] != words[0] or len(set(generations)) == 1:
            trial.end()
        elif len(words) == 1 and trial.note(trial.BEGUN):
            self.on_trial = True
        else:
            undone = _number(newest)
            before = 1 - newest
            if not store.write(FILE, newest, generations[before], _stream(FILE, before)):
                _remove("%s.%d" % (FILE, newest))
            trial.end()
            why = _REASONS.get(words[-1], _REASONS[trial.REFUSED])
            self.notes.append((EVENT_CONFIGURATION_UNDONE, (undone, why)))

    def _configure(self, key: bytes) -> None:
        """Make parts of the newest configuration that can be used."""
        generations = store.survey(FILE)
        newest = store.newest(generations)
        for copy in (newest, 1 - newest):
            if newest < 0 or not generations[copy]:
                continue
            try:
                config = parse(store.read(FILE, copy), not self._safe)
                self.parts = Parts(config, key)
            except ConfigError as error:
                self._refuse(str(error))
            except Exception as error:
                # In safe mode nothing keeps a node from speaking.
                if not self._safe:
                    raise
                self._refuse(repr(error))
            if self.parts is not None:
                self.copy = copy
                if copy != newest:
                    why = _REASONS[trial.REFUSED]
                    self.notes.append((EVENT_CONFIGURATION_UNDONE, (_number(newest), why)))
                if not self.on_trial:
                    self._bring_up_to_date(generations, copy)
                    self._note_link(config)
                return

    def _refuse(self, reason: str) -> None:
        """A configuration cannot be used. One on trial is undone from the start."""
        self.reason = reason
        print("CONFIGURATION: %s" % reason)
        if self.on_trial:
            trial.note(trial.REFUSED)
            machine.reset()

    def _bring_up_to_date(self, generations: "list[int]", copy: int) -> None:
        """Have both copies alike, unless the other one is newer: somebody may want to see it."""
        if generations[1 - copy] < generations[copy]:
            self._copy(FILE, copy, generations, _CONFIGURATION)

    def _note_link(self, config: "Config") -> None:
        """Keep what it takes to be reached, should the configuration ever be lost."""
        if self._safe:
            return
        try:
            known = json.loads(self._newest(LINK_FILE, _LINK) or b"null")
        except ValueError:
            known = None
        if known != config.link:
            generations = store.survey(LINK_FILE)
            generation = max(generations) + 1
            older = 1 - max(store.newest(generations), 0)
            data = BytesIO(json.dumps(config.link).encode())
            for copy in (older, 1 - older):
                store.write(LINK_FILE, copy, generation, data)

    def _fall_back(self, key: bytes) -> None:
        """Speak over the way that is known, and measure nothing."""
        whole = sum([generation > 0 for generation in store.survey(FILE)])
        data = self._newest(LINK_FILE, _LINK)
        if data is not None:
            try:
                self.parts = Parts(parse(data, False), key)
                self.parts.configuration = 0
                self.notes.append((EVENT_NOT_CONFIGURED, (whole,)))
                return
            except ConfigError as error:
                self.reason = self.reason or str(error)
        self.reason = self.reason or "%s is missing or damaged in both copies" % FILE

    def _newest(self, name: str, number: int) -> "bytes | None":
        """The newest whole copy of a file, after the other one was repaired."""
        generations = store.survey(name)
        copy = store.newest(generations)
        if copy < 0:
            return None
        if not generations[1 - copy]:
            self._copy(name, copy, generations, number)
        return store.read(name, copy)

    def _copy(self, name: str, copy: int, generations: "list[int]", number: int) -> None:
        """Write the other copy anew."""
        done = store.write(name, 1 - copy, generations[copy], _stream(name, copy))
        if not generations[1 - copy]:
            self.copies_repaired += done
            self.notes.append((EVENT_COPY_REPAIRED, (number, int(done))))

    def _why(self, key: "bytes | None") -> str:
        """What keeps a node without a key from working."""
        if key is not None:
            return "%s: %d hexadecimal digits are expected" % (KEY_FILE, 2 * KEY_BYTES)
        if any(store.survey(FILE)):
            return "%s is missing or damaged in both copies" % KEY_FILE
        return "neither %s nor %s: the file system is new or was made anew" % (FILE, KEY_FILE)


def _key(data: "bytes | None") -> "bytes | None":
    """The key that a file of hexadecimal digits holds, or None."""
    try:
        key = unhexlify((data or b"").strip())
    except ValueError:
        return None
    return key if len(key) == KEY_BYTES else None


def _number(copy: int) -> int:
    """The number of the configuration in a whole copy."""
    return crc32(store.read(FILE, copy)) & 0xFFFFFFFF


def _stream(name: str, copy: int) -> BytesIO:
    return BytesIO(store.read(name, copy))


def _remove(path: str) -> None:
    try:
        os.remove(path)
    except OSError:
        pass
