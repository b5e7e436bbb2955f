"""Somebody who looks at a pin that the board drives. `driven` = whether the board drives it, the
level, and the rate in mHz of the pulses that a state machine makes there."""

from simulators.board.chip import Chip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from simulators.board.hardware import Wire
    from simulators.board.inputs import Input


class Probe(Chip):
    """The probe, which itself drives nothing."""

    wire: "Wire"

    def __init__(self, name: str, inputs: "list[Input]", ticks_us: "Callable[[], int]") -> None:
        super().__init__(name, inputs, ticks_us, False)

    def reset(self) -> None:
        """There is nothing in it to reset."""

    def settle(self, now_us: int) -> None:
        """Nothing in it takes time."""

    def level(self) -> int:
        return self.wire.FLOATING

    def driven(self) -> "list[int]":
        return [1 if self.wire.driven else 0, self.wire.output, self.wire.pulses_mhz]
