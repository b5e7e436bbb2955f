"""One locomotive with its train, stepped 0.1 s at a time; what it is at each step, as rows."""

from simulators.duties import Duty
from simulators.physics.adhesion import Wheelset, available, creep
from simulators.physics.air import Compressor
from simulators.physics.brakes import GOODS, PASSENGER, BrakePipe, distributor_goal, fill
from simulators.physics.character import character
from simulators.physics.driver import AT_STOP_M, LOOK_S, Driver, Hands
from simulators.physics.effects import Effects, damaged_parts
from simulators.physics.effort import braking, tractive
from simulators.physics.figures import Figures
from simulators.physics.motors import motor_model
from simulators.physics.resistance import G
from simulators.physics.train import ENGINE_PRESSING_T, Consist
from simulators.physics.warmth import Warmth
from simulators.physics.weights import transfer_t_kn

__all__ = ["SLOW_STEPS", "STEP_S", "Machine", "fast_columns", "slow_columns"]

STEP_S = 0.1
SLOW_STEPS = 10
"""Temperatures go on once in so many steps."""

_LOOK_STEPS = round(LOOK_S / STEP_S)
_GROUPS = 4
_PULL_S = 8.0
_LET_GO_S = 5.0
_GRIP = 0.95
_SOFT = 0.15
_FLUX_S = 2.0
_LEAK_L_MIN_M = 0.15
_DIP, _DIP_A = 0.05, 90.0


def fast_columns(figures: Figures) -> list[str]:
    """Names of the columns of a row of each step, counted from 0 where there are several."""
    several = ("tread", "path", "load", "current", "voltage")
    names = [f"{name} {n}" for name in several for n in range(figures.axles)]
    names += [f"cylinder {n}" for n in range(figures.bogies)]
    names += ["pipe", "equalising", "main", "delivery", "compressor current", "running"]
    return [*names, "supply", "speed", "effort", "place"]


def slow_columns(figures: Figures) -> list[str]:
    """Names of the columns of a row of each second; bearings count left and right in turn."""
    names = [f"{name} {n}" for name in ("winding", "frame") for n in range(figures.axles)]
    bearings = ("axle bearing", "motor bearing")
    names += [f"{name} {n}" for name in bearings for n in range(2 * figures.axles)]
    names += ["cabinet", "ambient", "oil"]
    names += [f"{part} {n}" for part in damaged_parts() for n in range(2 * figures.axles)]
    return names + [f"flat {n}" for n in range(figures.axles)]


class Machine:
    """The whole state. `effects` may be changed between steps; after it, `reload`."""

    def __init__(
        self, figures: Figures, duty: Duty, seed: int, driver: Driver | Hands | None = None
    ) -> None:
        self.figures = figures
        self.effects = Effects(figures.axles, figures.bogies)
        self.steps = 0
        self.consist = Consist(figures, duty)
        self.driver = driver or Driver(duty)
        self.pipe = BrakePipe(figures, self.consist.length_m, _GROUPS, 0.0)
        self.compressor = Compressor(figures, duty.ambient_c)
        self.warmth = Warmth(figures, duty, seed)
        self.effort_kn = 0.0
        self.cylinders_kpa = [self.driver.independent_kpa] * figures.bogies
        self._duty = duty
        self._motor = motor_model(figures)
        self._wheels = [Wheelset() for _ in range(figures.axles)]
        self._transfer = transfer_t_kn(figures)
        self._by_load = figures.motor_kind == "asynchronous"
        spread = [character(seed, "axle load", n) for n in range(figures.axles)]
        mean = sum(spread) / len(spread)
        nominal = figures.mass / figures.axles
        self._own_t = [nominal * (1 + 0.012 * (one - mean)) for one in spread]
        self._draws = [1 + 0.012 * character(seed, "motor", n) for n in range(figures.axles)]
        self._flux = 0.0
        self._squares = [0.0] * figures.axles
        self._pressing_a_kpa = ENGINE_PRESSING_T * G / figures.cylinder_pressure_max
        self._treads: list[float] = [0.0] * figures.axles
        self._paths_m: list[float] = [0.0] * figures.axles
        self._loads: list[float] = []
        self._currents: list[float] = [0.0] * figures.axles
        self.reload()
        self._loads = list(self._static_t)

    def reload(self) -> None:
        """Take in masses that the effects changed."""
        effects = self.effects
        self._static_t = [
            own * effects.weight + extra
            for own, extra in zip(self._own_t, effects.load_t, strict=True)
        ]
        self._mean_t = sum(self._static_t) / len(self._static_t)
        self.consist.load(effects.weight, effects.wagons)

    @property
    def t_s(self) -> float:
        return self.steps * STEP_S

    def step(self) -> None:
        """Go on by 0.1 s."""
        if self.steps % _LOOK_STEPS == 0:
            self._drive()
        consist = self.consist
        kmh = consist.speed_m_s * 3.6
        pull_kn = self._at_the_rails(kmh, self._asked(kmh))
        pressing_kn = self._brake()
        consist.move(pull_kn, pressing_kn, STEP_S)
        self._draw_currents(kmh)
        self.steps += 1
        if self.steps % SLOW_STEPS == 0:
            self._warm(kmh)

    def fast_row(self) -> list[float]:
        compressor = self.compressor
        pipe = self.pipe
        kmh = self.consist.speed_m_s * 3.6
        voltage = self._motor.voltage
        row = self._treads + self._paths_m + self._loads + self._currents
        row += [voltage(current, kmh) for current in self._currents]
        row += self.cylinders_kpa
        supply = self.figures.supply_voltage * self.effects.supply
        if compressor.running:
            supply *= 1 - _DIP * compressor.motor_current_a / _DIP_A
        row += (
            pipe.head_kpa,
            pipe.equalising_kpa,
            compressor.main_kpa,
            compressor.delivery_kpa,
            compressor.motor_current_a,
            1.0 if compressor.running else 0.0,
            supply,
            kmh,
            self.effort_kn,
            self.consist.place_m,
        )
        return row

    def slow_row(self) -> list[float]:
        return [
            *self.warmth.row(),
            self.compressor.oil_c,
            *(one for damage in self.effects.damage.values() for one in damage),
            *self.effects.flat_mm,
        ]

    def _drive(self) -> None:
        consist = self.consist
        driver = self.driver
        if driver.standing and self._duty.repeat and consist.speed_m_s == 0:
            left_m = self._duty.length_m - consist.place_m
            if left_m < AT_STOP_M:
                consist.begin_again()
                driver.begin_again()
        driver.look(self.t_s, consist.place_m, consist.speed_m_s)

    def _asked(self, kmh: float) -> float:
        """The effort that the notch asks for, reached at the pace of the machine."""
        notch = self.driver.notch
        if notch >= 0:
            goal = tractive(self.figures, notch, kmh)
        else:
            goal = -braking(self.figures, -notch, kmh)
        held = _GRIP * available(kmh, self._duty.rail) * self._holding_kn()
        goal = min(max(goal, -held), held)
        most = self.figures.starting_effort * STEP_S
        now = self.effort_kn
        rising = abs(goal) > abs(now)
        pace = most / (_PULL_S if rising else _LET_GO_S)
        pace *= min(1.0, _SOFT + abs(now) / self.figures.starting_effort / _SOFT)
        self.effort_kn = now + min(max(goal - now, -pace), pace)
        return self.effort_kn

    def _holding_kn(self) -> float:
        """The weight that counts for adhesion: where motors pull alike, the lightest axle's."""
        if self._by_load:
            return self._mean_t * len(self._loads) * G
        return min(self._loads) * len(self._loads) * G

    def _at_the_rails(self, kmh: float, asked_kn: float) -> float:
        """Share the effort out among the axles; kN that come to the rails."""
        effects = self.effects
        speed = self.consist.speed_m_s
        transfer, wheels, loads = self._transfer, self._wheels, self._loads
        treads, paths_m, field = self._treads, self._paths_m, effects.field
        hold = available(kmh, self._duty.rail) * G
        share = asked_kn / len(loads)
        mean = self._mean_t
        total = 0.0
        for n, static in enumerate(self._static_t):
            load = static + transfer[n] * asked_kn
            loads[n] = load
            wanted = share * load / mean if self._by_load else share
            if not field[n]:
                wanted = 0.0
            limit = hold * effects.adhesion[n] * load
            wheel = wheels[n]
            if wheel.slip_m_s == 0.0 and wheel.cut == 1.0 and -limit <= wanted <= limit:
                force = wanted
            else:
                force = wheel.step(wanted, limit, speed, STEP_S)
            total += force
            before = treads[n]
            treads[n] = kmh * (1 + creep(force, limit)) + wheel.slip_m_s * 3.6
            paths_m[n] += (before + treads[n]) / 2 / 3.6 * STEP_S
        return total

    def _brake(self) -> float:
        """Pipe, cylinders and compressor; kN of all shoes for 1 of friction."""
        effects, figures, pipe = self.effects, self.figures, self.pipe
        driver = self.driver
        leak = effects.leak_l_min + _LEAK_L_MIN_M * self.consist.length_m
        drawn = pipe.step(
            driver.reduction_kpa, leak, self.compressor.main_kpa, STEP_S, effects.frozen
        )
        self.compressor.step(drawn, effects.compressor, STEP_S)
        most = figures.cylinder_pressure_max
        goal = 0.0
        if self.effort_kn > -1.0:
            goal = distributor_goal(pipe.charged_kpa - pipe.head_kpa, most)
        goal = max(goal, min(driver.independent_kpa, most))
        cylinders = self.cylinders_kpa
        pressing = self.consist.brake_wagons(pipe, STEP_S)
        axles = figures.axles_a_bogie
        for n, kpa in enumerate(cylinders):
            if not effects.stuck[n]:
                wanted = max(goal, effects.held_kpa[n])
                if wanted or kpa > 0.01:
                    kpa = cylinders[n] = fill(
                        kpa, wanted, GOODS if effects.slow[n] else PASSENGER, STEP_S
                    )
            pressing += kpa * self._pressing_a_kpa * axles
        for n, kpa in enumerate(effects.drag_kpa):
            if kpa:
                pressing += max(kpa - cylinders[n // axles], 0.0) * self._pressing_a_kpa
        return pressing

    def _draw_currents(self, kmh: float) -> None:
        goal = 1.0 if self.driver.notch or abs(self.effort_kn) > 1 else 0.0
        self._flux += (goal - self._flux) * STEP_S / _FLUX_S
        flux = self._flux if self._flux > 0.001 else 0.0
        motor = self._motor
        share = abs(self.effort_kn) / len(self._loads)
        field, squares, currents = self.effects.field, self._squares, self._currents
        for n, draw in enumerate(self._draws):
            force = share * self._wheels[n].cut
            if self._by_load:
                force *= self._loads[n] / self._mean_t
            current = motor.current(force, kmh, flux) * draw
            if not field[n]:
                current = motor.without_field(current)
            currents[n] = current
            squares[n] += current * current

    def _warm(self, kmh: float) -> None:
        axles = self.figures.axles_a_bogie
        drag = self.effects.drag_kpa
        shoes = [max(self.cylinders_kpa[n // axles], kpa) for n, kpa in enumerate(drag)]
        squares = [square / SLOW_STEPS for square in self._squares]
        self._squares = [0.0] * len(squares)
        self.warmth.step(self.t_s, squares, kmh, self._loads, shoes, self.effects)
        self.compressor.warm(self.warmth.ambient_c, self.effects.compressor, 1.0)
