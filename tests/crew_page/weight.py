"""How many bytes a page takes from its gateway."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Page

__all__ = ["Weight", "weighed"]


class Weight:
    """Bytes as they came over the network, headers too: of each address; the stream of events, of
    which there is no end, counts as far as it came."""

    def __init__(self) -> None:
        self.by_address: dict[str, int] = {}

    @property
    def total(self) -> int:
        return sum(self.by_address.values())


@contextmanager
def weighed(tab: Page) -> Iterator[Weight]:
    """Of all that the tab asks for within; nothing is taken from the browser's own store."""
    weight = Weight()
    addresses: dict[str, str] = {}
    browser = tab.context.new_cdp_session(tab)

    def asked(event: dict[str, Any]) -> None:
        addresses[event["requestId"]] = event["request"]["url"]

    def headed(event: dict[str, Any]) -> None:
        add(event["requestId"], event["response"]["encodedDataLength"])

    def came(event: dict[str, Any]) -> None:
        add(event["requestId"], event["dataLength"])

    def add(request: str, bytes: int) -> None:
        address = addresses.get(request, "")
        weight.by_address[address] = weight.by_address.get(address, 0) + bytes

    browser.on("Network.requestWillBeSent", asked)
    browser.on("Network.responseReceived", headed)
    browser.on("Network.dataReceived", came)
    browser.send("Network.enable")
    browser.send("Network.setCacheDisabled", {"cacheDisabled": True})
    yield weight
    browser.detach()
