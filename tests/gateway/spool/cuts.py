"""A folder as a power cut leaves it, between each two operations of a spool."""

import shutil
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

from power_cuts.disk import Disk, Image
from power_cuts.recorder import Recorder


def each_cut(start: Image, recorder: Recorder, check: Callable[[Path, int], None]) -> None:
    """What a cut leaves of `start`, by what was synced, and by all that was asked; the last write
    by half."""
    recorder.check()
    disk = Disk.holding(start)
    folder = recorder.root.parent / "cut"
    for cut, operation in enumerate([*recorder.operations, None]):
        for image in (disk.synced(), disk.prefix(), disk.prefix(operation, 0.5)):
            folder.mkdir()
            for name, content in image.items():
                assert content is not None
                (folder / name).write_bytes(content)
            check(folder, cut)
            shutil.rmtree(folder)
        if operation is not None:
            disk.apply(operation)


def recorder_of(folder: Path, start: Image = MappingProxyType({})) -> Recorder:
    (folder / "run").mkdir()
    return Recorder(folder / "run", start)


def image_of(folder: Path) -> Image:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
