"""The gateway in real time: an asyncio loop for links and page, one thread that commits."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable

from gateway.alarms.rulebook import words_of
from gateway.config import GatewayConfig, control_socket, load_password
from gateway.control import Control
from gateway.core import Gateway
from gateway.errors import LinkError
from gateway.forwarding import Forwarding
from gateway.history.trend import Trends
from gateway.links.mqtt import MqttLink
from gateway.links.rounds import Rounds
from gateway.links.serial_port import SerialLink
from gateway.metrics import registry_for
from gateway.senml.publisher import Publisher
from gateway.spool.commit_thread import CommitThread
from gateway.supervision import Supervisor
from gateway.timebase import Clock, SystemClock
from gateway.upkeep import UpkeepThread
from gateway.web.access import Access
from gateway.web.app import create_app
from gateway.web.pin import load_pin
from gateway.web.server import serve

__all__ = ["report", "run_until_signalled", "serve_gateway"]

_log = logging.getLogger(__name__)

_TICK_S = 0.1
_STATUS_EACH_US = 1_000_000


async def serve_gateway(
    config: GatewayConfig,
    clock: Clock,
    stop: asyncio.Event,
    *,
    token: str | None = None,
    supervisor: Supervisor | None = None,
    listening: Callable[[str, int], None] = lambda host, port: None,
) -> None:
    """Collect, show and forward until `stop` is set; everything acknowledged is then on disk.

    `listening` is told the page's address once it can be opened; `supervisor` then, as long as
    all threads get on, and when the end begins.
    Raises AxleboxError where the gateway cannot start.
    """
    supervisor = supervisor or Supervisor({}, os.getpid())
    password = None if config.mqtt is None else load_password(config.mqtt)
    pin = None if config.page.pin_file is None else load_pin(config.page.pin_file)
    access = Access(pin, config.page.trusted_panel)
    gateway = Gateway(config, clock)
    loop = asyncio.get_running_loop()
    broker = None
    publisher = None
    if config.mqtt is not None:
        broker = MqttLink(config.mqtt, config.locomotive.id, gateway.ingest, password)
        if config.senml is not None:
            publisher = Publisher(
                config.mqtt,
                config.senml,
                config.locomotive.id,
                len(config.nodes),
                gateway.registry,
                lambda: gateway.alarms.life.version,
                clock,
                password,
            )

    def committed(ticket: int) -> None:
        gateway.ingest.committed(ticket)
        if broker is not None:
            broker.committed()

    gateway.writer.on_committed = lambda ticket: _in_loop(loop, committed, ticket)
    forwarding = Forwarding(gateway, config.influx, token) if config.influx else None

    def after_commit() -> None:
        gateway.make_room()
        if forwarding is not None:
            forwarding.wake()

    committer = CommitThread(gateway.writer, clock, after_commit)
    gateway.thinner.background = True
    upkeep = UpkeepThread(gateway.upkeep, clock)
    rounds = Rounds()
    links: list[SerialLink | MqttLink] = [
        SerialLink(port, gateway.ingest, rounds) for port in config.serial
    ]
    if broker is not None:
        links.append(broker)

    faults: list[str] = []

    def problems() -> list[str]:
        found = (
            gateway.problems() + faults + [link.fault for link in links if link.fault is not None]
        )
        if forwarding is not None and forwarding.forwarder.problem is not None:
            found.append(forwarding.forwarder.problem)
        if publisher is not None and publisher.fault is not None:
            found.append(publisher.fault)
        return found

    def is_alive() -> bool:
        return committer.is_alive and (forwarding is None or forwarding.is_alive)

    def opened(host: str, port: int) -> None:
        listening(host, port)
        supervisor.ready()

    replay = forwarding.replay if forwarding is not None else None
    control = Control(gateway.commands, gateway.updating, control_socket(config), replay)
    metrics = registry_for(gateway, links, committer, upkeep, forwarding, control, publisher)
    app = create_app(
        gateway.registry,
        health=problems,
        metrics=metrics,
        words=words_of(gateway.alarms.rules),
        desk=gateway.alarms,
        access=access,
        trends=Trends(config.spool.folder, gateway.storage, gateway.indexer),
    )
    try:
        committer.start()
        upkeep.start()
        if forwarding is not None:
            forwarding.start()
        try:
            await control.open()
        except LinkError as error:  # nobody can ask for a command; collecting goes on
            _log.error("%s", error)
            faults.append(str(error))
        for link in links:
            link.open()
        tasks = [
            asyncio.create_task(_tick(gateway)),
            asyncio.create_task(report(supervisor, is_alive, problems)),
        ]
        if publisher is not None:
            publisher.open()
            tasks.append(asyncio.create_task(_publish(publisher)))
        try:
            await serve(app, config.page.host, config.page.port, stop, listening=opened)
        finally:
            supervisor.stopping()
            for task in tasks:
                task.cancel()
    finally:
        await control.close()
        for link in links:
            link.stop_reading()
        if forwarding is not None:
            forwarding.stop()
        upkeep.stop()
        if not committer.stop():
            _log.error("not everything could be stored: %s", gateway.writer.fault)
        await asyncio.sleep(0)  # lets the acks of the last commit out
        for link in links:
            link.close()
        if publisher is not None:
            publisher.close()
        gateway.close()


def run_until_signalled(
    config: GatewayConfig, token: str | None, listening: Callable[[str, int], None]
) -> None:
    """Run in this process until SIGINT or SIGTERM. Raises AxleboxError."""

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        clock = SystemClock(config.clock.trust)
        supervisor = Supervisor(os.environ, os.getpid())
        await serve_gateway(
            config, clock, stop, token=token, supervisor=supervisor, listening=listening
        )

    asyncio.run(run())


async def report(
    supervisor: Supervisor,
    is_alive: Callable[[], bool],
    problems: Callable[[], list[str]],
) -> None:
    """Tell the supervisor how things are. A disk that hangs is no reason to start anew: that
    cures nothing, and the nodes keep their readings. A thread that ended is one."""
    while True:
        if is_alive():
            supervisor.alive()
        supervisor.status(next(iter(problems()), "collecting"))
        period_us = min(_STATUS_EACH_US, supervisor.period_us or _STATUS_EACH_US)
        await asyncio.sleep(period_us / 1e6)


def _in_loop(
    loop: asyncio.AbstractEventLoop, committed: Callable[[int], None], ticket: int
) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(committed, ticket)


async def _tick(gateway: Gateway) -> None:
    while True:
        try:
            gateway.tick()
        except Exception:
            gateway.ingest.refuse_noise("internal_error", 1)
            _log.exception("pings and repeated acknowledgements fail; collecting goes on")
        await asyncio.sleep(_TICK_S)


async def _publish(publisher: Publisher) -> None:
    while True:
        try:
            publisher.tick()
        except Exception:
            publisher.crashes += 1
            _log.exception("senml: the picture cannot be published; collecting goes on")
        await asyncio.sleep(_TICK_S)
