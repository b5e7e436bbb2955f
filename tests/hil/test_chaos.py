"""A short `make chaos`: nodes, gateway, broker and server in trouble, then every sample counted.

AXLEBOX_CHAOS_SEED: another run. docs/reliability.md has the figures of a long one.
"""

import os
from pathlib import Path

import pytest
from chaos.run import run

from hil.line_protocol import read_line
from hil.server_points import Points, compare, points_of_lines

SEED = int(os.environ.get("AXLEBOX_CHAOS_SEED", "7"))
KILLS = 12
LIMIT_S = 120.0


@pytest.mark.timeout(900)
def test_every_acknowledged_sample_is_on_the_server_once(tmp_path: Path) -> None:
    print(f"seed {SEED}")
    report = run(tmp_path, SEED, LIMIT_S, copies=1, pause_s=0.5, kills=KILLS)
    print(report)

    verdict = report.verdict
    assert verdict is not None
    assert sum(report.kills.values()) == KILLS
    assert report.messages > 0
    assert verdict.stored > 0
    assert verdict.balanced
    assert verdict.told == verdict.stored
    assert verdict.duplicated == 0
    assert verdict.missing == 0
    assert verdict.twice == 0
    assert verdict.good


def told(*rows: tuple[int, float]) -> Points:
    """Values of one channel, each at its nanosecond."""
    head = "motor,locomotive=L,node=motors-a,place=motor\\ 1,unit=A"
    return points_of_lines(read_line(f"{head} current={value} {at}") for at, value in rows)


def test_the_verdict_sees_what_is_missing_twice_or_changed() -> None:
    lines = told((1_000_000, 1.5), (2_000_000, 2.5), (3_000_000, 3.5))

    assert compare(lines, told((3_000_000, 3.5), (1_000_000, 1.5), (2_000_000, 2.5))) == (0, 0)
    assert compare(lines, told((1_000_000, 1.5), (3_000_000, 3.5))) == (1, 0)
    assert compare(lines, told(*[(k * 1_000_000, k + 0.5) for k in (1, 2, 3, 4)])) == (0, 1)
    assert compare(lines, told((1_000_000, 1.5), (2_000_000, 2.6), (3_000_000, 3.5))) == (1, 1)
    assert compare(lines, told((1_000_000, 1.5), (2_000_000, 2.5), (4_000_000, 3.5))) == (1, 1)
    twice = told((1_000_000, 1.5), (2_000_000, 2.5), (2_000_000, 2.5), (3_000_000, 3.5))
    assert compare(lines, twice) == (0, 1)


def test_two_rows_on_one_millisecond_are_one_point_with_a_count_of_its_own() -> None:
    lines = told((1_000_000, 1.5), (1_400_000, 2.5), (1_400_000, 2.0), (2_000_000, 3.5))

    assert (lines.values, lines.count) == (4, 2)
    assert (lines.same_time, lines.same_millisecond) == (1, 1)
    assert compare(lines, told((1_000_000, 2.5), (2_000_000, 3.5))) == (0, 0)
    assert compare(lines, told((1_000_000, 9.5), (2_000_000, 3.5))) == (1, 1)


def test_a_status_alone_is_no_sample() -> None:
    head = "motor,locomotive=L,node=motors-a,place=motor\\ 1,unit=A"
    lines = points_of_lines(
        [
            read_line(f"{head} current_status=1i 1000000"),
            read_line(f"{head} current_suspect=1.5,current_status=1i 2000000"),
            read_line("node,locomotive=L,node=motors-a uptime_s=1i 2000000"),
        ]
    )
    assert lines.values == 1


def test_a_thinned_point_stands_for_samples_and_is_none() -> None:
    head = "motor,locomotive=L,node=motors-a,place=motor\\ 1,quality=thinned,unit=A"
    fields = "current=1,current_min=0,current_max=2,current_samples=100i,span_ms=990i"
    lines = points_of_lines([read_line(f"{head} {fields} 1000000")])
    assert (lines.values, lines.count) == (0, 3)
