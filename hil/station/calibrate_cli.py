"""`axlebox station calibrate`: two references, and the node keeps what follows from them."""

from typing import Annotated

import typer

from hil.station.calibrating import Calibrating, Order
from hil.station.depot_options import (
    DEFAULT_FOLDER,
    FolderOption,
    LimitsOption,
    LinkOption,
    PassphraseOption,
    SlotOption,
    say,
    the_depot,
    the_vault,
)
from hil.station.limits import load_limits
from hil.station.measures import FAIL
from hil.station.meeting import Met, meet
from hil.station.node_link import Samples
from hil.station.node_on_board import BoardAtPrompt
from hil.station.provision_cli import fit_of
from hil.station.slots import port_of

__all__ = ["calibrate"]


def calibrate(
    quantity: Annotated[str, typer.Option(help="the quantity, as axle.load")],
    place: Annotated[str, typer.Option(help="the place, as 'axle 1'")],
    low: Annotated[float, typer.Option(help="what the first reference says; 0 for no load")],
    high: Annotated[float, typer.Option(help="what the second reference says")],
    initials: Annotated[str, typer.Option(help="who calibrates")],
    certificate: Annotated[str, typer.Option(help="the number of the reference's certificate")],
    slot: SlotOption = None,
    link: LinkOption = None,
    limits: LimitsOption = None,
    seconds: Annotated[float, typer.Option(min=1, max=600, help="how long each is read")] = 5,
    folder: FolderOption = DEFAULT_FOLDER,
    passphrase_file: PassphraseOption = None,
) -> None:
    """Calibrate a channel by two references; the node keeps it from then on."""
    depot = the_depot(folder)
    vault = the_vault(depot, passphrase_file)
    held = load_limits(limits)
    order = Order(quantity, place, low, high, initials, certificate, seconds)
    with meet(depot, vault, port_of(slot), link, depot.clock) as met:
        known = met.known
        line = Calibrating(
            depot,
            known,
            fit_of(known.profile, known.node),
            held,
            _pause,
            lambda words: typer.confirm(f"{words}: take it all the same?"),
        ).run(_MetNode(met), order)
    drift = next(measure for measure in line.measures if measure.name.startswith("drift"))
    say(
        f"PASS {quantity} at {place} of {known.node}, {known.locomotive}: it was off by "
        f"{line.drift:.4g} {line.unit}" + (" (beyond the limit)" if drift.word == FAIL else "")
    )


class _MetNode:
    """A node that was met, as a calibration needs it."""

    def __init__(self, met: Met) -> None:
        self._met = met

    def listen(self, duration_s: float) -> list[Samples]:
        return self._met.link.listen(duration_s)

    def at_prompt(self) -> BoardAtPrompt:
        return self._met.at_prompt()

    def started(self) -> int:
        with self._met.new_link() as link:
            return link.wait_for_start().configuration


def _pause(words: str) -> None:
    typer.prompt(f"{words}, then press Enter", default="", show_default=False)
