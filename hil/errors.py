"""Errors of the bench.

AxleboxError (gateway.errors)
└── BenchError           anything the bench tells a person about; the message says what to do
    ├── BoardError       a board's file or a node's fitting is wrong; names file and line
    ├── BuildError       the firmware cannot be built
    └── MissingError     a program that the bench or its tests need is not here
        └── FetchError   Debian packages could not be fetched into the cache folder
"""

from gateway.errors import AxleboxError


class BenchError(AxleboxError):
    """The bench cannot do what it was asked to."""


class BoardError(BenchError):
    """A board's file is wrong, or a node is fitted in a way that its board cannot do."""


class BuildError(BenchError):
    """The firmware cannot be built; the message says what to do."""


class MissingError(BenchError):
    """A program is missing; the message says what to install or which setting names it."""


class FetchError(MissingError):
    """Debian packages cannot be had privately; the message says why."""
