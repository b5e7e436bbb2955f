"""Where something is measured, as one small integer: kind, number, side.

Numbers count from 1 in the direction of the first cab; 0 means the kind has one only.
"""

LOCOMOTIVE = 0
SECTION = 1
BOGIE = 2
AXLE = 3
MOTOR = 4
COMPRESSOR = 5
_KINDS = ("locomotive", "section", "bogie", "axle", "motor", "compressor")

WHOLE = 0
LEFT = 1
RIGHT = 2
_SIDES = ("", "left", "right")


def place(kind: int, number: int = 0, side: int = WHOLE) -> int:
    """The code of a place: motor 3 = `place(MOTOR, 3)`. Raises ValueError when there is none."""
    if not (0 <= kind < len(_KINDS) and 0 <= number < 64 and 0 <= side < len(_SIDES)):
        raise ValueError("no place with kind %d, number %d, side %d" % (kind, number, side))
    return kind << 8 | number << 2 | side


def place_name(code: int) -> str:
    """The words of a place: `axle 2 left`. Raises ValueError for a code that is none."""
    kind, number, side = code >> 8, code >> 2 & 63, code & 3
    if not (0 <= kind < len(_KINDS) and side < len(_SIDES)):
        raise ValueError("no place has the code %d" % code)
    words = [_KINDS[kind]]
    if number:
        words.append(str(number))
    if side:
        words.append(_SIDES[side])
    return " ".join(words)


def parse_place(name: str) -> int:
    """The code of a place given in words. Raises ValueError, with the words that there are."""
    words = name.split()
    side = WHOLE
    if words and words[-1] in _SIDES:
        side = _SIDES.index(words.pop())
    number = int(words.pop()) if len(words) == 2 and words[-1].isdigit() else 0
    if len(words) != 1 or words[0] not in _KINDS:
        raise ValueError(
            "place '{}' is none: write e.g. 'motor 3' or 'axle 2 left', with one of {}".format(
                name, ", ".join(_KINDS)
            )
        )
    return place(_KINDS.index(words[0]), number, side)
