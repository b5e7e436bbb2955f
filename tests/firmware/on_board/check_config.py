"""What a node accepts as its configuration, and what it says of those it does not."""

import json

from axnode.config import ConfigError, parse
from axwire.table import CHANNEL_CAP

try:
    import tls
except ImportError:
    # The stock image of a board without a network has none.
    tls = None

GOOD = {
    "node": "motors-a",
    "board": "pico",
    "uart": {"id": 0, "baud": 921600, "tx": 0, "rx": 1},
    "i2c": [{"id": 0, "scl": 5, "sda": 4, "freq": 400000}],
    "spi": [{"id": 0, "sck": 18, "mosi": 19, "miso": 16, "baud": 1000000}],
    "chips": [
        {
            "name": "adc1",
            "kind": "ads1115",
            "i2c": 0,
            "address": 72,
            "range_mv": 4096,
            "rate": 860,
            "shunt_milliohm": 120000,
        },
        {
            "name": "rtd1",
            "kind": "max31865",
            "spi": 0,
            "cs": 17,
            "rref_milliohm": 400000,
            "wires": 3,
        },
    ],
    "groups": [
        {
            "period_ms": 10,
            "channels": [
                {
                    "quantity": "motor.current",
                    "place": "motor 1",
                    "chip": "adc1",
                    "input": 2,
                    "scale": 1953125,
                    "offset": -375000000000,
                    "calibration": 7,
                }
            ],
        },
        {
            "period_ms": 1000,
            "channels": [
                {
                    "quantity": "motor.winding_temperature",
                    "place": "motor 1",
                    "chip": "rtd1",
                    "scale": 10000000,
                    "offset": 0,
                }
            ],
        },
    ],
}


def _parse(content, measuring=True):
    text = content if isinstance(content, str) else json.dumps(content)
    return parse(text.encode(), measuring)


def _refusal(content):
    try:
        _parse(content)
    except ConfigError as error:
        return str(error)
    raise AssertionError("accepted: %s" % content)


def _changed(path, value):
    """A copy of the good configuration with one thing changed; None takes it away."""
    copy = json.loads(json.dumps(GOOD))
    at = copy
    for step in path[:-1]:
        at = at[step]
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return copy


def test_a_good_configuration():
    config = _parse(GOOD)
    assert (config.name, config.board, config.outbox_bytes) == ("motors-a", "pico", 8192)
    first, second = config.groups
    assert (first.number, first.first, first.period_ms) == (0, 0, 10)
    assert (second.number, second.first, second.period_ms) == (1, 1, 1000)
    assert first.channels[0].fields() == (1, 4 << 8 | 1 << 2, 1953125, -375000000000, 7)
    assert second.channels[0].fields()[2:] == (10000000, 0, 0)
    assert config.sources == [[(0, 2)], [(1, 0)]]
    assert config.chips[1]["filter_hz"] == 50
    number = config.number
    assert _parse(_changed(("board",), "pico2")).number != number


def test_an_unknown_key_is_named_with_its_file():
    for path, name in (
        (("nodes",), "nodes"),
        (("uart", "speed"), "uart.speed"),
        (("i2c", 0, "pullup"), "i2c[0].pullup"),
        (("spi", 0, "mode"), "spi[0].mode"),
        (("chips", 0, "adress"), "chips[0].adress"),
        (("chips", 1, "rate"), "chips[1].rate"),
        (("groups", 0, "period"), "groups[0].period"),
        (("groups", 1, "channels", 0, "scal"), "groups[1].channels[0].scal"),
    ):
        text = _refusal(_changed(path, 1))
        assert text == "node.json: unknown key '%s'" % name, text


def test_a_missing_key_is_named():
    for path, name in (
        (("node",), "node"),
        (("groups",), "groups"),
        (("uart", "baud"), "uart.baud"),
        (("chips", 0, "rate"), "chips[0].rate"),
        (("groups", 0, "channels", 0, "scale"), "groups[0].channels[0].scale"),
    ):
        text = _refusal(_changed(path, None))
        assert text == "node.json: key '%s' is missing" % name, text


def test_values_that_cannot_be():
    for path, value, words in (
        (("node",), "", "node must be a text of 1 to 23 bytes"),
        (("node",), "n" * 24, "node must be a text of 1 to 23 bytes"),
        (("node",), 5, "node must be a text"),
        (("flush_ms",), 5, "flush_ms must be an integer from 10 to 1000"),
        (("led",), True, "led must be an integer"),
        (("temperature",), "adc5", "temperature must be one of adc4, mcu, raw"),
        (("supply",), 29, "supply must be an object"),
        (("supply",), {"pin": 29}, "key 'supply.full_mv' is missing"),
        (("supply",), {"pin": 29, "full_mv": 0}, "supply.full_mv must be an integer from 1 to"),
        (("uart", "baud"), "fast", "uart.baud must be an integer"),
        (("uart", "baud"), 9600, "uart.baud must be an integer from 115200 to 921600"),
        (("uart", "baud"), 1_000_000, "uart.baud must be an integer from 115200 to 921600"),
        (("uart", "de"), "on", "uart.de must be an integer from 0 to 63"),
        (("chips", 0, "kind"), "ads1015", "chips[0].kind must be one of ads1115, max31865"),
        (("chips", 0, "kind"), "..evil", "chips[0].kind must be one of"),
        (("chips", 0, "rate"), 100, "chips[0].rate must be one of 8, 16"),
        (("chips", 0, "address"), 80, "chips[0].address must be an integer from 72 to 75"),
        (("chips", 1, "name"), "adc1", "chips: adc1 is there twice"),
        (("groups",), [], "groups must be 1 to 16 groups"),
        (("groups", 0, "period_ms"), 0, "groups[0].period_ms must be"),
        (
            ("groups", 0, "channels"),
            [],
            "groups[0].channels must be 1 to %d channels" % CHANNEL_CAP,
        ),
        (("groups", 0, "channels", 0, "quantity"), "motor.curent", "a quantity"),
        (("groups", 0, "channels", 0, "place"), "motr 1", "place 'motr 1' is none"),
        (("groups", 0, "channels", 0, "chip"), "adc9", "chip must be one of adc1, rtd1"),
        (("groups", 0, "channels", 0, "scale"), 0, "scale must be not 0"),
        (("groups", 0, "channels", 0, "scale"), 1.5, "scale must be an integer"),
        (("groups", 1, "channels", 0, "chip"), "adc1", None),
    ):
        changed = _changed(path, value)
        if words is None:
            changed["groups"][1]["channels"][0]["input"] = 2
            words = "input must be an input that no other channel has"
        text = _refusal(changed)
        assert text.startswith("node.json: ") and words in text, text


WHEEL = {"kind": "tacho", "teeth": 60, "full_rpm": 4500}
STRAIN = {"kind": "hx711", "sck": 6, "dout": 7, "rate": 10}


def test_state_machines_and_counters_serve_one_chip_each():
    for first, second, words in (
        ({"unit": 1}, {"unit": 1}, "chips[3].unit must be one that no other chip has"),
        ({"unit": 0}, {"sm": 0}, "chips[3].sm must be one that no other chip has"),
        ({"sm": 3}, {"unit": 3}, "chips[3].unit must be one that no other chip has"),
        ({"unit": 0}, {"unit": 1}, None),
        ({"sm": 0}, {"unit": 1}, None),
    ):
        changed = _changed(("board",), "pico")
        for at, keys in enumerate((first, second)):
            chip = {"name": "counted%d" % at}
            chip.update({"pin": 8 + at} if "unit" in keys else {})
            chip.update(WHEEL if "unit" in keys else STRAIN)
            chip.update(keys)
            changed["chips"].append(chip)
        if words is None:
            assert len(_parse(changed).chips) == 4
        else:
            said = _refusal(changed)
            assert words in said, said


def test_damaged_files():
    whole = json.dumps(GOOD)
    assert "is not JSON" in _refusal(whole[: len(whole) // 2])
    assert "is not JSON" in _refusal("")
    assert "must be an object" in _refusal("[]")


def test_one_that_is_not_to_measure_is_read_without_its_chips():
    """As in safe mode; a node that knows only how it is reached has neither chips nor groups."""
    config = _parse(_changed(("chips", 0, "kind"), "none of ours"), False)
    assert [group.channels[0].fields()[2] for group in config.groups] == [1953125, 10000000]
    link = config.link
    assert sorted(link) == ["board", "chips", "groups", "node", "uart"], link
    config = _parse(link, False)
    assert (config.name, config.groups, config.link) == ("motors-a", [], link)
    assert "groups must be 1 to 16 groups" in _refusal(link)


BROKER = {"host": "192.168.4.1", "locomotive": "TE33A-0001"}


def _linked(**links):
    content = {key: value for key, value in GOOD.items() if key != "uart"}
    content.update(links)
    return content


def test_a_line_or_a_broker_or_both():
    config = _parse(_linked(mqtt=BROKER))
    assert config.uart is None
    assert (config.mqtt["port"], config.mqtt["username"], config.mqtt["ssid"]) == (
        1883,
        None,
        None,
    )
    config = _parse(_linked(mqtt=BROKER, uart=GOOD["uart"]))
    assert config.uart["baud"] == 921600
    assert "key 'uart' or 'mqtt' is missing" in _refusal(_linked())


def test_the_boards_own_usb_is_a_line():
    config = _parse(_linked(uart={"id": "usb"}))
    assert config.uart == {"id": "usb"}
    said = _refusal(_linked(uart={"id": "usb", "baud": 921600}))
    assert said == "node.json: unknown key 'uart.baud'", said
    said = _refusal(_linked(uart={"id": "tty", "baud": 921600}))
    assert said == "node.json: uart.id must be an integer from 0 to 7", said


def test_a_broker_is_named_by_its_address():
    for host in ("broker", "1.2.3", "1.2.3.256", "1.2.3.x", ""):
        said = _refusal(_linked(mqtt={"host": host, "locomotive": "TE33A-0001"}))
        assert "mqtt.host must be an IPv4 address" in said, said
    said = _refusal(_linked(mqtt={"host": "1.2.3.4", "locomotive": "a/b"}))
    assert "mqtt.locomotive must be without + # /" in said, said
    said = _refusal(_linked(mqtt={"host": "1.2.3.4"}))
    assert "key 'mqtt.locomotive' is missing" in said, said


def test_the_authority_of_a_broker_is_tried_where_there_is_tls():
    with_tls = _linked(mqtt=dict(BROKER, tls="ca.der"))
    if tls is None:
        said = _refusal(with_tls)
        assert said == "node.json: mqtt.tls: this board's MicroPython has no TLS", said
        return
    said = _refusal(with_tls)
    assert "mqtt.tls: ca.der is no certificate: [Errno 2]" in said, said
    with open("ca.der", "wb") as file:
        file.write(b"rubbish")
    said = _refusal(with_tls)
    assert "mqtt.tls: ca.der is no certificate: invalid cert" in said, said
