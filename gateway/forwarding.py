"""The forwarder wired to a gateway: its log, its server, its thread."""

import random
from concurrent.futures import Future

import msgspec

from gateway.config import InfluxConfig
from gateway.core import Gateway
from gateway.forward import (
    CursorFile,
    Forwarder,
    ForwarderThread,
    ForwardSettings,
    InfluxSink,
    Log,
    Pool,
    Replay,
    server_of,
)
from gateway.forward.progress import Progress
from gateway.ledger import SERVER_REFUSED, Quarantined
from gateway.spool.format import Kind, Priority

__all__ = ["Forwarding"]


class Forwarding:
    """Carries a gateway's spool to the server of `config`, in a thread of its own.

    A bench that drives `forwarder` itself gives the connections and the chance that it works with.
    """

    def __init__(
        self,
        gateway: Gateway,
        config: InfluxConfig,
        token: str | None,
        *,
        pool: Pool | None = None,
        chance: random.Random | None = None,
    ) -> None:
        self._gateway = gateway
        folder = gateway.config.spool.folder
        clock = gateway.clock
        server = server_of(config.url, config.org, config.bucket)
        cursor_file = CursorFile(folder, server, gateway.storage)
        self._stored = (cursor_file.load() or Progress()).within(gateway.writer.committed)
        self._sink = InfluxSink(
            config.url, config.org, config.bucket, token, clock, gzip=config.gzip, pool=pool
        )
        cursor_file.hold_back(gateway.recovery.end)
        self.forwarder = Forwarder(
            Log(
                folder,
                lambda: gateway.writer.committed,
                settled=lambda: gateway.writer.buffered_bytes == 0,
                thinned=lambda: gateway.writer.metrics.segments_thinned,
            ),
            self._sink,
            cursor_file,
            clock,
            chance or random.Random(),
            self._keep,
            ForwardSettings(
                gateway.config.locomotive.id,
                config.batch_values,
                time_wait_us=gateway.config.clock.longest_wait_s * 1_000_000,
            ),
        )
        self._thread = ForwarderThread(self.forwarder, self._sink, clock)
        gateway.use_forwarder(
            self.forwarder.state,
            lambda: self._progress().unsent_from,
            lambda segment: self._progress().unsent_in(segment),
        )

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Something was committed."""
        self._thread.wake()

    def replay(self, since_us: int) -> "Future[Replay]":
        """Have sent again what was received, or went out, at that UTC time or later."""
        answer = self.forwarder.ask_replay(since_us)
        self._thread.wake()
        return answer

    @property
    def is_alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive

    @property
    def crashes(self) -> int:
        """Errors of our own that the thread survived."""
        return self._thread.crashes

    def stop(self) -> None:
        """End within two seconds; what was not sent is sent by the next run."""
        self._thread.stop()
        self._sink.close()

    def _progress(self) -> Progress:
        """What the server has, as it was stored until the forwarder has begun."""
        progress = self.forwarder.progress
        return self._stored if progress == Progress() else progress

    def _keep(self, line: bytes, reason: str) -> None:
        """A line that the server will never take goes to the quarantine."""
        body = msgspec.msgpack.encode(Quarantined(SERVER_REFUSED, "forwarder", reason, line))
        self._gateway.writer.append(
            Kind.QUARANTINE, Priority.SERVICE, body, self._gateway.clock.utc_us()
        )
