"""UF2, the format in which an RP2040's boot loader takes an image: checked before it is copied.

512-byte blocks, each with its address, number, the count of all and a family, which names the chip
(https://github.com/microsoft/uf2; RP2040 datasheet, 2.8.4.2).
"""

import struct

__all__ = ["FAMILIES", "chip_of_uf2"]

FAMILIES = {0xE48BFF56: "RP2040", 0xE48BFF59: "RP2350", 0xE48BFF57: "RP2350"}
"""Family ids, as Microsoft's uf2families.json and the RP2350 datasheet, 5.5.3, list them
(unverified for RP2350)."""

_BLOCK = struct.Struct("<8I476sI")
_START, _SECOND, _END = 0x0A324655, 0x9E5D5157, 0x0AB16F30
_NOT_FLASH, _HAS_FAMILY = 0x1, 0x2000
_MOST_PAYLOAD = 476


def chip_of_uf2(data: bytes) -> str:
    """The chip that the image is for. Raises ValueError, which says what is wrong with it."""
    if not data or len(data) % _BLOCK.size:
        raise ValueError("its length is not that of whole UF2 blocks")
    families = set()
    for number, block in enumerate(_BLOCK.iter_unpack(data)):
        start, second, flags, _, payload, at, count, family, _, end = block
        if (start, second, end) != (_START, _SECOND, _END):
            raise ValueError(f"block {number} is no UF2")
        if at != number or count != len(data) // _BLOCK.size or payload > _MOST_PAYLOAD:
            raise ValueError(f"block {number} says it is {at} of {count}: some are missing")
        if not flags & _NOT_FLASH:
            families.add(family if flags & _HAS_FAMILY else 0)
    if len(families) != 1:
        raise ValueError("it is not for one chip")
    family = families.pop()
    if family not in FAMILIES:
        raise ValueError(f"it is for a chip of family {family:#x}, which is unknown here")
    return FAMILIES[family]
