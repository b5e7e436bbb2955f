"""Wi-Fi is asked for once, and nobody waits for it."""

from axnode.wifi import Wifi

from network import WLAN


def test_it_joins_once_and_again_after_a_break():
    wifi = Wifi("locomotive", "secret")
    station = WLAN.made[-1]
    assert not wifi.ready()
    assert not wifi.ready()
    joined = [("active", True), ("disconnect",), ("connect", "locomotive", "secret")]
    assert station.calls == joined
    station.connected = True
    assert wifi.ready()
    station.connected = False
    assert not wifi.ready()
    assert station.calls == joined + joined[1:]
