"""The PIO program that counts pulses, instruction by instruction, against what its model says."""

from drivers.pulses_rp2 import count_pulses
from simulators.board.pio import assemble

TURN = 32
JMP, MOV = 0, 5
X_DEC, Y_DEC, PIN = 2, 4, 6
Y, OSR = 2, 7
MASK = 0xFFFFFFFF


class Pio:
    """Runs the instructions of the program on a pin that is high between given cycles."""

    def __init__(self, pulses):
        self.code = assemble(count_pulses.function)
        self.pulses = pulses
        self.at = self.code.target
        self.cycle = 0
        self.x = self.y = self.osr = 0
        self.turns = []
        self.edges = []

    def run(self, until):
        while self.cycle < until:
            self.step()

    def step(self):
        word = self.code.words[self.at]
        kind, condition, target = word >> 13, word >> 5 & 7, word & 0x1F
        self.at = self.code.target if self.at == self.code.last else self.at + 1
        if kind == JMP:
            if self.jumps(condition):
                self.at = target
        else:
            assert kind == MOV, hex(word)
            if condition == OSR:
                assert target == Y
                self.osr = self.y
                self.edges.append(self.cycle)
        self.cycle += 1 + (word >> 8 & 0x1F)

    def jumps(self, condition):
        if condition == X_DEC:
            self.x = (self.x - 1) & MASK
            return self.x != MASK
        if condition == Y_DEC:
            self.turns.append(self.cycle)
            self.y = (self.y - 1) & MASK
            return self.y != MASK
        if condition == PIN:
            return self.is_high()
        return True

    def is_high(self):
        while self.pulses and self.cycle >= self.pulses[0][1]:
            self.pulses.pop(0)
        return bool(self.pulses) and self.cycle >= self.pulses[0][0]


def train(count, period, high, begin=1000):
    return [(begin + at * period, begin + at * period + high) for at in range(count)]


def test_it_fits_and_leaves_room_for_the_other_programs_of_its_block():
    assert len(assemble(count_pulses.function).words) <= 20


def test_every_pulse_is_counted_once():
    for period, high in ((4000, 2000), (400, 200), (300, 120), (5000, 4800), (5000, 200)):
        pio = Pio(train(50, period, high))
        pio.run(1000 + 51 * period)
        assert -pio.x & MASK == 50, (period, high, -pio.x & MASK)


def test_a_turn_takes_32_cycles_whatever_the_pin_does():
    pulses = train(40, 777, 333) + train(30, 1511, 90, 50_000) + train(60, 70, 30, 120_000)
    pio = Pio(pulses)
    pio.run(140_000)
    steps = set([pio.turns[at] - pio.turns[at - 1] for at in range(1, len(pio.turns))])
    assert steps == {TURN}, steps


def test_edges_are_dated_to_a_turn():
    begins = [begin for begin, _ in train(30, 1234, 617)]
    pio = Pio(train(30, 1234, 617))
    dates = []
    for _ in range(30):
        count = pio.x
        while pio.x == count:
            pio.step()
        dates.append(-pio.osr & MASK)
    late = [date * TURN - begin for date, begin in zip(dates, begins)]
    assert max(late) - min(late) <= TURN, (min(late), max(late))


def test_what_is_shorter_than_the_filter_is_no_edge():
    """Two turns are the filter."""
    for width in (1, 20, 40, 60):
        pio = Pio(train(100, 500, width))
        pio.run(52_000)
        assert pio.x == 0, (width, -pio.x & MASK)
    for width in (98, 130):
        pio = Pio(train(100, 500, width))
        pio.run(52_000)
        assert -pio.x & MASK == 100, (width, -pio.x & MASK)


def test_what_bounces_for_less_than_the_filter_is_one_edge():
    for bounce in (7, 13, 29):
        pulses = []
        for at in range(60):
            begin = 1000 + 2000 * at
            at_end = begin + 1000
            for chatter in range(begin, begin + 60 - 2 * bounce, 2 * bounce):
                pulses.append((chatter, chatter + bounce))
            pulses.append((begin + 60, at_end))
            for chatter in range(at_end + bounce, at_end + 60 - bounce, 2 * bounce):
                pulses.append((chatter, chatter + bounce))
        pio = Pio(pulses)
        pio.run(1000 + 2000 * 61)
        assert -pio.x & MASK == 60, (bounce, -pio.x & MASK)
