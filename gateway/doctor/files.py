"""The files that a gateway reads before it starts: are they there, right, and secret."""

import os
from collections.abc import Callable, Iterator
from functools import partial

import msgspec

from gateway.alarms.rulebook import load_rules
from gateway.config import GatewayConfig, load_keys, load_password, load_token
from gateway.doctor.finding import Finding, as_told, ok
from gateway.errors import AxleboxError
from gateway.profiles import load_profile
from gateway.web.pin import load_pin

__all__ = ["look_at_files"]

_PART = "files"


def look_at_files(settings: GatewayConfig, token: str | None) -> Iterator[Finding]:
    """`token`: what the environment says, which overrules the file."""
    found = [*_wrong(settings, token)] or [*_shared(settings)]
    yield from found
    if not settings.nodes:
        yield Finding(
            level="wrong",
            part=_PART,
            what="no [[nodes]] are listed, so nothing that a board says would be believed",
            advice="add one for each board, with the file of its key",
        )
    elif not found:
        yield ok(
            _PART,
            f"configuration, profile, alarm rules and node keys are good (nodes: "
            f"{len(settings.nodes)})",
        )
    if os.geteuid() == 0:
        yield Finding(
            level="note",
            part=_PART,
            what="root asks, who may open everything: what the gateway's own user may not open "
            "does not show",
            advice="ask as that user, with `sudo -u axlebox` in front",
        )


def _shared(settings: GatewayConfig) -> Iterator[Finding]:
    """Keys that several nodes have: whoever takes one board could speak for the others. To be
    asked where all can be read."""
    names: dict[str, list[str]] = {}
    for node in settings.nodes:
        text = node.key_file.read_text(encoding="ascii").strip().lower()
        names.setdefault(text, []).append(node.name)
    for shared in names.values():
        if len(shared) > 1:
            yield Finding(
                level="wrong",
                part=_PART,
                what=f"nodes {', '.join(shared)} have the same key",
                advice="give each a key of its own: axlebox firmware provision",
            )


def _wrong(settings: GatewayConfig, token: str | None) -> Iterator[Finding]:
    for node in settings.nodes:
        yield from _tried(
            partial(load_keys, msgspec.structs.replace(settings, nodes=[node])),
            "copy the key file anew from where the node was provisioned",
        )
    mqtt, influx, pin = settings.mqtt, settings.influx, settings.page.pin_file
    if mqtt is not None:
        yield from _tried(lambda: load_password(mqtt), "put the broker's password there")
        if mqtt.ca_file is not None and not os.access(mqtt.ca_file, os.R_OK, effective_ids=True):
            yield Finding(
                level="wrong",
                part=_PART,
                what=f"mqtt.ca_file: {mqtt.ca_file} cannot be read",
                advice="put the certificate of the broker's authority there, for all to read",
            )
    if influx is not None:
        yield from _tried(
            lambda: load_token(influx, token), "put a token there that may write the bucket"
        )
    if pin is not None:
        yield from _tried(lambda: load_pin(pin), "set the PIN anew: axlebox gateway pin")
    try:
        profile = load_profile(settings.locomotive.profile)
    except AxleboxError as error:
        yield as_told(_PART, error, "correct locomotive.profile: axlebox profile check says more")
        return
    yield from _tried(
        lambda: load_rules(profile, settings.alarms.rules),
        "correct the file that alarms.rules names: axlebox rules check says more",
    )


def _tried(load: Callable[[], object], otherwise: str) -> Iterator[Finding]:
    try:
        load()
    except (AxleboxError, OSError, UnicodeError) as error:
        yield as_told(_PART, error, otherwise)
