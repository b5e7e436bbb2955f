"""What runs against what is installed: gateway, firmware, wire protocol."""

from collections.abc import Iterator
from importlib.metadata import entry_points

from axwire import ACCEPTED_VERSIONS

from gateway.doctor.finding import Finding, ok
from gateway.doctor.running import Running
from gateway.version import VERSION

__all__ = ["look_at_versions", "shipped_firmware"]

_PART = "versions"
_SHIPPED = "axlebox.firmware_version"
"""Where a package above offers a function that returns the version of the firmware it ships."""


def look_at_versions(running: Running | None, shipped: str | None) -> Iterator[Finding]:
    """`shipped`: the version of the firmware that comes with this axlebox, where that is known."""
    protocols = ", ".join(map(str, ACCEPTED_VERSIONS))
    yield ok(
        _PART,
        f"axlebox {VERSION} is installed, with firmware {shipped or 'of unknown version'}; it "
        f"speaks wire protocol {protocols}",
    )
    if running is None:
        return
    if running.state.version != VERSION:
        yield Finding(
            level="wrong",
            part=_PART,
            what=f"the gateway that runs is axlebox {running.state.version}, and {VERSION} is "
            "installed",
            advice="start it again: systemctl restart axlebox-gateway",
        )
    for node in running.state.nodes:
        if shipped is not None and node.firmware is not None and node.firmware != shipped:
            yield Finding(
                level="note",
                part=_PART,
                what=f"node {node.name} runs firmware {node.firmware}, and this axlebox ships "
                f"{shipped}",
                advice="make a bundle with `axlebox firmware bundle`, and put it on with `axlebox "
                "gateway update` when the locomotive stands",
            )


def shipped_firmware() -> str | None:
    """None where no package offers firmware."""
    for point in entry_points(group=_SHIPPED):
        return str(point.load()())
    return None
