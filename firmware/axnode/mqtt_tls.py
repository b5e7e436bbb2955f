"""TLS between a node and its broker, on ports that have the module `tls`.

The broker's certificate must come from the authority in the node's file and name the broker's
address. What a handshake computes is computed in one go: meanwhile nothing else runs.
"""

import tls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Tls:
    """Raises OSError for a file that cannot be read, ValueError for one with no certificate."""

    def __init__(self, ca_file: str, host: str) -> None:
        self._host = host
        self._context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
        self._context.verify_mode = tls.CERT_REQUIRED  # type: ignore[attr-defined]
        with open(ca_file, "rb") as file:
            self._context.load_verify_locations(file.read())

    def around(self, plain: "Any") -> "Any":
        """The stream inside; its first write shakes hands, as far as it gets without waiting."""
        return self._context.wrap_socket(
            plain, server_hostname=self._host, do_handshake_on_connect=False
        )
