"""The stimulus unit: a Pico that plays the sensors of a board under test (docs/stimulus.md).

It needs `axwire` beside it, and `stimulus/main.py` as the main.py of its file system.
"""

VERSION = 1
"""Of the protocol; the host speaks to no other."""

REFUSED, HELLO, STRETCH, CONDITION, SUPPLY, APPLIED, REST = 0, 1, 2, 3, 4, 5, 6
"""Kinds of messages: the first item of each; the second is the number of the request."""

LINEAR, STEADY = 1, 2
"""Flags of a stretch: straight lines between samples; its last value is meant to hold."""

OK, OPEN, HIGH, LOW, STUCK = 0, 1, 2, 3, 4
"""Conditions of an output, as a bench can make them."""

MESSAGE_CAP = 1024
