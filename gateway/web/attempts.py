"""How often a PIN may be tried, and how often a crew may act."""

from collections import OrderedDict
from dataclasses import dataclass

__all__ = ["Attempts", "Bucket"]

_FREE = 5
_FIRST_WAIT_S = 60.0
_LONGEST_WAIT_S = 3840.0
_ADDRESSES_KEPT = 1000


@dataclass
class _Tried:
    wrong: int = 0
    open_again_s: float = 0.0


class Attempts:
    """Five wrong PINs from an address, then one after a minute, two, four, up to 64; a hundred
    addresses gain little, for all together have a Bucket of their own."""

    def __init__(self) -> None:
        self._tried: OrderedDict[str, _Tried] = OrderedDict()
        self._all = Bucket(20, 60.0)

    def wait_s(self, address: str, now_s: float) -> float:
        """How long until this address may try; 0: now."""
        tried = self._tried.get(address)
        own_s = 0.0 if tried is None else max(0.0, tried.open_again_s - now_s)
        return max(own_s, self._all.wait_s(now_s))

    def begin(self, address: str, now_s: float) -> None:
        """Count one attempt as wrong, before it is known: attempts at once gain nothing."""
        tried = self._tried.pop(address, None) or _Tried()
        self._tried[address] = tried
        if len(self._tried) > _ADDRESSES_KEPT:
            self._tried.popitem(last=False)
        tried.wrong += 1
        self._all.take(now_s)
        if tried.wrong >= _FREE:
            wait_s = _FIRST_WAIT_S * 2 ** min(tried.wrong - _FREE, 6)
            tried.open_again_s = now_s + min(wait_s, _LONGEST_WAIT_S)

    def right(self, address: str) -> None:
        """It was right: forget what this address got wrong."""
        self._tried.pop(address, None)


class Bucket:
    """`size` at once, and one more each `each_s`."""

    def __init__(self, size: int, each_s: float) -> None:
        self._size = size
        self._each_s = each_s
        self._full_s = 0.0
        """When it is full again."""

    def wait_s(self, now_s: float) -> float:
        """How long until there is one to take; 0: now."""
        return max(0.0, self._full_s - now_s - self._each_s * (self._size - 1))

    def take(self, now_s: float) -> None:
        self._full_s = max(self._full_s, now_s) + self._each_s
