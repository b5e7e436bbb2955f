"""What an error of the file system means, in words that say what to do."""

import errno
import os
from pathlib import Path

__all__ = ["explain"]

_WORDS = {
    errno.ENOSPC: "the disk is full: free space on it or lower the spool's limit",
    errno.EDQUOT: "the disk quota is used up: raise it or lower the spool's limit",
    errno.EROFS: (
        "the file system is read-only, often after an error of the card: look into `dmesg`, "
        "remount it writable, replace the card if it happens again"
    ),
    errno.EIO: "the disk answers with input/output errors: look into `dmesg`, replace the disk",
    errno.EACCES: "permission denied: give the folder to the user the gateway runs as",
    errno.EPERM: "not permitted: give the folder to the user the gateway runs as",
    errno.ENOENT: "the folder is gone: mount its disk or make it again",
    errno.EMFILE: "too many open files: raise the limit of the service (LimitNOFILE)",
}


def explain(error: OSError, folder: Path) -> str:
    """One sentence about a failed write to `folder`; readings stay in the nodes meanwhile."""
    known = _WORDS.get(error.errno or 0)
    words = known or f"{os.strerror(error.errno or errno.EIO)}: look into `dmesg`"
    return (
        f"the spool in {folder} cannot be written: {words}. Nothing is acknowledged until then; "
        "the nodes keep their readings"
    )
