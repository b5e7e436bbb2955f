"""A process that is killed at one of its operations on files, each in its turn."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

_OPERATIONS = (
    (os, "fsync"),
    (os, "open"),
    (os, "link"),
    (os, "rename"),
    (os, "replace"),
    (os, "mkdir"),
    (os, "unlink"),
    (Path, "replace"),
    (Path, "mkdir"),
    (Path, "unlink"),
    (Path, "chmod"),
)


class Killed(BaseException):
    """What no code catches."""


def killed_at_each(act: Callable[[int], Any]) -> int:
    """Call `act` again and again, killed before its first, second ... operation, until it ends by
    itself; returns how often it was killed. `act` gets the number, to begin anew with."""
    kills = 0
    while True:
        left = kills

        def counted(real: Callable[..., Any]) -> Callable[..., Any]:
            def operation(*arguments: Any, **more: Any) -> Any:
                nonlocal left
                if left == 0:
                    raise Killed
                left -= 1
                return real(*arguments, **more)

            return operation

        with pytest.MonkeyPatch.context() as patch:
            for owner, name in _OPERATIONS:
                patch.setattr(owner, name, counted(getattr(owner, name)))
            try:
                act(kills)
            except Killed:
                kills += 1
                continue
        return kills
