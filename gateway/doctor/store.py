"""The spool's folder and the disk under it. It only looks: nothing is written or locked."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from gateway.config import GatewayConfig, SpoolConfig
from gateway.core import MIN_FREE_BYTES
from gateway.doctor.finding import Finding, as_told, ok
from gateway.doctor.running import Running
from gateway.spool.reserve import RESERVE_NAME
from gateway.state import Spool

__all__ = ["look_at_store"]

_PART = "store"
_MEGABYTE = 1_000_000
_RESERVE_UNIT = 1024 * 1024
_FEW_DAYS = 3
"""An unattended weekend."""

_OWNER = "give it to the user the gateway runs as: chown -R axlebox"


def look_at_store(settings: GatewayConfig, running: Running | None) -> Iterator[Finding]:
    """What the gateway says of its store, and how the folder looks from outside."""
    spool = settings.spool
    if running is not None:
        yield from _told(running.state.spool, settings)
    if not spool.folder.exists():
        yield _missing(spool.folder)
        return
    if not spool.folder.is_dir():
        yield _wrong(f"{spool.folder} is a file, not a folder", "correct spool.folder")
        return
    if os.statvfs(spool.folder).f_flag & os.ST_RDONLY:
        yield _wrong(
            f"the file system of {spool.folder} is read-only, often after an error of the card",
            "look into `dmesg`, remount it writable, replace the card if it happens again",
        )
        return
    if not os.access(spool.folder, os.R_OK | os.W_OK | os.X_OK, effective_ids=True):
        yield _wrong(
            f"this user may not read and write the store in {spool.folder}",
            f"{_OWNER} {spool.folder}",
        )
        return
    yield from _room(spool)
    yield from _reserve(spool, running)
    damaged = len(list(spool.folder.glob("*.bad")))
    if damaged:
        yield _note(
            f"damaged segments were set aside in {spool.folder} ({damaged}); what was sound of "
            "them was salvaged",
            "look into `dmesg` and replace the card; move the `.bad` files away afterwards",
        )


def _told(spool: Spool, settings: GatewayConfig) -> Iterator[Finding]:
    for sentence in (spool.fault, spool.warning):
        if sentence:
            yield as_told(_PART, sentence)
    given_up = spool.removed_messages + spool.thinned_messages
    if given_up:
        yield _wrong(
            f"messages given up or thinned before the server had them: {given_up}",
            "bring the server back, or raise spool.limit_mb",
        )
    if settings.influx is not None and spool.free_days is not None:
        if spool.free_days < _FEW_DAYS:
            yield _note(
                f"the store has room for {spool.free_days:.1f} days of what is not sent",
                "bring the server back before that, or raise spool.limit_mb",
            )
        else:
            yield ok(_PART, f"the store has room for {spool.free_days:.0f} days without a server")


def _missing(folder: Path) -> Finding:
    above = next(parent for parent in folder.parents if parent.exists())
    if os.access(above, os.W_OK | os.X_OK, effective_ids=True):
        return _note(
            f"the store's folder {folder} is not there yet", "the gateway makes it when it starts"
        )
    return _wrong(
        f"the store's folder {folder} is not there, and this user may not make it in {above}",
        f"make it, and {_OWNER} {folder}",
    )


def _room(spool: SpoolConfig) -> Iterator[Finding]:
    """Besides what it must leave to others, the disk should hold all that the limit allows."""
    free = shutil.disk_usage(spool.folder).free
    used = sum(file.stat().st_size for file in spool.folder.glob("*") if file.is_file())
    if free < MIN_FREE_BYTES:
        yield _wrong(
            f"the disk of {spool.folder} has only {free // _MEGABYTE} MB left, and forwarded "
            f"readings are given up below {MIN_FREE_BYTES // _MEGABYTE} MB",
            "free space on it: logs and copies first, never the store's own files",
        )
    elif used + free - MIN_FREE_BYTES < spool.limit_mb * _MEGABYTE:
        yield _note(
            f"the store may grow to spool.limit_mb = {spool.limit_mb}, and the disk has room for "
            f"{(used + free - MIN_FREE_BYTES) // _MEGABYTE} MB of it",
            "lower spool.limit_mb to that, or free space, so that warnings come in time",
        )
    else:
        yield ok(_PART, f"the disk of {spool.folder} has {free // _MEGABYTE} MB free")


def _reserve(spool: SpoolConfig, running: Running | None) -> Iterator[Finding]:
    path = spool.folder / RESERVE_NAME
    if not spool.reserve_mb:
        yield _note(
            "spool.reserve_mb is 0, so nothing is set apart for the hour when the disk is full",
            "leave it at its default where the disk has room",
        )
    elif path.exists() and path.stat().st_size >= spool.reserve_mb * _RESERVE_UNIT:
        yield ok(_PART, f"the reserve of {spool.reserve_mb} MB is set apart")
    elif running is not None:
        yield _wrong(
            f"the reserve of {spool.reserve_mb} MB is not set apart: the disk was full, or is",
            "free space on the disk; the gateway sets it apart again by itself",
        )
    else:
        yield _note(
            f"the reserve of {spool.reserve_mb} MB is not set apart yet",
            "the gateway does it while it runs, where the disk has four times as much free",
        )


def _wrong(what: str, advice: str) -> Finding:
    return Finding(level="wrong", part=_PART, what=what, advice=advice)


def _note(what: str, advice: str) -> Finding:
    return Finding(level="note", part=_PART, what=what, advice=advice)
