"""What of an update outlasts the gateway's own restart: the bundle, and which nodes are left.

Two files in a folder of their own. The bundle is checked again when it is read, as if it came from
anywhere; that a person vouched for the locomotive to stand is not kept.
"""

import logging
from pathlib import Path

import msgspec

from gateway.spool.storage import Storage

__all__ = ["Job", "JobStore"]

_log = logging.getLogger(__name__)

_BUNDLE = "bundle.axu"
_JOB = "job.json"


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """`nodes` are those left, in order; `trying`: the first of them was told to start again."""

    nodes: list[str]
    who: str
    trying: bool = False


class JobStore:
    """`folder` is made when there is something to keep."""

    def __init__(self, storage: Storage, folder: Path) -> None:
        self._storage = storage
        self._folder = folder

    def begin(self, bundle: bytes, job: Job) -> None:
        """Keep a new one. Raises OSError."""
        self._folder.mkdir(exist_ok=True)
        self._write(_BUNDLE, bundle)
        self.keep(job)

    def keep(self, job: Job) -> None:
        """How far it is now. Raises OSError."""
        self._write(_JOB, msgspec.json.encode(job))

    def end(self) -> None:
        """Nothing is left."""
        for name in (_JOB, _BUNDLE):
            try:
                (self._folder / name).unlink(missing_ok=True)
            except OSError as error:
                _log.warning("%s cannot be removed: %s", self._folder / name, error)

    def read(self) -> tuple[bytes, Job] | None:
        """What was under way; None: nothing that can be read."""
        try:
            job = msgspec.json.decode((self._folder / _JOB).read_bytes(), type=Job)
            return (self._folder / _BUNDLE).read_bytes(), job
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            _log.warning("an update that was under way cannot be gone on with: %s", error)
            return None

    def _write(self, name: str, content: bytes) -> None:
        path = self._folder / name
        with path.with_suffix(".new").open("wb") as file:
            file.write(content)
            file.flush()
            self._storage.datasync(file.fileno())
        path.with_suffix(".new").replace(path)
        self._storage.sync_folder(self._folder)
