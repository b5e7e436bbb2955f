"""Errors of axlebox on the host.

AxleboxError
├── ConfigError      a file the user wrote is wrong; the message names file, key and remedy
├── LinkError        a serial port or broker cannot be used
└── SpoolError       the durable store (gateway.spool.errors)
"""


class AxleboxError(Exception):
    """Anything axlebox tells a person about; the message says what to do."""


class ConfigError(AxleboxError):
    """A configuration, profile or key file is wrong."""


class LinkError(AxleboxError):
    """A link to nodes cannot be opened or kept."""
