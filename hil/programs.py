"""Programs that the bench and the tests start beside the interpreter: servers and a browser.

What is on PATH is used. A server that is not there comes from Debian's packages in the cache
folder (hil.debian); a browser is too entangled with its system for that and must be installed.
"""

import os
import shutil
from collections.abc import Mapping

from hil.debian import PackageCache, command_in
from hil.errors import FetchError, MissingError

__all__ = ["BROWSER_SETTING", "find_chromium", "find_mosquitto", "find_victoria_metrics"]

BROWSER_SETTING = "AXLEBOX_CHROMIUM"

_SUITE = "trixie"
_DAEMON_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")  # often not on a user's PATH
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def find_victoria_metrics(
    environ: Mapping[str, str] = os.environ, packages: PackageCache | None = None
) -> tuple[str, ...]:
    """The command that starts VictoriaMetrics; MissingError says what to install."""
    return _server("victoria-metrics", "usr/bin/victoria-metrics", environ, packages)


def find_mosquitto(
    environ: Mapping[str, str] = os.environ, packages: PackageCache | None = None
) -> tuple[str, ...]:
    """The command that starts the mosquitto broker; MissingError says what to install."""
    return _server("mosquitto", "usr/sbin/mosquitto", environ, packages)


def find_chromium(environ: Mapping[str, str] = os.environ) -> str:
    """The path of Chromium, from the setting or PATH; MissingError says what to install."""
    if setting := environ.get(BROWSER_SETTING):
        if found := _which(setting, environ):
            return found
        raise MissingError(f"{BROWSER_SETTING}={setting}: there is no such program")
    for name in _BROWSERS:
        if found := _which(name, environ):
            return found
    raise MissingError(
        f"Chromium is not installed: run `sudo apt install chromium`, or name one in "
        f"{BROWSER_SETTING}"
    )


def _server(
    package: str, program: str, environ: Mapping[str, str], packages: PackageCache | None
) -> tuple[str, ...]:
    if found := _which(package, environ):
        return (found,)
    packages = packages or PackageCache(environ)
    try:
        root = packages.fetch([package], _SUITE, packages.architecture())
        return command_in(root, program)
    except FetchError as error:
        raise MissingError(
            f"{package} is not installed and cannot be fetched ({error}): install it, on Debian "
            f"with `sudo apt install {package}`"
        ) from error


def _which(name: str, environ: Mapping[str, str]) -> str | None:
    path = os.pathsep.join([environ.get("PATH", os.defpath), *_DAEMON_FOLDERS])
    return shutil.which(name, path=path)
