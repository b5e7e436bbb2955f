"""The outbox against a model of what it promises."""

from random import getrandbits, seed

from axnode.outbox import WINDOW_BYTES, WINDOW_MESSAGES, Outbox

CAPACITY = 8192
SECOND = 1_000_000
ADDED = (1 << 30) - 5 * SECOND


def _payload(number, length):
    return memoryview(
        bytes([number & 0xFF, number >> 8 & 0xFF]) + bytes([number % 251]) * (length - 2)
    )


def _number(payload):
    number = payload[0] | payload[1] << 8
    for byte in payload[2:]:
        assert byte == number % 251, "damaged"
    return number


def _drain(outbox, now):
    sent = []
    payload = outbox.next(now)
    while payload is not None:
        sent.append(_number(payload))
        payload = outbox.next(now)
    return sent


def test_messages_go_out_once_in_order_until_the_window_is_full():
    outbox = Outbox(CAPACITY)
    for number in range(60):
        if number % 5:
            outbox.put_readings(_payload(number, 50), 10)
        else:
            outbox.put_report(_payload(number, 20))
    assert _drain(outbox, 0) == list(range(WINDOW_MESSAGES)) + [50, 55], "reports need no window"
    assert _drain(outbox, SECOND) == []
    outbox.acknowledge(10, [20, 21])
    assert _drain(outbox, SECOND) == [48, 49, 51, 52, 53, 54, 56, 57, 58, 59]
    assert outbox.oldest() == 10 and outbox.messages() == 48 and outbox.resent == 0


def test_the_window_is_bounded_in_bytes():
    outbox = Outbox(32_768)
    for number in range(24):
        outbox.put_readings(_payload(number, 900), 100)
    sent = _drain(outbox, 0)
    assert (len(sent) - 1) * 900 < WINDOW_BYTES <= len(sent) * 900


def test_what_is_not_acknowledged_is_repeated_ever_more_rarely():
    outbox = Outbox(CAPACITY)
    outbox.put_readings(_payload(0, 80), 1)
    outbox.put_readings(_payload(1, 80), 1)
    assert _drain(outbox, 0) == [0, 1]
    outbox.acknowledge(0, [1])
    times = []
    for quarter in range(1, 400):
        if _drain(outbox, quarter * SECOND // 4) == [0]:
            times.append(quarter / 4)
    assert times == [3, 9, 21, 45, 69, 93], times
    assert outbox.resent == 6
    outbox.acknowledge(2, [])
    assert outbox.messages() == 0 and outbox.bytes() == 0 and outbox.in_flight() == 0


def test_an_acknowledgement_frees_only_what_was_sent():
    outbox = Outbox(CAPACITY)
    for number in range(3):
        outbox.put_readings(_payload(number, 80), 1)
    outbox.acknowledge(3, [0, 1, 2, 77])
    assert outbox.messages() == 3
    outbox.next(0)
    outbox.acknowledge(0xFFFFFFFF, [2])
    assert outbox.messages() == 2 and outbox.oldest() == 1
    outbox.acknowledge(0xFFFFFFFF, [0])
    assert outbox.messages() == 2


def test_full_of_readings_it_drops_the_oldest_counts_them_and_keeps_events():
    outbox = Outbox(CAPACITY)
    outbox.put_report(_payload(0, 40))
    for number in range(1, 200):
        outbox.put_readings(_payload(number, 130), 7)
    held = outbox.messages() - 1
    assert CAPACITY * 3 // 4 // 130 - 1 <= held <= CAPACITY * 3 // 4 // 130
    assert outbox.dropped_messages() == 199 - held
    assert outbox.dropped_samples() == 7 * (199 - held)
    assert outbox.oldest() == 0
    assert _drain(outbox, 0)[:3] == [0, 200 - held, 201 - held]


def test_it_is_crowded_before_one_that_never_arrives_is_dropped_for_those_that_did():
    outbox = Outbox(CAPACITY)
    for number in range(200):
        outbox.put_readings(_payload(number, 1200), 600)
        _drain(outbox, 0)
        outbox.acknowledge(0, list(range(1, number + 1)))
        if outbox.is_crowded():
            break
    assert outbox.dropped_samples() == 0 and outbox.oldest() == 0 and outbox.messages() == 1
    outbox.moved(outbox.oldest_first(4096, 0))
    assert not outbox.is_crowded()


def test_a_rewind_sends_all_that_is_held_again():
    outbox = Outbox(CAPACITY)
    for number in range(20):
        outbox.put_readings(_payload(number, 80), 1)
    _drain(outbox, 0)
    outbox.acknowledge(5, [7])
    outbox.rewind()
    assert outbox.in_flight() == 0
    assert _drain(outbox, 1) == [5, 6] + list(range(8, 20))
    assert outbox.resent == 14


def test_the_newest_health_can_be_asked_for_out_of_turn():
    outbox = Outbox(CAPACITY)
    assert outbox.health_payload(0) is None and outbox.oldest_payload(0) is None
    for number in range(6):
        if number in (1, 4):
            outbox.put_health(_payload(number, 60))
        else:
            outbox.put_readings(_payload(number, 80), 1)
    assert _number(outbox.health_payload(0)) == 4
    assert _number(outbox.oldest_payload(0)) == 0
    outbox.acknowledge(1, [4])
    assert outbox.health_payload(0) is None
    assert _number(outbox.oldest_payload(0)) == 1


def test_nothing_is_lost_uncounted_whatever_happens():
    """A random life of 3,000 steps, 4 times: each message is acknowledged, held or counted."""
    for start in range(4):
        print("seed", start)
        seed(start)
        outbox = Outbox(CAPACITY)
        now = ADDED
        samples = {}
        acknowledged = set()
        sent = set()
        freed = upto = 0
        for _ in range(3000):
            dice = getrandbits(5)
            now = (now + getrandbits(18)) & ((1 << 30) - 1)
            number = outbox.sequence
            if dice < 14:
                samples[number] = getrandbits(7)
                outbox.put_readings(_payload(number, 2 + getrandbits(9)), samples[number])
            elif dice < 16:
                samples[number] = 0
                outbox.put_report(_payload(number, 2 + getrandbits(6)))
            elif dice < 17:
                samples[number] = 0
                outbox.put_health(_payload(number, 80))
            elif dice < 26:
                payload = outbox.next(now)
                if payload is not None:
                    sent.add(_number(payload))
            elif dice < 30 and sent:
                while upto in sent:
                    upto += 1
                singles = [each for each in sent if each > upto and getrandbits(1)][:8]
                acknowledged |= set([each for each in sent if each < upto]) | set(singles)
                before = outbox.messages()
                outbox.acknowledge(upto, singles)
                freed += before - outbox.messages()
            elif dice == 30:
                outbox.rewind()
            assert 0 <= outbox.in_flight() <= outbox.messages()
        held = set()
        outbox.rewind()
        for _ in range(1000):
            payload = outbox.next(now)
            if payload is None:
                if not outbox.messages():
                    break
                outbox.acknowledge(0, list(held))
            else:
                held.add(_number(payload))
        lost = set(samples) - acknowledged - held
        too_late = len(acknowledged) - freed
        assert not held & acknowledged
        assert outbox.dropped_messages() == len(lost) + too_late
        counted = outbox.dropped_samples() - sum([samples[number] for number in lost])
        assert 0 <= counted <= 127 * too_late
        assert outbox.bytes() == outbox.messages() == 0


def test_a_channel_table_goes_out_though_readings_without_it_fill_the_window():
    outbox = Outbox(CAPACITY)
    for number in range(60):
        outbox.put_readings(_payload(number, 50), 10)
    assert len(_drain(outbox, 0)) == WINDOW_MESSAGES
    outbox.put_report(_payload(60, 200))
    assert _drain(outbox, 0) == [60]
