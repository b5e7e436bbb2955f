"""Which sequences of a boot are in: the highest contiguous one and the few above it."""

__all__ = ["Seen"]


class Seen:
    """A set of integers from 0 that is nearly contiguous: all below `next`, and `above`."""

    __slots__ = ("above", "next")

    def __init__(self, next_sequence: int = 0, above: list[int] | None = None) -> None:
        self.next = next_sequence
        self.above = set(above or ())

    def __contains__(self, sequence: int) -> bool:
        return sequence < self.next or sequence in self.above

    def without(self, oldest: int) -> "Seen":
        """What `give_up_below` would make of it; itself where that changes nothing."""
        if oldest <= self.next:
            return self
        seen = Seen(self.next, list(self.above))
        seen.give_up_below(oldest)
        return seen

    def add(self, sequence: int) -> None:
        if sequence == self.next:
            self.next += 1
            self._absorb()
        elif sequence > self.next:
            self.above.add(sequence)

    def add_range(self, first: int, last: int) -> int:
        """All from `first` to `last` are in: returns how many of them were before."""
        if first == self.next and not self.above:
            self.next = max(first, last + 1)
            return 0
        present = max(0, min(self.next, last + 1) - first)
        within = {sequence for sequence in self.above if first <= sequence <= last}
        if first <= self.next:
            self.next = max(self.next, last + 1)
            self.above -= within
            self._absorb()
        else:
            self.above.update(range(first, last + 1))
        return present + len(within)

    def give_up_below(self, oldest: int) -> int:
        """Everything below `oldest` will never come: returns how many were missing."""
        if oldest <= self.next:
            return 0
        present = {sequence for sequence in self.above if sequence < oldest}
        missing = oldest - self.next - len(present)
        self.next = oldest
        self.above -= present
        self._absorb()
        return missing

    def _absorb(self) -> None:
        while self.next in self.above:
            self.above.remove(self.next)
            self.next += 1
