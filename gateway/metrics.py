"""What Prometheus reads at /metrics. docs/metrics.md explains every name; a test holds it so."""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.control import Control
from gateway.core import Gateway
from gateway.forwarding import Forwarding
from gateway.links.mqtt import MqttLink
from gateway.links.serial_port import SerialLink
from gateway.senml.publisher import Publisher
from gateway.spool.commit_thread import CommitThread
from gateway.upkeep import UpkeepThread

__all__ = ["registry_for"]


def registry_for(
    gateway: Gateway,
    links: Iterable[SerialLink | MqttLink],
    committer: CommitThread,
    upkeep: UpkeepThread,
    forwarding: Forwarding | None,
    control: Control,
    publisher: Publisher | None = None,
) -> CollectorRegistry:
    """A registry that asks the gateway's parts when it is read; nothing is counted twice."""
    registry = CollectorRegistry()
    registry.register(
        _GatewayCollector(gateway, list(links), committer, upkeep, forwarding, control, publisher)
    )
    return registry


class _GatewayCollector(Collector):
    def __init__(
        self,
        gateway: Gateway,
        links: list[SerialLink | MqttLink],
        committer: CommitThread,
        upkeep: UpkeepThread,
        forwarding: Forwarding | None,
        control: Control,
        publisher: Publisher | None,
    ) -> None:
        self._gateway = gateway
        self._publisher = publisher
        self._control = control
        self._upkeep = upkeep
        self._committer = committer
        self._forwarding = forwarding
        self._links = links

    def collect(self) -> Iterator[Metric]:
        yield from self._ingest()
        yield from self._spool()
        yield from self._upkept()
        yield from self._nodes()
        yield from self._time()
        yield from self._commands()
        yield from self._alarms()
        yield from self._ports()
        yield from self._broker()
        yield from self._forwarder()
        yield from self._senml()
        yield self._errors()

    def _ingest(self) -> Iterator[Metric]:
        ingest = self._gateway.ingest
        yield _counter("axlebox_messages_accepted", "Messages taken in", ingest.messages)
        yield _counter(
            "axlebox_messages_acknowledged", "Messages on the disk", ingest.acknowledged
        )
        yield _counter("axlebox_samples_accepted", "Samples taken in", ingest.samples)
        yield _counter("axlebox_samples_thinned", "Samples thinned", ingest.thinned_samples)
        yield _counter("axlebox_quarantined", "Refused messages kept", ingest.quarantine.kept)
        yield _counter(
            "axlebox_quarantine_full", "Refused and not kept", ingest.quarantine.not_kept
        )
        yield _by_label(
            CounterMetricFamily(
                "axlebox_messages_held_back", "Offers above a node's share", labels=["node"]
            ),
            ingest.held_back,
        )
        yield _gauge("axlebox_messages_pending", "Messages not yet on the disk", ingest.pending)
        yield _by_label(
            CounterMetricFamily(
                "axlebox_messages_refused", "Messages refused, by reason", labels=["reason"]
            ),
            ingest.refused,
        )
        yield _by_label(
            CounterMetricFamily(
                "axlebox_lost", "What will never come, by what dropped it", labels=["by"]
            ),
            self._gateway.losses(),
        )
        yield _counter(
            "axlebox_messages_lost", "Messages that nodes dropped", ingest.lost_messages
        )
        downlink = self._gateway.downlink
        yield _counter("axlebox_down_sent", "Messages sent to nodes", downlink.sent)
        yield _counter("axlebox_down_dropped", "Messages no link took", downlink.dropped)

    def _spool(self) -> Iterator[Metric]:
        writer = self._gateway.writer
        metrics = writer.metrics
        yield _gauge("axlebox_spool_bytes", "Bytes kept on disk", writer.total_bytes)
        yield _gauge("axlebox_spool_buffer_bytes", "Bytes waiting", writer.buffered_bytes)
        yield _gauge("axlebox_spool_fault", "1 while the disk refuses", int(bool(writer.fault)))
        yield _gauge("axlebox_spool_unsent_bytes", "Not forwarded", self._gateway.unsent_bytes)
        yield _gauge(
            "axlebox_spool_reserve_held",
            "1 while it is set apart",
            int(self._gateway.reserve.held),
        )
        yield _counter("axlebox_spool_segments_removed", "Removed", metrics.segments_removed)
        yield _counter("axlebox_spool_segments_thinned", "Thinned", metrics.segments_thinned)
        yield _counter("axlebox_spool_records", "Records made durable", metrics.records)
        yield _counter("axlebox_spool_commits", "Group commits", metrics.commits)
        yield _counter("axlebox_spool_written_bytes", "Bytes written", metrics.disk_bytes)
        yield _counter("axlebox_spool_failures", "Commits the disk refused", metrics.failures)
        yield _counter("axlebox_spool_refused_full", "Records refused: full", metrics.refused_full)
        yield _gauge(
            "axlebox_spool_sync_max_seconds", "Longest fdatasync", metrics.syncs.max_us / 1e6
        )

    def _upkept(self) -> Iterator[Metric]:
        verifier, indexer = self._gateway.verifier, self._gateway.indexer
        passed_us = verifier.passed_utc_us
        yield _counter("axlebox_spool_verified_bytes", "Bytes read through", verifier.bytes)
        yield _counter("axlebox_spool_verify_passes", "Times all was read", verifier.passes)
        if passed_us is not None:
            yield _gauge("axlebox_spool_verified_seconds", "Unix time of it", passed_us / 1e6)
        yield _counter("axlebox_spool_damaged_segments", "Found damaged", verifier.damaged)
        yield _counter("axlebox_spool_damaged_bytes", "Not salvaged", verifier.lost_bytes)
        yield _counter("axlebox_spool_indexed_segments", "Indexes written", indexer.written)
        yield _gauge("axlebox_spool_unindexed_segments", "Without an index", indexer.behind)

    def _nodes(self) -> Iterator[Metric]:
        live = GaugeMetricFamily("axlebox_node_live", "1 while the node speaks", labels=["node"])
        error = GaugeMetricFamily(
            "axlebox_node_clock_error_seconds", "Bound of its time's error", labels=["node"]
        )
        drift = GaugeMetricFamily(
            "axlebox_node_clock_drift_ppm", "How much longer its seconds are", labels=["node"]
        )
        for node in self._gateway.registry.state().nodes:
            live.add_metric([node.name], float(node.status == "live"))
            if node.clock_error_ms is not None:
                error.add_metric([node.name], node.clock_error_ms / 1000)
            if node.clock_drift_ppm is not None:
                drift.add_metric([node.name], node.clock_drift_ppm)
        yield from (live, error, drift, *self._health())

    def _time(self) -> Iterator[Metric]:
        clocks = self._gateway.clocks
        wall = clocks.wall
        yield _gauge("axlebox_clock_sure", "1 while its time is sure", int(wall.trusted()))
        error_us = wall.error_us()
        if error_us is not None:
            yield _gauge("axlebox_clock_error_seconds", "Bound of its error", error_us / 1e6)
        yield _counter("axlebox_clock_steps", "Jumps of the machine's clock", wall.steps)
        yield _counter(
            "axlebox_node_clock_contradictions",
            "Answers to pings that no clock could give",
            clocks.contradictions,
        )

    def _health(self) -> Iterator[Metric]:
        """Each node's own figures, by field of HEALTH, as it last told them."""
        family = GaugeMetricFamily(
            "axlebox_node_health", "The node's own figures", labels=["node", "field"]
        )
        for node, fields in self._gateway.registry.health().items():
            for name, value in fields.items():
                if value is not None:
                    family.add_metric([node, name], value)
        yield family

    def _commands(self) -> Iterator[Metric]:
        commands = self._gateway.commands
        control = self._control
        yield _gauge("axlebox_commands_pending", "Not answered yet", commands.pending)
        yield _gauge("axlebox_control_clients", "Who wait for an answer", control.clients)
        yield _counter("axlebox_control_clients_refused", "Turned away", control.turned_away)
        yield _by_label(
            CounterMetricFamily("axlebox_commands_sent", "Commands sent", labels=["command"]),
            commands.sent,
        )
        answered = CounterMetricFamily(
            "axlebox_commands_answered", "Commands ended, by result", labels=["command", "result"]
        )
        for labels, count in sorted(commands.answered.items()):
            answered.add_metric(labels, count)
        yield answered
        updating = self._gateway.updating
        is_running = int(updating.node is not None)
        yield _gauge("axlebox_update_running", "A node takes new firmware", is_running)
        yield _by_label(
            CounterMetricFamily(
                "axlebox_updates", "Updates of nodes, by result", labels=["result"]
            ),
            updating.ended,
        )

    def _alarms(self) -> Iterator[Metric]:
        alarms = self._gateway.alarms
        active = GaugeMetricFamily(
            "axlebox_alarms", "Alarms that are not normal", labels=["priority", "state"]
        )
        for (priority, state), count in alarms.life.counts().items():
            active.add_metric([priority, state], count)
        yield active
        yield _by_label(
            CounterMetricFamily("axlebox_alarms_raised", "Alarms raised", labels=["rule"]),
            alarms.life.raised,
        )
        yield _gauge(
            "axlebox_alarms_unstored", "Records that wait for the store", alarms.life.unstored
        )
        yield _counter(
            "axlebox_alarm_records_lost", "Records never stored", alarms.life.records_lost
        )

    def _ports(self) -> Iterator[Metric]:
        is_open = GaugeMetricFamily("axlebox_link_open", "1 while open", labels=["link"])
        received = CounterMetricFamily("axlebox_link_received_bytes", "Bytes in", labels=["link"])
        sent = CounterMetricFamily("axlebox_link_sent_bytes", "Bytes out", labels=["link"])
        opened = CounterMetricFamily("axlebox_link_opened", "Times opened", labels=["link"])
        waiting = GaugeMetricFamily(
            "axlebox_link_waiting_messages", "Read and not taken in yet", labels=["link"]
        )
        unsent = GaugeMetricFamily("axlebox_link_unsent_bytes", "To be sent", labels=["link"])
        refused = CounterMetricFamily(
            "axlebox_link_send_refused", "Messages without room", labels=["link"]
        )
        for link in self._links:
            unsent.add_metric([link.name], link.unsent_bytes)
            refused.add_metric([link.name], link.send_refused)
            waiting.add_metric([link.name], link.depth)
            is_open.add_metric([link.name], float(link.is_open))
            received.add_metric([link.name], link.bytes_received)
            sent.add_metric([link.name], link.bytes_sent)
            opened.add_metric([link.name], link.opened)
        yield from (is_open, received, sent, opened, waiting, unsent, refused)

    def _broker(self) -> Iterator[Metric]:
        for link in self._links:
            if isinstance(link, MqttLink):
                yield _counter("axlebox_mqtt_attempts", "Connections tried", link.attempts)
                yield _gauge("axlebox_mqtt_unreceipted", "Receipts to give", link.unreceipted)
                yield _counter("axlebox_mqtt_dropped", "Above a share", link.dropped)

    def _forwarder(self) -> Iterator[Metric]:
        if self._forwarding is None:
            return
        forward = self._forwarding.forwarder
        state = forward.state()
        yield _gauge("axlebox_forward_backlog_bytes", "Bytes not yet sent", state.backlog_bytes)
        yield _gauge(
            "axlebox_forward_waiting",
            "1 while the server takes nothing",
            int(state.state == "waiting"),
        )
        yield _counter("axlebox_forward_messages", "Messages sent", forward.messages)
        yield _counter("axlebox_forward_values", "Field values sent", forward.values)
        yield _counter(
            "axlebox_forward_lines_refused", "Lines the server refused", forward.lines_quarantined
        )
        yield _counter(
            "axlebox_forward_passed_segments", "Segments gone unsent", forward.passed_segments
        )
        yield _by_label(
            CounterMetricFamily(
                "axlebox_forward_retries", "Requests made again, by reason", labels=["reason"]
            ),
            forward.retries,
        )
        yield _by_label(
            CounterMetricFamily(
                "axlebox_forward_unreadable", "Records without lines, by reason", labels=["reason"]
            ),
            forward.records_unreadable,
        )

    def _senml(self) -> Iterator[Metric]:
        publisher = self._publisher
        if publisher is None:
            return
        yield _gauge("axlebox_senml_open", "1 while connected", int(publisher.is_open))
        yield _gauge("axlebox_senml_waiting", "Packs on their way", publisher.unsent)
        yield _counter("axlebox_senml_published", "Packs published", publisher.published)
        yield _counter("axlebox_senml_dropped", "Packs not published", publisher.dropped)

    def _errors(self) -> Metric:
        errors = {
            "spool_thread": self._committer.crashes,
            "upkeep_thread": self._upkeep.crashes,
            "forward_thread": self._forwarding.crashes if self._forwarding else 0,
            "senml": self._publisher.crashes if self._publisher else 0,
            "log_at_start": self._gateway.unreadable_records,
        }
        return _by_label(
            CounterMetricFamily(
                "axlebox_errors", "Errors survived, by where they happened", labels=["part"]
            ),
            errors,
        )


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value=value)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _by_label(family: CounterMetricFamily, values: dict[str, int]) -> Metric:
    for label, value in sorted(values.items()):
        family.add_metric([label], value)
    return family
