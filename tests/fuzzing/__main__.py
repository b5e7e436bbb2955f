"""Ten million frames and payloads by a coverage-guided fuzzer; ends at the first broken promise.

What breaks one is kept as a file `build/fuzz/crash-...`; name it as an argument to see it again.
"""

import argparse
import logging
import os
import random
import resource
import secrets
import sys
import tempfile
from pathlib import Path

import atheris

_ROOT = Path(__file__).parents[2]
_WATCHED = {
    "axwire.parse",
    *(f"gateway.{name}" for name in ("decode", "ingest", "quarantine", "thinned")),
}
"""Where new code is looked for: what reads the content of messages and what decides on them. The
loops over bytes and items (CBOR, COBS, tags) run unwatched: to watch them makes a frame four
times as dear and shows little that these do not."""


def _unwatched() -> list[str]:
    files = [*(_ROOT / "firmware").glob("axwire/*.py"), *(_ROOT / "gateway").rglob("*.py")]
    modules = set()
    for file in files:
        base = _ROOT / "firmware" if "axwire" in file.parts else _ROOT
        parts = file.relative_to(base).with_suffix("").parts
        modules.add(".".join(part for part in parts if part != "__init__"))
    return sorted(modules - _WATCHED)


with atheris.instrument_imports(include=sorted(_WATCHED), exclude=_unwatched()):
    from fuzzing.gateway_under_fire import UnderFire, mixture, seeds

_REPORT_EACH = 500_000
_LONGEST_INPUT = 1024
_MIXTURES = 500
_GROWTH_MB = 100
"""What the fuzzer's own corpus may take beside a gateway that must not grow."""

_TRACED_MB = 60e-6
"""And its tracing, by frame: it leaves some 45 bytes of each behind. Untraced, such inputs leave
nothing: tests/gateway/test_under_fire.py."""


def main() -> None:
    parser = argparse.ArgumentParser(description="fuzz the gateway's ingest")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 31))
    parser.add_argument("--frames", type=int, default=10_000_000)
    parser.add_argument("crash", nargs="*", help="a kept input, to see its failure again")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    logging.basicConfig(level=logging.ERROR)
    folder = Path("build/fuzz")
    folder.mkdir(parents=True, exist_ok=True)
    under_fire = UnderFire()
    begun_mb = _memory_mb()
    told = 0
    corpus = tempfile.TemporaryDirectory(prefix="axlebox-corpus-")
    pieces = seeds()
    randomness = random.Random(arguments.seed)
    mixtures = [mixture(randomness, pieces, _LONGEST_INPUT) for _ in range(_MIXTURES)]
    for number, seed in enumerate(pieces + mixtures):
        (Path(corpus.name) / f"{number:06}").write_bytes(seed)

    def take(data: bytes) -> None:
        nonlocal told
        under_fire.take(data)
        if under_fire.frames // _REPORT_EACH > told:
            told = under_fire.frames // _REPORT_EACH
            _report(under_fire)
            grown_mb = _memory_mb() - begun_mb
            assert grown_mb < _GROWTH_MB + _TRACED_MB * under_fire.frames, "the memory grows"
        if under_fire.frames >= arguments.frames:
            under_fire.close()
            _report(under_fire)
            print("no promise broken", flush=True)
            corpus.cleanup()
            os._exit(0)  # the fuzzer counts runs, not frames, and would go on

    options = [
        f"-seed={arguments.seed}",
        f"-max_len={_LONGEST_INPUT}",
        "-len_control=0",
        "-rss_limit_mb=0",
        "-timeout=60",
        f"-artifact_prefix={folder}/",
        "-print_final_stats=0",
        "-verbosity=0",
    ]
    atheris.Setup([sys.argv[0], *options, *(arguments.crash or [corpus.name])], take)
    atheris.Fuzz()


def _report(under_fire: UnderFire) -> None:
    print(
        f"{under_fire.frames:,} frames, {under_fire.accepted:,} taken in, of the healthy board "
        f"{under_fire.acknowledged:,} of {under_fire.healthy:,} acknowledged, "
        f"{under_fire.starts} starts on what was stored, {_memory_mb():.0f} MB at most, "
        f"{_cpu_s():.0f} s of CPU",
        flush=True,
    )
    for kind, count in under_fire.sent.most_common():
        print(f"  sent: {kind} {count:,}")
    for reason, count in under_fire.refused.most_common():
        print(f"  refused: {reason} {count:,}", flush=True)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


main()
