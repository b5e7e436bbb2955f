"""`axlebox rules check`: what is wrong with a file of rules, and which rules judge what.

The other commands need a locomotive, and are in hil.rules.cli.
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from gateway.alarms.rulebook import BoundRule, load_rules
from gateway.alarms.signals import quantities_of
from gateway.errors import ConfigError
from gateway.profiles import Profile, load_profile

__all__ = ["check"]


def check(
    file: Annotated[
        Path | None, typer.Argument(help="a depot's rules, *.toml; without it, those shipped")
    ] = None,
    profile: Annotated[
        str, typer.Option(help="the id of a locomotive class, or a file *.toml")
    ] = "te33a",
    all_nodes: Annotated[
        bool, typer.Option("--all-nodes", help="as if the complete fitting were there")
    ] = False,
) -> None:
    """List the rules with their limits, and say which judge nothing. 1 where a file is wrong."""
    console = Console(highlight=False, markup=False, width=None)
    try:
        shown = load_profile(profile)
        rules = load_rules(shown, file)
    except ConfigError as error:
        console.print(str(error))
        raise typer.Exit(1) from None
    nodes = shown.all_nodes if all_nodes else shown.nodes
    fitted = {
        quantity for node in nodes for group in node.groups for quantity, _ in group.channels
    }
    table = Table("code", "rule", "priority", "opens", "closes", "while", "verified", "")
    for one in rules:
        table.add_row(
            one.words.code,
            one.rule.id,
            "sign" if one.rule.sign else one.priority,
            *_limit(one),
            _inactive(one, shown, fitted),
        )
    console.print(table)


def _limit(one: BoundRule) -> tuple[str, str, str, str]:
    """Opens, closes, while, verified."""
    bound, when = one.bound, ", ".join(one.rule.when)
    if bound is None:
        return "", "", when, ""
    side, back = (">", "<=") if bound.is_above else ("<", ">=")
    return (
        f"{side} {bound.open:g} {bound.unit}",
        f"{back} {bound.close:g} {bound.unit}",
        when,
        "yes" if bound.verified else "no",
    )


def _inactive(one: BoundRule, profile: Profile, fitted: set[str]) -> str:
    """Why the rule judges nothing on this fitting; empty where it does."""
    lacking = sorted(quantities_of(one.rule) - fitted)
    if lacking:
        return f"inactive: {', '.join(lacking)} is not fitted to {profile.id}"
    return ""
