"""The bench in pytest: each scenario's file is a test, and the run leaves a report.

Used with `-p hil.bench.plugin`; `--bench-report FOLDER` says where report.json and report.html go.
Scenarios in real time wait most of their time: two of them run beside the simulated ones, and
their results are taken last.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.errors import AxleboxError
from gateway.timebase import SystemClock
from hil.bench.record import Record
from hil.bench.reporting import HTML, make_report, write_report
from hil.bench.running import run_scenario
from hil.bench.scenario import load_scenario
from hil.interpreter import Interpreter, find_fast_interpreter

__all__: list[str] = []

_RECORDS = pytest.StashKey[list[Record]]()
_INTERPRETER = pytest.StashKey[Interpreter]()
_BESIDE = pytest.StashKey[ThreadPoolExecutor]()
_RESULTS = pytest.StashKey[dict[Path, Future[Record]]]()
_AT_A_TIME = 2


class BrokenError(Exception):
    """A scenario whose expectations were not met."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--bench-report", type=Path, default=None, help="folder for report.json and report.html"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_RECORDS] = []


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.suffix == ".toml" and file_path.parent.name == "scenarios":
        return ScenarioFile.from_parent(parent, path=file_path)
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: isinstance(item, ScenarioItem) and item.is_in_real_time)


def pytest_unconfigure(config: pytest.Config) -> None:
    if _BESIDE in config.stash:
        config.stash[_BESIDE].shutdown(cancel_futures=True)


class ScenarioFile(pytest.File):
    """A file with one scenario."""

    def collect(self) -> Iterator[pytest.Item]:
        yield ScenarioItem.from_parent(self, name=self.path.stem)


class ScenarioItem(pytest.Item):
    """A scenario as a test."""

    @property
    def is_in_real_time(self) -> bool:
        try:
            return load_scenario(self.path).link == "mqtt"
        except AxleboxError:
            return False

    def runtest(self) -> None:
        stash = self.config.stash
        if _INTERPRETER not in stash:
            stash[_INTERPRETER] = find_fast_interpreter()
            self._begin_those_in_real_time()
        result = stash[_RESULTS].get(self.path)
        record = self._run() if result is None else result.result()
        stash[_RECORDS].append(record)
        print(f"seed {record.seed}; again: {record.repeat}")
        if record.skipped:
            pytest.skip(record.skipped)
        if not record.passed:
            raise BrokenError("\n".join(record.broken))

    def _run(self) -> Record:
        interpreter = self.config.stash[_INTERPRETER]
        return run_scenario(load_scenario(self.path), interpreter, SystemClock(), named=False)

    def _begin_those_in_real_time(self) -> None:
        stash = self.config.stash
        stash[_RESULTS] = {}
        stash[_BESIDE] = beside = ThreadPoolExecutor(_AT_A_TIME)
        chosen = [item for item in self.session.items if isinstance(item, ScenarioItem)]
        for item in chosen:
            if item.is_in_real_time:
                stash[_RESULTS][item.path] = beside.submit(item._run)

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None
    ) -> str:
        if isinstance(excinfo.value, (BrokenError, AxleboxError)):
            return f"{self.path.name}\n{excinfo.value}"
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"scenario {self.name}"


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    records = config.stash[_RECORDS]
    if not records:
        return
    interpreter = config.stash[_INTERPRETER]
    report = make_report(records, f"MicroPython {interpreter.version}, {interpreter.bits}-bit")
    terminalreporter.write_line(
        f"{report.simulated_s:.0f} simulated seconds in {report.seconds:.0f} s: "
        f"{report.speedup:.0f} times real time; {report.samples_taken} samples taken, "
        f"{report.samples_stored} stored, {report.samples_thinned} thinned, "
        f"{sum(report.lost_by.values())} lost and counted, {report.duplicated} stored twice"
    )
    folder = config.getoption("--bench-report")
    if folder is not None:
        write_report(report, folder)
        terminalreporter.write_line(f"report: {folder / HTML}")
