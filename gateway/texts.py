"""A text in the languages of the crews."""

from collections.abc import Iterator

from msgspec import Struct

__all__ = ["Text"]


class Text(Struct, frozen=True, forbid_unknown_fields=True):
    """One text in the three languages; gives them in this order."""

    kk: str
    ru: str
    en: str

    def __iter__(self) -> Iterator[str]:
        yield from (self.kk, self.ru, self.en)
