"""Whether the newest configuration is on trial, kept in the file `trial`.

    <generation>            stored as the other copy, to be taken over at the next start
    <generation> begun      a boot runs with it; another one must not
    ... refused             and it cannot be used
    ... silent              and the gateway was not reached with it

Each word is appended. Without the file the newest configuration is the one that counts: to remove
it is to keep the configuration.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FILE = "trial"
BEGUN = "begun"
REFUSED = "refused"
SILENT = "silent"


def announce(generation: int) -> None:
    """The copy of that generation, which is about to be written, is on trial. Raises OSError."""
    with open(FILE, "w") as file:
        file.write(str(generation))


def note(word: str) -> bool:
    """Append a word; whether it could be."""
    try:
        with open(FILE, "a") as file:
            file.write(" " + word)
    except OSError:
        return False
    return True


def words() -> "list[Any]":
    """The generation and the words behind it; nothing where none is on trial."""
    try:
        with open(FILE) as file:
            content: list[Any] = file.read().split()
        content[0] = int(content[0])
    except (OSError, ValueError, IndexError):
        return []
    return content


def end() -> None:
    """Nothing is on trial any more."""
    try:
        os.remove(FILE)
    except OSError:
        pass
