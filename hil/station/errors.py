"""Errors of the depot station.

AxleboxError (gateway.errors)
└── StationError     what is wrong with a board or its surroundings, and the one thing to do
    └── ContactError     the board does not answer any more, or was pulled
"""

from gateway.errors import AxleboxError

__all__ = ["ContactError", "StationError"]


class StationError(AxleboxError):
    """`text` says what is wrong, `what_to_do` one clear thing that a fitter can do about it.
    `code` names the kind of error where the line has that thing in words of its own, in each
    language (line_errors.py)."""

    code = ""

    def __init__(self, text: str, what_to_do: str, *, code: str = "") -> None:
        super().__init__(f"{text}. {what_to_do}")
        self.text = text
        self.what_to_do = what_to_do
        self.code = code or self.code


class ContactError(StationError):
    """The board is gone or silent; what was begun can be begun again."""

    code = "contact"
