"""The gateway's log: for a person at a terminal, or as one JSON object a line.

`extra` of a logging call becomes keys of the object, so that a journal can be searched for a node
or a link without parsing sentences.
"""

import json
import logging
from datetime import UTC, datetime
from enum import StrEnum

from rich.console import Console
from rich.logging import RichHandler

__all__ = ["LogFormat", "start_logging"]

_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What every record has."""


class LogFormat(StrEnum):
    """How the log is written to standard error."""

    TEXT = "text"
    JSON = "json"


def start_logging(form: LogFormat) -> None:
    """Write everything from INFO on to standard error."""
    if form is LogFormat.JSON:
        handler: logging.Handler = logging.StreamHandler()
        handler.setFormatter(_JsonLines())
    else:
        handler = RichHandler(console=Console(stderr=True))
        handler.setFormatter(logging.Formatter("%(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


class _JsonLines(logging.Formatter):
    """`time` (UTC), `level`, `part` (the module), `message`; `error` has a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "part": record.name.removeprefix("gateway."),
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _PLAIN}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)
