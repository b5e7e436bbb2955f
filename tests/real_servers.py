"""What real time-series servers have in common, and an InfluxDB that somebody runs."""

from collections import defaultdict
from typing import Protocol

from influxdb_client.client.influxdb_client import InfluxDBClient

from hil.victoria_metrics import Key

__all__ = ["Influx", "Server"]


class Server(Protocol):
    """Where the forwarder writes; timestamps are kept in steps of `resolution_us`."""

    url: str
    org: str
    bucket: str
    token: str | None
    resolution_us: int

    def read_back(self, locomotive: str) -> dict[Key, list[float]]:
        """Every stored value of that locomotive."""


class Influx:
    """An InfluxDB 2 that somebody runs."""

    resolution_us = 1

    def __init__(self, url: str, token: str | None, org: str, bucket: str) -> None:
        self.url, self.token, self.org, self.bucket = url, token, org, bucket

    def read_back(self, locomotive: str) -> dict[Key, list[float]]:
        query = (
            f'from(bucket: "{self.bucket}") |> range(start: 0) '
            f'|> filter(fn: (r) => r.locomotive == "{locomotive}")'
        )
        stored: dict[Key, list[float]] = defaultdict(list)
        with InfluxDBClient(self.url, self.token or "", org=self.org) as client:
            for table in client.query_api().query(query):
                for record in table.records:
                    tags = {
                        name: value
                        for name, value in record.values.items()
                        if not name.startswith("_") and name not in ("result", "table")
                    }
                    moment = record.get_time()
                    time_us = round(moment.timestamp() * 1_000_000)
                    name = f"{record.get_measurement()}_{record.get_field()}"
                    key = Key(name, tuple(sorted(tags.items())), time_us)
                    stored[key].append(float(record.get_value()))
        return stored
