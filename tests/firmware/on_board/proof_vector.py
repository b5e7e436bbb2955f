"""A proof by its parts, for the firmware and for who checks it; computed once, by hmac."""

KEY = bytes(range(32))
NONCE = [0x01234567, 0x89ABCDEF, 0, 0xFFFFFFFF]
UNIQUE_ID = "e66038b7132a5b2f"
CONFIGURATION = b'{"node": "motors-a"}'
FILES = {
    "main.py": b"print(1)\n",
    "axnode.mpy": b"",
    "axnode/__init__.mpy": b"M" + bytes(700),
    "axnode/deep/inside.mpy": b"M2",
    "axwire/cbor.mpy": b"M3",
    "drivers/a-b.mpy": b"M4",
    "drivers/a.mpy": b"M" * 256,
}
OTHER_FILES = {"notes.txt": b"x", "spill/0.seg": b"y", "manifest.json": b"{}"}
"""What is on a board and no firmware."""

FIRMWARE = "dd6f88bd34d989a3d4d29b2cc06a01257267c5cf13993582fe248224c437f4c4"
PROOF = "5d911237750d0621ab6cee9e93319d59bf3465d8c028e18cc0d429682d08714d"
