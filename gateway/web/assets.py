"""The page's files, read once from the package and served from memory.

They live under a path that carries a digest of all of them, so a browser may keep them for ever
and a new version is a new path.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.web.texts import as_module

__all__ = ["Assets", "gather_assets", "load_assets"]

_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Assets:
    """File name to body and content type, and the digest of them all."""

    digest: str
    bodies: dict[str, tuple[bytes, str]]

    async def respond(self, request: Request) -> Response:
        """The file of a request with path parameters `digest` and `name`, or 404."""
        found = self.bodies.get(request.path_params["name"])
        if found is None or request.path_params["digest"] != self.digest:
            raise HTTPException(404)
        body, kind = found
        return Response(body, headers={"content-type": kind, "cache-control": _FOR_EVER})


def load_assets() -> Assets:
    """Every file of `gateway/web/static`, and the table of texts as a module."""
    return gather_assets(files("gateway.web").joinpath("static").iterdir(), as_module())


def gather_assets(found: Iterable[Traversable], texts: bytes) -> Assets:
    """These files, and `texts.js`."""
    bodies = {"texts.js": (texts, _KINDS[".js"])}
    for file in found:
        suffix = "." + file.name.rpartition(".")[2]
        bodies[file.name] = (file.read_bytes(), _KINDS[suffix])
    digest = hashlib.sha256()
    for name in sorted(bodies):
        digest.update(name.encode() + b"\0" + hashlib.sha256(bodies[name][0]).digest())
    return Assets(digest.hexdigest()[:16], bodies)
