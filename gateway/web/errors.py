"""Errors of the crew page.

AxleboxError
└── PageError        the page cannot be served at the address asked for
"""

from gateway.errors import AxleboxError

__all__ = ["PageError"]


class PageError(AxleboxError):
    """The address of the page cannot be used; the message says what to change."""
