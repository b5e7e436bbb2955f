"""Many boards at a station: several at once, and one after another in each slot."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from station_boards import PICO, firmware_in, pico_tree, plugged

from gateway.timebase import Clock
from hil.station.board import BoardFacts
from hil.station.flash import Flashed, flash_firmware, verify_firmware
from hil.station.flash_many import Outcome, flash_many
from hil.station.slots import find_slots
from hil.virtual_board import VirtualBoard


def number_of(board: int) -> str:
    return f"{0xE661410300000000 + board:016x}"


@contextmanager
def boards(folder: Path, numbers: range) -> Iterator[list[VirtualBoard]]:
    """New boards, each in a slot of its own."""
    with ExitStack() as stack, ThreadPoolExecutor(4) as threads:

        def make(number: int) -> VirtualBoard:
            slot = f"0:{number + 1}"
            return stack.enter_context(plugged(folder, slot, unique_id=number_of(number)))

        yield list(threads.map(make, numbers))


def flash_one(port: str) -> tuple[Flashed, BoardFacts]:
    done = flash_firmware(port, PICO, pico_tree())
    return done, verify_firmware(port, PICO, pico_tree())


def flash_day(
    folder: Path,
    count: int,
    at_once: int,
    clock: Clock,
    tell: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:
    """So many new boards, so many at once; each is right afterwards. Raises AssertionError."""
    outcomes: list[Outcome] = []
    for first in range(0, count, at_once):
        numbers = range(first, min(first + at_once, count))
        place = folder / f"from-{first}"
        with boards(place, numbers) as plugged_in:
            done = flash_many(find_slots(place / "by-path"), flash_one, clock, tell)
            assert not [outcome.error for outcome in done if outcome.error]
            found = {one.flashed.facts.unique_id for one in done if one.flashed}
            assert found == {number_of(number) for number in numbers}
            for number, board in zip(numbers, plugged_in, strict=True):
                board.unplug()
                files = board.files(place / f"files-{number}")
                assert firmware_in(files) == pico_tree().files
        outcomes += done
    return outcomes
