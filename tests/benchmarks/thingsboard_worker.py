"""Runs with thingsboard-gateway's own packages: puts lines into one of its stores.

Arguments: "file" or "sqlite", a folder that ends in "/", a file with one event a line. Prints
seconds of wall and of CPU until the store has them all.
"""

import logging
import sqlite3
import sys
import threading
import time
from pathlib import Path

from thingsboard_gateway.storage.file.file_event_storage import FileEventStorage
from thingsboard_gateway.storage.sqlite.sqlite_event_storage import SQLiteEventStorage

_LIMIT_S = 60


class _Logger(logging.Logger):
    def trace(self, *arguments: object, **options: object) -> None:
        """The gateway's own level below debug."""


kind, folder, path = sys.argv[1:]
events = Path(path).read_text(encoding="utf-8").splitlines()
log, stop = _Logger("storage", logging.CRITICAL), threading.Event()
if kind == "file":
    settings = {
        "data_folder_path": folder,
        "max_file_count": 1000,
        "max_records_per_file": 10_000,
        "max_records_between_fsync": 10,
    }
    storage = FileEventStorage(settings, log, stop)
else:
    storage = SQLiteEventStorage({"data_file_path": folder + "data.db"}, log, stop)
begin, cpu = time.perf_counter(), time.process_time()
assert all(storage.put(event) for event in events)
if kind == "sqlite":
    reader = sqlite3.connect(folder + "data.db")
    while reader.execute("SELECT count(*) FROM messages").fetchone()[0] < len(events):
        assert time.perf_counter() - begin < _LIMIT_S
        time.sleep(0.005)
print(time.perf_counter() - begin, time.process_time() - cpu)
storage.stop()
