"""`const` for both interpreters: MicroPython puts such a number where its name stands."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    T = TypeVar("T")

    def const(value: T) -> T: ...
else:
    try:
        from micropython import const
    except ImportError:

        def const(value):
            return value
