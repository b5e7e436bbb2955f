"""An alarm desk on a live picture that the test owns."""

from typing import Any

import msgspec
from crew_page.live_picture import OwnedLive

from gateway.alarms.desk import AlarmError
from gateway.state import Alarm


class OwnedDesk:
    """Does what is asked to the picture, and writes it into `asked`."""

    def __init__(self, live: OwnedLive, asked: list[tuple[str, ...]]) -> None:
        self._live = live
        self._asked = asked

    def acknowledge(self, alarm: str, by: str) -> None:
        self._asked.append(("acknowledge", alarm, by))
        self._change(alarm, state="acknowledged", acknowledged_by=by)

    def shelve(self, alarm: str, by: str, minutes: int) -> None:
        self._asked.append(("shelve", alarm, by, str(minutes)))
        until_ms = self._live.state().now_ms + minutes * 60_000
        self._change(alarm, state="shelved", shelved_until_ms=until_ms)

    def unshelve(self, alarm: str, by: str) -> None:
        self._asked.append(("unshelve", alarm, by))
        self._change(alarm, state="unacknowledged", shelved_until_ms=None)

    def silence(self, by: str) -> None:
        self._asked.append(("silence", by))
        self._live.show(msgspec.structs.replace(self._live.state(), silenced=True))

    def _change(self, alarm: str, **changes: Any) -> None:
        state = self._live.state()
        if alarm not in {known.id for known in state.alarms}:
            raise AlarmError(f"there is no alarm {alarm}: it is over")

        def changed(known: Alarm) -> Alarm:
            return msgspec.structs.replace(known, **changes) if known.id == alarm else known

        self._live.show(msgspec.structs.replace(state, alarms=tuple(map(changed, state.alarms))))
