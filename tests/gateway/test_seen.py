"""The set of sequences that are in: the same as a plain set, in little room."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.seen import Seen

NEAR = st.integers(0, 40)


@given(st.lists(NEAR))
def test_holds_what_a_plain_set_holds(sequences: list[int]) -> None:
    seen, plain = Seen(), set[int]()
    for sequence in sequences:
        seen.add(sequence)
        plain.add(sequence)
        assert [n in seen for n in range(42)] == [n in plain for n in range(42)]


@given(st.lists(NEAR))
def test_keeps_only_what_lies_behind_a_gap(sequences: list[int]) -> None:
    seen = Seen()
    for sequence in sequences:
        seen.add(sequence)
    assert seen.next not in seen.above
    assert seen.above == {n for n in sequences if n > seen.next}


@given(st.lists(NEAR), st.lists(NEAR, max_size=5))
def test_giving_up_counts_exactly_what_was_missing(
    sequences: list[int], oldest: list[int]
) -> None:
    seen, plain = Seen(), set[int]()
    for sequence in sequences:
        seen.add(sequence)
        plain.add(sequence)
    for least in oldest:
        missing = set(range(least)) - plain
        plain |= missing
        without = seen.without(least)
        assert seen.give_up_below(least) == len(missing)
        assert (without.next, without.above) == (seen.next, seen.above)
        assert [n in seen for n in range(42)] == [n in plain for n in range(42)]


def test_comes_back_as_it_was_saved() -> None:
    seen = Seen(5, [7, 9])
    assert [n for n in range(12) if n not in seen] == [5, 6, 8, 10, 11]
