"""Errors of axlebox on the host.

AxleboxError
├── CommandError     a node was not given a command; `reason` says why in a word
├── ConfigError      a file the user wrote is wrong; the message names file, key and remedy
├── LinkError        a serial port or broker cannot be used
└── SpoolError       the durable store (gateway.spool.errors)
"""


class AxleboxError(Exception):
    """Anything axlebox tells a person about; the message says what to do."""


class CommandError(AxleboxError):
    """Nothing was sent to the node, or nobody is there who could."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class ConfigError(AxleboxError):
    """A configuration, profile or key file is wrong."""


class LinkError(AxleboxError):
    """A link to nodes cannot be opened or kept."""
