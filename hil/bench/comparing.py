"""Whether runs of the bench came to the same: what each scenario's record says, side by side."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hil.bench.record import Record, Report

__all__ = ["Comparison", "compare"]

_EXACT = "exact"
_DIGEST_SHOWN = 16


@dataclass
class Comparison:
    """Of scenarios by their names: those equal byte for byte, those in real time that came to the
    same, those skipped in every run; of all these the ones that `failed` in every run; and, of the
    others, how they differ. `notes`: in what else the runs do."""

    simulated: list[str] = field(default_factory=list)
    real: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    different: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def compare(reports: Mapping[str, Report]) -> Comparison:
    """Compare reports, each by the name that it is to have in words.

    A scenario in simulated time is the same where all that was stored is, byte for byte, and
    every count. In real time chance has a say in how many samples there are: the verdict must be
    the same, and in each run every sample stored once, thinned, or in a named counter.
    """
    made = Comparison()
    for what in ("version", "commit", "interpreter"):
        told = {where: str(getattr(report, what)) for where, report in reports.items()}
        made.notes += _different({what: told})
    by_name = {
        where: {record.name: record for record in report.records}
        for where, report in reports.items()
    }
    for name in sorted({name for records in by_name.values() for name in records}):
        found = {where: records[name] for where, records in by_name.items() if name in records}
        absent = [where for where in reports if where not in found]
        if absent:
            made.different[name] = f"not in {', '.join(absent)}"
            continue
        is_real = not any(record.digest for record in found.values())
        facts = _facts(found, is_real=is_real)
        differences = _different(facts)
        if differences:
            made.different[name] = "; ".join(differences)
            continue
        record = next(iter(found.values()))
        alike = made.skipped if record.skipped else made.real if is_real else made.simulated
        alike.append(name)
        if not record.skipped and not record.passed:
            made.failed.append(name)
    return made


def _facts(found: Mapping[str, Record], *, is_real: bool) -> dict[str, dict[str, str]]:
    """What must be the same, by its name and where it is told."""
    facts = {
        "seed": {where: str(record.seed) for where, record in found.items()},
        "verdict": {where: _verdict(record) for where, record in found.items()},
    }
    if is_real:
        ran = {where: record for where, record in found.items() if not record.skipped}
        facts["account"] = {where: _account(record) for where, record in ran.items()}
        return facts
    for what in ("samples", "stored", "thinned", "lost", "duplicated", "digest"):
        facts[what] = {where: str(getattr(record, what)) for where, record in found.items()}
    return facts


def _different(facts: Mapping[str, Mapping[str, str]]) -> list[str]:
    """A line for each that is not the same everywhere, and for an account that is not exact."""
    lines = []
    for what, told in facts.items():
        values = set(told.values())
        if len(values) > 1 or (what == "account" and values - {_EXACT}):
            shown = [
                f"{value[:_DIGEST_SHOWN] if what == 'digest' else value or 'none'} in {where}"
                for where, value in told.items()
            ]
            lines.append(f"{what} {', '.join(shown)}")
    return lines


def _verdict(record: Record) -> str:
    if record.skipped:
        return f"skipped ({record.skipped})"
    return "passed" if record.passed else "failed"


def _account(record: Record) -> str:
    untold = record.samples - record.stored - record.thinned - record.lost
    if not untold and not record.duplicated:
        return _EXACT
    return f"of {record.samples} samples {untold} untold and {record.duplicated} messages twice"
