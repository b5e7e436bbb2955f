"""What the spool keeps of alarms: one record a transition, each with the alarm as it is then."""

from typing import Literal

import msgspec
from msgspec import Struct

from gateway.state import AlarmFacts, AlarmPriority

__all__ = ["RECORD_VERSION", "SILENCED", "AlarmRecord", "Kept", "read_record"]

RECORD_VERSION = 1

Action = Literal[
    "raised",
    "returned",
    "acknowledged",
    "shelved",
    "unshelved",
    "silenced",
    "grouped",
    "removed",
]
SILENCED = ""
"""The id in the record of a silence, which is of no one alarm."""


class Kept(AlarmFacts, frozen=True, kw_only=True, omit_defaults=True):
    """An alarm that is not normal, as it survives a restart.

    Times are the gateway's monotonic ones, which count from the boot `base`, with the wall time
    beside them for when the machine was started anew since.
    """

    base: str
    since_us: int
    since_utc_us: int
    is_open: bool = True
    returned_us: int | None = None
    returned_utc_us: int | None = None
    shelved_until_us: int | None = None
    shelved_until_utc_us: int | None = None


class AlarmRecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Body of an ALARM record, MessagePack. `alarm` is None once it is normal again, and in the
    record of a silence, whose `id` is empty. `by`: who did it; empty: the gateway itself."""

    version: int = RECORD_VERSION
    id: str
    action: Action
    by: str = ""
    minutes: int | None = None
    trusted: bool
    """Whether the wall time was set when this was recorded."""
    rule: str = ""
    place: str = ""
    priority: AlarmPriority = "low"
    value: float | None = None
    limit: float | None = None
    alarm: Kept | None = None


def read_record(body: bytes) -> AlarmRecord:
    """Raises MsgspecError. Keys that a later version adds are passed over."""
    return msgspec.msgpack.decode(body, type=AlarmRecord)
