"""Stands for the module `network`, which the Unix port lacks: a station that a test moves."""

STA_IF = 0


class WLAN:
    made = []

    def __init__(self, interface):
        assert interface == STA_IF
        self.calls = []
        self.connected = False
        WLAN.made.append(self)

    def active(self, on):
        self.calls.append(("active", on))

    def isconnected(self):
        return self.connected

    def connect(self, ssid, password):
        self.calls.append(("connect", ssid, password))

    def disconnect(self):
        self.calls.append(("disconnect",))
