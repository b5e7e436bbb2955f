"""Below the temperature that a chip is rated for its values go out, marked OUT_OF_RANGE."""

from axwire.codes import OK, OUT_OF_RANGE, SATURATED

import check_adxl345
import check_hx711
import check_nau7802
import check_node

TOO_COLD, STILL, WARM = -4001, -3901, -3900


def settle(made):
    """Long enough for a status to show, and to be taken back."""
    made.run_ms(4 * made.period_ms + 1000)


def all_statuses(made, group):
    return set([blocks for blocks in made.sink.blocks if blocks[0] == group][-1][3])


def last_row(made):
    return [rows for number, _, rows, _ in made.sink.blocks if number == 1 and rows][-1][-1]


def test_values_of_a_chip_that_is_too_cold_are_marked_until_it_is_a_degree_warmer():
    for make in (
        check_nau7802.rig,
        lambda: check_hx711.rig(None),
        lambda: check_adxl345.rig(check_adxl345.BUSES[0]),
    ):
        made = make()
        settle(made)
        assert all_statuses(made, 1) == {OK}
        holes = -(1 << 31), -0x8000
        for centi_c, status in (
            (-4000, OK),
            (TOO_COLD, OUT_OF_RANGE),
            (STILL, OUT_OF_RANGE),
            (None, OUT_OF_RANGE),
            (WARM, OK),
            (None, OK),
            (2500, OK),
        ):
            made.sampler.tell_temperature(centi_c)
            settle(made)
            assert all_statuses(made, 1) == {status}, (made.driver, centi_c)
            assert last_row(made)[0] not in holes, (made.driver, centi_c)
            assert all_statuses(made, 0) == {OK}, "loops are rated for it"
        assert made.sampler.errors == 0


def test_a_fault_is_told_before_the_cold():
    made = check_hx711.rig(None)
    made.sampler.tell_temperature(TOO_COLD)
    made.fault("saturated")
    settle(made)
    assert made.status() == SATURATED
    made.fault("saturated", clear=True)
    settle(made)
    assert made.status() == OUT_OF_RANGE


def test_a_node_tells_its_sampler_at_start_and_with_each_health():
    told = []

    class Vitals:
        def __init__(self):
            self.centi_c = -4500

        def temperature_centi_c(self):
            return self.centi_c

        def supply_mv(self):
            return 5000

    class Parts(check_node.Parts):
        vitals = Vitals()

    class Provision(check_node.Provision):
        parts = Parts

    node = check_node.node_of(Provision)
    node.sampler.tell_temperature = told.append
    reported = []
    node.reports.health = reported.append
    node.report_health()
    assert told == [-4500] and reported[0][14] == -4500, (told, reported)
    node.reports.hello = lambda about: None

    async def stop():
        raise check_node.StopError

    node.sampler.run = node.session.transmit = node.session.listen = stop
    try:
        check_node.asyncio.run(node.run())
    except check_node.StopError:
        pass
    assert told == [-4500, -4500], told
