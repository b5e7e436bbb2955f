"""PT100: resistance to temperature, against the values of IEC 60751 as tables print them."""

from drivers.max31865 import Pt100, resistance

PUBLISHED = (
    (-200, 18.52),
    (-150, 39.72),
    (-100, 60.26),
    (-50, 80.31),
    (-40, 84.27),
    (0, 100.00),
    (20, 107.79),
    (50, 119.40),
    (100, 138.51),
    (150, 157.33),
    (180, 168.48),
    (200, 175.86),
    (250, 194.10),
    (300, 212.05),
)


def test_the_curve_is_the_published_one():
    for celsius, ohm in PUBLISHED:
        assert abs(resistance(celsius) - ohm) <= 0.0051, (celsius, resistance(celsius))


def test_a_code_gives_its_temperature_within_half_a_step_of_the_converter():
    for rref in (400, 430):
        pt100 = Pt100(rref * 1000)
        step = rref / 32768 / 0.36
        for celsius, ohm in PUBLISHED[2:]:
            code = round(ohm / rref * 32768)
            centi = pt100.centi_celsius(code)
            assert abs(centi / 100 - celsius) <= step / 2 + 0.025, (rref, celsius, centi)


def test_between_its_points_the_table_is_a_hundredth_of_a_degree_right():
    pt100 = Pt100(400_000)
    for code in range(4940, 18150, 29):
        ohm = code * 400 / 32768
        centi = pt100.centi_celsius(code)
        low, high = -100.0, 330.0
        while high - low > 0.0001:
            middle = (low + high) / 2
            if resistance(middle) < ohm:
                low = middle
            else:
                high = middle
        assert abs(centi - low * 100) <= 1.0, (code, centi, low)


def test_every_code_gives_a_16_bit_value_that_rises_with_it():
    pt100 = Pt100(400_000)
    before = -0x8000
    for code in range(0, 32768, 13):
        centi = pt100.centi_celsius(code)
        assert before <= centi <= 0x7FFF and centi != -0x8000, code
        before = centi
    assert pt100.centi_celsius(0) == -10_000
    assert pt100.centi_celsius(32767) == 0x7FFF
