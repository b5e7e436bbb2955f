"""What the simulated hardware refuses.

BoardError
|-- WiringError   the wiring file does not describe a board
`-- FaultError    a fault that this chip, bus or input cannot have
"""


class BoardError(Exception):
    """Root of what the simulated hardware raises towards the host, never towards the firmware."""


class WiringError(BoardError):
    """Names the place in the wiring file and what was expected there."""


class FaultError(BoardError):
    """Names the fault, and what it cannot be applied to."""
