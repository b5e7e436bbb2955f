"""A message as a session hands it to a link."""

from axwire.cose import ROOM


class Sealed:
    def __init__(self, message):
        self.end = ROOM + len(message)
        self.buffer = bytearray(self.end + ROOM)
        self.view = memoryview(self.buffer)
        self.view[ROOM : self.end] = message
