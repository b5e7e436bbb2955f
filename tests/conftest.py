"""What all tests share: the programs they run against, and how hypothesis searches.

The programs come from this machine or, on Debian, from the cache folder of the bench, which is
filled from the network the first time only. Where one cannot be had, the test fails and says what
to install: a test that needs it must not pass without it.
"""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import settings

from hil.errors import MissingError
from hil.interpreter import find_interpreter
from hil.programs import find_chromium, find_mosquitto, find_victoria_metrics

settings.register_profile(
    "axlebox", derandomize=True, print_blob=True, deadline=None, database=None
)
settings.load_profile("axlebox")


@pytest.fixture(scope="session")
def micropython() -> list[str]:
    """The command that starts MicroPython: append options and a script."""
    return _found(lambda: find_interpreter().command)


@pytest.fixture(scope="session")
def victoria_metrics_command() -> list[str]:
    """The command that starts a VictoriaMetrics server: append its flags."""
    return _found(find_victoria_metrics)


@pytest.fixture(scope="session")
def mosquitto_command() -> list[str]:
    """The command that starts a mosquitto broker: append its options."""
    return _found(find_mosquitto)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser that tests of the page run in."""
    return _found(lambda: [find_chromium()])[0]


def _found(find: Callable[[], Sequence[str]]) -> list[str]:
    try:
        return list(find())
    except MissingError as error:
        pytest.fail(str(error), pytrace=False)
