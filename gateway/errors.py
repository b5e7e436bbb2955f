"""Errors of axlebox on the host.

AxleboxError
├── CommandError     a node was not given a command; `reason` says why in a word
├── ConfigError      a file the user wrote is wrong; the message names file, key and remedy
├── BundleError      new firmware is not to be trusted or not whole; `reason` says why in a word
├── LinkError        a serial port or broker cannot be used
├── SealError        a file with secrets cannot be opened, or is open to others
└── SpoolError       the durable store (gateway.spool.errors)
"""

import errno
import re


class AxleboxError(Exception):
    """Anything axlebox tells a person about; the message says what to do."""


class CommandError(AxleboxError):
    """Nothing was sent to the node, or nobody is there who could."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class ConfigError(AxleboxError):
    """A configuration, profile or key file is wrong."""


class BundleError(AxleboxError):
    """Firmware for an update is forged, cut short or none at all."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class LinkError(AxleboxError):
    """A link to nodes cannot be opened or kept."""


class SealError(AxleboxError):
    """A file with secrets cannot be used; the text never shows any. `damaged`: it is not what was
    written, whatever the passphrase."""

    def __init__(self, message: str, *, damaged: bool = False) -> None:
        super().__init__(message)
        self.damaged = damaged


def remedy(error: OSError, missing: str) -> str:
    """What a person can do about a file or folder that cannot be used; `missing`: where it, or
    the folder that it is to be in, is not there."""
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return missing
        case errno.EISDIR:
            return "that is a folder: name a file"
        case errno.EEXIST:
            return "something else has that name: move it away, or choose another name"
        case errno.EACCES | errno.EPERM:
            return "run this as its owner"
        case errno.ENOSPC | errno.EDQUOT:
            return "make room there"
        case errno.EROFS:
            return "that medium cannot be written: choose another place"
        case _:
            return "look into `dmesg`, or use another file"


def explain(message: str, document: str) -> str:
    """What msgspec says of a file that a person wrote: the key, and what to do."""
    unknown = re.match(r"Object contains unknown field `(.+?)`(?: - at `\$\.?(.*)`)?$", message)
    if unknown:
        section = unknown[2] + "." if unknown[2] else ""
        return (
            f"unknown key {section}{unknown[1]}; remove it or correct its spelling "
            f"({document} lists the keys)"
        )
    missing = re.match(r"Object missing required field `(.+?)`(?: - at `\$\.?(.*)`)?$", message)
    if missing:
        section = missing[2] + "." if missing[2] else ""
        return f"key {section}{missing[1]} is missing ({document} shows it)"
    what, _, where = message.rpartition(" - at ")
    if not what:
        return f"{message} ({document} shows how it is written)"
    return f"key {where.strip('`$.')}: {what} ({document} says what it may be)"
