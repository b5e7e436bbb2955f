"""Ten million frames and payloads by a coverage-guided fuzzer; ends at the first broken promise.

What breaks one is kept as a file `build/fuzz/crash-...`; name it as an argument to see it again.
"""

import argparse
import os
import resource
import secrets
import sys
from pathlib import Path

import atheris

_WATCHED = ["axwire", "gateway.ingest", "gateway.decode", "gateway.ledger", "gateway.thinned"]
"""Where new code is looked for; the rest runs as it is."""

with atheris.instrument_imports(include=_WATCHED):
    from fuzzing.gateway_under_fire import UnderFire
    from fuzzing.samples import golden_payloads

_REPORT_EACH = 1_000_000
_LONGEST_INPUT = 1024
_GROWTH_MB = 200
"""What the fuzzer's own corpus may take beside a gateway that must not grow."""


def main() -> None:
    parser = argparse.ArgumentParser(description="fuzz the gateway's ingest")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 31))
    parser.add_argument("--frames", type=int, default=10_000_000)
    parser.add_argument("crash", nargs="*", help="a kept input, to see its failure again")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    folder = Path("build/fuzz")
    folder.mkdir(parents=True, exist_ok=True)
    under_fire = UnderFire(golden_payloads())
    limit_mb = _memory_mb() + _GROWTH_MB
    told = 0

    def take(data: bytes) -> None:
        nonlocal told
        under_fire.take(data)
        if under_fire.frames // _REPORT_EACH > told:
            told = under_fire.frames // _REPORT_EACH
            print(f"{under_fire.frames:,} frames, {_memory_mb():.0f} MB at most", flush=True)
            assert _memory_mb() < limit_mb, "the memory grows"
        if under_fire.frames >= arguments.frames:
            under_fire.close()
            for reason, count in under_fire.refused.most_common():
                print(f"  refused: {reason} {count:,}")
            print(f"{under_fire.frames:,} frames sent, {under_fire.accepted:,} messages taken")
            print("no promise broken", flush=True)
            os._exit(0)  # the fuzzer counts runs, not frames, and would go on

    options = [
        f"-seed={arguments.seed}",
        f"-max_len={_LONGEST_INPUT}",
        "-rss_limit_mb=0",
        "-timeout=60",
        f"-artifact_prefix={folder}/",
        "-print_final_stats=0",
        "-verbosity=0",
    ]
    atheris.Setup([sys.argv[0], *options, *arguments.crash], take)
    atheris.Fuzz()


def _memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


main()
