"""`axlebox station test`: a fitted board's self-test, PASS or FAIL."""

from contextlib import ExitStack, closing
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from msgspec import Struct

from gateway.errors import ConfigError
from hil.bench.bench_file import Wire
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
from hil.station.errors import StationError
from hil.station.limits import load_limits
from hil.station.meeting import meet
from hil.station.playing import Playing
from hil.station.provision_cli import fit_of
from hil.station.slots import port_of
from hil.station.testing import require, self_test, wires_to_mend

__all__ = ["run_test"]

_SETTLE_S = 1.5
"""What sensors and filters take to follow a new level."""


class _Wired(Struct, frozen=True, forbid_unknown_fields=True):
    wired: list[Wire]


def run_test(
    slot: SlotOption = None,
    link: LinkOption = None,
    limits: LimitsOption = None,
    seconds: Annotated[
        float, typer.Option(min=1, max=600, help="how long it is listened to")
    ] = 10,
    stimulus: Annotated[
        str | None, typer.Option(help="the port of a stimulus unit that plays the sensors")
    ] = None,
    wired: Annotated[
        Path | None, typer.Option(help="which output plays which channel: [[wired]] in TOML")
    ] = None,
    folder: FolderOption = DEFAULT_FOLDER,
    passphrase_file: PassphraseOption = None,
) -> None:
    """Test a fitted board: each value with its limits, PASS or FAIL."""
    depot = the_depot(folder)
    vault = the_vault(depot, passphrase_file)
    held = load_limits(limits)
    if (stimulus is None) != (wired is None):
        raise StationError(
            "a stimulus unit and what it is wired to go together",
            "Give both --stimulus and --wired, or neither",
        )
    with ExitStack() as open_now:
        met = open_now.enter_context(meet(depot, vault, port_of(slot), link, depot.clock))
        known = met.known
        fit = fit_of(known.profile, known.node)
        attempt = open_now.enter_context(
            depot.records.attempt("test", known.unique_id, known.locomotive, known.node)
        )
        attempt.step("listened to")
        wires: list[str] = []
        if stimulus is None or wired is None:
            attempt.measured(self_test(met.link, fit, held, seconds))
        else:
            unit = Playing(fit, stimulus, _wires(wired), depot.clock)
            open_now.enter_context(closing(unit))
            for played in unit.rounds():
                met.link.listen(_SETTLE_S)
                found = self_test(met.link, fit, held, seconds / 2, played)
                attempt.measured(found)
                wires += wires_to_mend(found, played)
        for one in attempt.measures:
            say(str(one))
        require(known, attempt.measures, wires)
        attempt.said = f"{len(attempt.measures)} measures"
        say(f"PASS {known.node} of {known.locomotive}: {len(attempt.measures)} measures")


def _wires(path: Path) -> list[Wire]:
    try:
        return msgspec.toml.decode(path.read_bytes(), type=_Wired).wired
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
