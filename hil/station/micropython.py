"""MicroPython on a board that is plugged in: its kind's image, where it has not got that yet."""

from collections.abc import Callable
from pathlib import Path

from hil.boards import Board as BoardKind
from hil.station.board import Board
from hil.station.drive import check_drive, copy_image, find_drive, wait_for_drive
from hil.station.errors import StationError
from hil.station.flash import Identity, check_identity, check_kind
from hil.station.images import find_image, read_image_file

__all__ = ["install_micropython"]


def install_micropython(
    port: str,
    kind: BoardKind,
    images: Path,
    identity: Identity = Identity.REFUSE,
    *,
    drive: Path | None = None,
    tell: Callable[[str], None] = lambda line: None,
    take: Callable[[str], Board] = Board.open,
) -> bool:
    """See that the board runs the version in the folder of images; whether it had to be written.
    Its files stay. `drive`: where the boot loader of an RP2040 is or will be mounted.

    Raises StationError, before anything was changed where the board is another one, is a node
    already, or where the image is not what it should be.
    """
    image = find_image(images, kind)
    data = read_image_file(images, image)
    if kind.port == "esp32":
        try:
            from hil.station.esp_chip import write_image
        except ImportError:
            raise StationError(
                "esptool is not installed: there is none for 32-bit ARM",
                "Flash an ESP32 from a 64-bit machine",
                code="station",
            ) from None

        tell(f"MicroPython {image.micropython}")
        write_image(port, image, data)
        return True
    waiting = drive if drive is not None and drive.is_dir() else find_drive(port)
    if waiting is None:
        with take(port) as board:
            facts = board.kind()
            check_kind(facts, kind)
            check_identity(board, identity)
            if facts.firmware_version == image.micropython:
                return False
            board.enter_boot_loader()
        waiting = wait_for_drive(port, drive)
    check_drive(waiting, kind.chip)
    tell(f"MicroPython {image.micropython}")
    copy_image(waiting, Path(image.file).name, data)
    with take(port) as board:
        found = board.kind()
    if found.firmware_version != image.micropython:
        raise StationError(
            f"{image.file} made it MicroPython {found.firmware_version}, not {image.micropython}",
            "Correct the list of images",
            code="images_list",
        )
    return True
