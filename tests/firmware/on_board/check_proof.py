"""The proof: of the files as they lie there, in small steps, with the code freed afterwards."""

import asyncio
import os
import sys
from binascii import hexlify
from io import BytesIO

from axnode import store
from axnode.outbox import Outbox
from axnode.reports import Reports
from axnode.ticks import BootClock
from axwire.cbor import decode
from axwire.codes import COMMAND_PROVE, DONE, EVENT_PROOF, FAILED, NOT_POSSIBLE
from axwire.cose import MacKey

import proof_vector as vector


class Session:
    """Of the node: its key, which command was heard last, and the answers given later."""

    down_sequence = 9
    key = MacKey(vector.KEY)

    def __init__(self):
        self.answers = []

    def answer(self, sequence, code, result):
        assert sequence == 9 and code == COMMAND_PROVE
        self.answers.append(result)


class Node:
    """What of a node the proof needs."""

    def __init__(self, copy=1):
        self.copy = copy
        self.chore = None
        self.clock = BootClock()
        self.outbox = Outbox(8192)
        self.reports = Reports("a", 1, self.clock, self.outbox, [])
        self.session = Session()

    def proved(self):
        """The proof's arguments, of the event that told it, and the longest that others waited."""
        from axnode.proof import begin_proof

        async def run():
            passes = 0
            assert begin_proof(self, vector.NONCE) is None
            assert begin_proof(self, vector.NONCE) == NOT_POSSIBLE
            self.chore.tend(True)
            while self.chore is not None:
                passes += 1
                await asyncio.sleep_ms(1)
            return passes

        self.passes = asyncio.run(run())
        payload = self.outbox.next(0)
        return None if payload is None else decode(payload)[4:]


def _lay_out(files):
    for path in files:
        folder = ""
        for part in path.split("/")[:-1]:
            folder += part
            if not _is_there(folder):
                os.mkdir(folder)
            folder += "/"
        with open(path, "wb") as file:
            file.write(files[path])


def _is_there(path):
    try:
        os.stat(path)
        return True
    except OSError:
        return False


def _hex(words):
    return "".join(["%08x" % word for word in words])


def test_the_proof_is_the_golden_one():
    _lay_out(vector.FILES)
    _lay_out(vector.OTHER_FILES)
    assert store.write("node.json", 1, 5, BytesIO(vector.CONFIGURATION))
    node = Node()
    code, words = node.proved()
    assert code == EVENT_PROOF
    assert node.session.answers == [DONE]
    assert _hex(words[8:]) == vector.FIRMWARE
    assert _hex(words[:8]) == vector.PROOF
    assert "axnode.proof" not in sys.modules


def test_of_two_slots_it_is_the_one_that_runs():
    _lay_out(vector.FILES)
    moved = {}
    for path in vector.FILES:
        moved["b/" + path if "/" in path else path] = vector.FILES[path]
        if "/" in path:
            with open(path, "ab") as file:
                file.write(b"of the slot that does not run")
    _lay_out(moved)
    sys.path.insert(0, "b")
    try:
        assert _hex(Node(-1).proved()[1][8:]) == vector.FIRMWARE
    finally:
        sys.path.remove("b")


def test_rows_are_sampled_between_its_steps():
    _lay_out({"axnode/large.mpy": bytes(256 * 40)})
    node = Node(-1)
    node.proved()
    assert node.passes >= 40


def test_any_other_file_or_configuration_gives_another_proof():
    seen = []
    changes = (
        {},
        {"main.py": b"print(2)\n"},
        {"drivers/more.mpy": b""},
        {"boot.py": b""},
    )
    for change in changes:
        _lay_out(vector.FILES)
        _lay_out(change)
        assert store.write("node.json", 1, 5, BytesIO(vector.CONFIGURATION))
        node = Node()
        seen.append(_hex(node.proved()[1]))
    assert store.write("node.json", 1, 5, BytesIO(vector.CONFIGURATION + b" "))
    seen.append(_hex(Node().proved()[1]))
    seen.append(_hex(Node(-1).proved()[1]))
    assert len(set(seen)) == len(seen)
    assert len({words[64:] for words in seen}) == 4


def test_a_wrong_nonce_is_refused_and_a_missing_file_told():
    from axnode.proof import begin_proof

    assert begin_proof(Node(), vector.NONCE[:3]) == NOT_POSSIBLE
    assert begin_proof(Node(), []) == NOT_POSSIBLE
    node = Node(0)
    assert node.proved() is None
    assert node.session.answers == [FAILED]
    assert node.chore is None


def test_it_tells_nothing_of_the_key():
    assert hexlify(vector.KEY).decode() not in vector.PROOF + vector.FIRMWARE
