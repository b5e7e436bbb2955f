"""Packets of MQTT 3.1.1: bytes as the standard draws them, and streams cut anywhere."""

from axnode import mqtt


def test_packets_are_as_the_standard_draws_them():
    assert mqtt.connect("n", 10, b"t", b"off", None, None) == (
        b"\x10\x15\x00\x04MQTT\x04\x2e\x00\x0a\x00\x01n\x00\x01t\x00\x03off"
    )
    assert mqtt.connect("n", 10, b"t", b"off", "u", "p") == (
        b"\x10\x1b\x00\x04MQTT\x04\xee\x00\x0a\x00\x01n\x00\x01t\x00\x03off\x00\x01u\x00\x01p"
    )
    assert mqtt.subscribe(1, b"a/b") == b"\x82\x08\x00\x01\x00\x03a/b\x01"
    assert mqtt.publish(258, b"a", b"xyz") == b"\x32\x08\x00\x01a\x01\x02xyz"
    assert mqtt.publish(1, b"a", b"x", True)[0] == 0x33
    assert mqtt.puback(258) == b"\x40\x02\x01\x02"
    long = mqtt.publish(1, b"a", bytes(1024))
    assert long[1:3] == b"\x85\x08" and len(long) == 3 + 1029


def test_a_publish_gives_its_number_and_message():
    assert mqtt.published(0x32, b"\x00\x01a\x01\x02xyz") == (258, b"xyz")
    assert mqtt.published(0x30, b"\x00\x01axyz") == (None, b"xyz")
    try:
        mqtt.published(0x32, b"\x00\x09a")
    except ValueError:
        return
    raise AssertionError("accepted")


def test_a_stream_is_cut_into_packets_wherever_it_is_broken():
    sent = [mqtt.publish(7, b"a", bytes(200)), mqtt.PING, mqtt.puback(7)]
    stream = b"".join(sent)
    for size in (1, 2, 3, 7, 100, len(stream)):
        reader = mqtt.PacketReader(1024)
        got = []
        for at in range(0, len(stream), size):
            got += list(reader.feed(stream[at : at + size]))
        assert [first for first, _ in got] == [0x32, 0xC0, 0x40]
        assert [len(body) for _, body in got] == [205, 0, 2]
        assert reader.refused == 0


def test_of_a_packet_that_is_too_long_nothing_is_kept():
    stream = mqtt.puback(1) + mqtt.publish(7, b"a", bytes(5000)) + mqtt.puback(2)
    for size in (1, 64, 512, len(stream)):
        reader = mqtt.PacketReader(1024)
        got = []
        for at in range(0, len(stream), size):
            got += list(reader.feed(stream[at : at + size]))
            assert len(reader._kept) <= 1024 + 5
        assert got == [(0x40, b"\x00\x01"), (0x40, b"\x00\x02")]
        assert reader.refused == 1


def test_what_is_no_mqtt_is_said_so():
    try:
        list(mqtt.PacketReader(1024).feed(b"\x30\xff\xff\xff\xff\x01"))
    except ValueError:
        return
    raise AssertionError("accepted")
