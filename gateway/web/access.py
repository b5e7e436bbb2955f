"""Who may act on alarms: the panel on this machine where it is trusted, else who knows the PIN.

Reading is open to whoever reaches the page's address. A browser elsewhere cannot be made to act:
an action needs the page's own origin, and the session's cookie goes to that host alone.
"""

import asyncio
import ipaddress
import logging
import math
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request

from gateway.web.attempts import Attempts, Bucket
from gateway.web.pin import PinHash

__all__ = ["COOKIE", "SESSION_S", "Access", "is_local", "require_origin"]

COOKIE = "axlebox"
SESSION_S = 12 * 3600
"""A shift; then the PIN is asked for again."""

_SESSIONS_KEPT = 64
_ACTIONS = 30
_ACTION_EACH_S = 1.0
_FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_log = logging.getLogger(__name__)


@dataclass
class Access:
    """`trusted_panel`: a browser on this machine needs no PIN. Used in the page's event loop."""

    pin: PinHash | None = None
    trusted_panel: bool = False
    _attempts: Attempts = field(default_factory=Attempts)
    _actions: Bucket = field(default_factory=lambda: Bucket(_ACTIONS, _ACTION_EACH_S))
    _sessions: OrderedDict[str, tuple[str, float]] = field(default_factory=OrderedDict)
    _hashing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def who(self, request: Request) -> str | None:
        """As whom this request acts: "panel", "crew@ADDRESS", or None."""
        if self.trusted_panel and is_local(request):
            return "panel"
        found = self._sessions.get(request.cookies.get(COOKIE, ""))
        return found[0] if found is not None and _now_s() < found[1] else None

    def require(self, request: Request) -> str:
        """Who acts. Raises HTTPException 401, 403 or 429."""
        require_origin(request)
        by = self.who(request)
        if by is None:
            if self.pin is None:
                raise HTTPException(
                    403,
                    "nobody may act from here: no PIN is set (axlebox gateway pin) and this is "
                    "no trusted panel",
                )
            raise HTTPException(401, "give the crew's PIN first")
        wait_s = self._actions.wait_s(_now_s())
        if wait_s > 0:
            raise HTTPException(429, "too many actions at once", _retry_after(wait_s))
        self._actions.take(_now_s())
        return by

    async def log_in(self, request: Request, pin: str) -> tuple[str, str]:
        """Token of a new session, and as whom it acts. Raises HTTPException 401, 403 or 429."""
        require_origin(request)
        if self.pin is None:
            raise HTTPException(403, "no PIN is set; set one with: axlebox gateway pin")
        address = _address(request)
        async with self._hashing:
            wait_s = self._attempts.wait_s(address, _now_s())
            if wait_s > 0:
                raise HTTPException(
                    429, f"too many wrong PINs: wait {math.ceil(wait_s)} s", _retry_after(wait_s)
                )
            self._attempts.begin(address, _now_s())
            right = await asyncio.to_thread(self.pin.matches, pin)
        if not right:
            _log.warning("a wrong PIN came from %s", address)
            raise HTTPException(401, "that is not the crew's PIN")
        self._attempts.right(address)
        token, by = secrets.token_urlsafe(32), f"crew@{address}"
        self._sessions[token] = (by, _now_s() + SESSION_S)
        if len(self._sessions) > _SESSIONS_KEPT:
            self._sessions.popitem(last=False)
        _log.info("the PIN was given at %s", address)
        return token, by

    def log_out(self, request: Request) -> None:
        """End the request's session, if it has one. Raises HTTPException 403."""
        require_origin(request)
        self._sessions.pop(request.cookies.get(COOKIE, ""), None)


def require_origin(request: Request) -> None:
    """Refuse what another site's page had a browser send. Raises HTTPException 403."""
    scheme, _, origin = request.headers.get("origin", "").partition("://")
    if scheme not in ("http", "https") or origin != request.headers.get("host"):
        raise HTTPException(403, "only the page itself may ask for this: the origin is another")
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise HTTPException(403, "only the page itself may ask for this: the site is another")


def is_local(request: Request) -> bool:
    """From this machine to this machine's own address, and through no proxy. A name of the host
    that is none of ours may be another's that was made to point here."""
    if any(name in request.headers for name in _FORWARDED):
        return False
    try:
        host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return False
    return _is_loopback(_address(request)) and (host == "localhost" or _is_loopback(host))


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _retry_after(wait_s: float) -> dict[str, str]:
    return {"retry-after": str(math.ceil(wait_s))}


def _now_s() -> float:
    return asyncio.get_running_loop().time()
