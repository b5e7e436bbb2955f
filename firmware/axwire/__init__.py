"""The wire protocol of axlebox: what a node and a gateway say to each other.

Runs unchanged on MicroPython and CPython and imports nothing of ours; docs/wire.md describes it.

    framing   COBS and CRC-32 on a serial line
    cose      COSE_Mac0 envelope: who speaks, and that nobody changed it
    cbor      the subset of CBOR inside
    up, down  the messages: written by the node, written by the gateway
    parse     up messages as the gateway reads them
    table     what a node measures: groups and channels
    quantities, places, codes   the vocabulary
"""

PROTOCOL_VERSION = 1
ACCEPTED_VERSIONS = (1,)
"""Versions a gateway understands: the current and the previous one."""

MESSAGE_CAP = 1024
"""Longest message a node sends or accepts, in bytes, envelope included."""

GATEWAY_MESSAGE_CAP = 4096
"""Longest message the gateway accepts."""
