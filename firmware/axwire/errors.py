"""Why bytes are refused.

WireError          any refusal; `reason` names the counter it goes to
├── FramingError   the serial frame: cobs, crc, too_long
├── CborError      not the CBOR of this protocol: cbor
├── EnvelopeError  not a COSE_Mac0 of this protocol: envelope; a wrong tag: bad_mac
└── MessageError   a well-formed payload that says something impossible: message
"""


class WireError(ValueError):
    """Bytes that are not what they should be. The text says what was expected and what came."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class FramingError(WireError):
    """A serial frame is damaged or too long."""


class CborError(WireError):
    """Not CBOR, or CBOR outside the subset of this protocol."""

    def __init__(self, text: str) -> None:
        super().__init__("cbor", text)


class EnvelopeError(WireError):
    """Not a COSE_Mac0 message of this protocol, or its tag is wrong."""


class MessageError(WireError):
    """The payload decodes, but is no message of this protocol."""

    def __init__(self, text: str) -> None:
        super().__init__("message", text)
