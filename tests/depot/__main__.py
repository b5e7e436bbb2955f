"""`make depot`: boards in a row and at once, flashed and then through the whole line, with the
time that each took; then every cut of a flashing."""

import argparse
import statistics
import tempfile
from pathlib import Path

from board_line import line_day
from depot_day import flash_day
from station_cuts import KINDS, flash_with_cut

from gateway.timebase import SystemClock
from hil.station.flash_many import Outcome


def main() -> None:
    parser = argparse.ArgumentParser(prog="make depot", description=__doc__)
    parser.add_argument("--boards", type=int, default=50, help="boards in a row")
    parser.add_argument("--at-once", type=int, default=10, help="boards at once, after that")
    parser.add_argument(
        "--cuts", type=int, default=1, help="cut at each so manyth step, of each kind of cut"
    )
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if asked.boards:
            _day(Path(folder) / "row", asked.boards, 1)
        if asked.at_once:
            _day(Path(folder) / "at-once", asked.at_once, asked.at_once)
        if asked.boards:
            _line(Path(folder) / "line-row", asked.boards, 1)
        if asked.at_once:
            _line(Path(folder) / "line-at-once", asked.at_once, asked.at_once)
        _cuts(Path(folder) / "cuts", asked.cuts)


def _day(folder: Path, count: int, at_once: int) -> None:
    def tell(outcome: Outcome) -> None:
        print(f"slot {outcome.slot.name}: {outcome.seconds:.1f} s", flush=True)

    clock = SystemClock()
    begun_us = clock.monotonic_us()
    seconds = [outcome.seconds for outcome in flash_day(folder, count, at_once, clock, tell)]
    took_s = (clock.monotonic_us() - begun_us) / 1e6
    print(
        f"{count} boards, {at_once} at once, all right: {min(seconds):.1f} to "
        f"{max(seconds):.1f} s each, median {statistics.median(seconds):.1f} s; "
        f"{took_s:.0f} s in all"
    )


def _line(folder: Path, count: int, at_once: int) -> None:
    seconds = line_day(folder, count, at_once, lambda line: print(line, flush=True))
    print(
        f"{count} boards through the line, {at_once} at once: PASS; from scan to PASS "
        f"{min(seconds):.1f} to {max(seconds):.1f} s, median {statistics.median(seconds):.1f} s"
    )


def _cuts(folder: Path, between: int) -> None:
    for kind in KINDS:
        cuts = 0
        while flash_with_cut(folder / f"{kind}-{cuts}", kind, cuts * between):
            print(f"{kind}, step {cuts * between}: flashed to the end", flush=True)
            cuts += 1
        print(f"{kind}: {cuts} cuts, no board lost")


main()
