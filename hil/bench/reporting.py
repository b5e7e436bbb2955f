"""Writes what came of a run of the bench: report.json for programs, report.html for people."""

import subprocess
from pathlib import Path

import jinja2
import msgspec

from gateway.version import VERSION
from hil.bench.plots import plots
from hil.bench.record import Record, Report

__all__ = ["HTML", "JSON", "make_report", "read_report", "write_report"]

JSON, HTML = "report.json", "report.html"


def make_report(records: list[Record], interpreter: str) -> Report:
    ran = [record for record in records if not record.skipped]
    seconds = sum(record.took_s for record in ran)
    simulated_s = sum(record.simulated_s for record in ran)
    took_s = sum(record.took_s for record in ran if record.simulated_s)
    lost_by: dict[str, int] = {}
    for record in ran:
        for name, count in record.lost_by.items():
            lost_by[name] = lost_by.get(name, 0) + count
    return Report(
        version=VERSION,
        commit=_commit(),
        interpreter=interpreter,
        scenarios=len(records),
        passed=sum(record.passed for record in ran),
        failed=sum(not record.passed for record in ran),
        skipped=len(records) - len(ran),
        seconds=round(seconds, 3),
        simulated_s=round(simulated_s, 3),
        speedup=round(simulated_s / took_s, 1) if took_s else 0.0,
        samples_taken=sum(record.samples for record in ran),
        samples_stored=sum(record.stored for record in ran),
        samples_thinned=sum(record.thinned for record in ran),
        lost_by=lost_by,
        duplicated=sum(record.duplicated for record in ran),
        records=sorted(records, key=lambda record: record.name),
    )


def write_report(report: Report, folder: Path) -> None:
    """Both files into the folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    json = msgspec.json.format(msgspec.json.encode(report), indent=1)
    (folder / JSON).write_bytes(json + b"\n")
    (folder / HTML).write_text(_html(report), encoding="utf-8")


def read_report(path: Path) -> Report:
    """Raises OSError and msgspec.MsgspecError."""
    return msgspec.json.decode(path.read_bytes(), type=Report)


def _html(report: Report) -> str:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("hil.bench", "."), autoescape=True, trim_blocks=True
    )
    failed = [r for r in report.records if not r.skipped and not r.passed]
    passed = [r for r in report.records if r.passed]
    skipped = [r for r in report.records if r.skipped]
    groups = [
        (heading, [(record, plots(record)) for record in records])
        for heading, records in (("Failed", failed), ("Passed", passed), ("Skipped", skipped))
    ]
    return environment.get_template("report.html.j2").render(report=report, groups=groups)


def _commit() -> str:
    """Of the checkout that this runs in; empty where there is none."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except OSError:
        return ""
    return done.stdout.strip()
