"""The doctor on the server: by a request of its own, and by what a gateway says."""

from collections.abc import Iterator
from typing import Any

import pytest
from crew_page.live_picture import te33a
from manual_clock import ManualClock

from gateway.config import GatewayConfig
from gateway.doctor.running import Running
from gateway.doctor.server import look_at_server
from gateway.forward.forwarder import NO_TIME
from gateway.state import Forward
from hil.broker import free_port
from hil.victoria_metrics import VictoriaMetrics

from ..forward.influx_double import InfluxDouble, Reply  # noqa: TID252 it lives there
from .conftest import Depot, told

LOOK = "look at the server and the network to it; everything is kept meanwhile"
TOKEN = "a-token-of-the-depot"


@pytest.fixture
def influx() -> Iterator[InfluxDouble]:
    double = InfluxDouble()
    yield double
    double.close()


def configured(depot: Depot, url: str) -> GatewayConfig:
    depot.file("influx.token", TOKEN)
    return depot.write(
        f'[influx]\nurl = "{url}"\norg = "depot"\nbucket = "trains"\ntoken_file = "influx.token"\n'
    )


def looked(
    settings: GatewayConfig, running: Running | None = None, token: str | None = None
) -> list[tuple[str, str, str]]:
    return told(look_at_server(settings, running, ManualClock(), token))


def test_a_server_that_is_well_gets_one_line_and_no_reading(
    depot: Depot, influx: InfluxDouble
) -> None:
    assert looked(configured(depot, influx.url)) == [
        (
            "ok",
            f"the server at {influx.url} takes lines for bucket trains (asked with one point "
            "`probe`, no reading)",
            "",
        )
    ]
    assert influx.requests == [b"gateway,locomotive=TE33A-0001 probe=1i"]
    assert influx.headers[0]["Authorization"] == f"Token {TOKEN}"
    assert influx.queries[0]["bucket"] == ["trains"]


def test_the_token_of_the_environment_goes_before_the_file(
    depot: Depot, influx: InfluxDouble
) -> None:
    assert looked(configured(depot, influx.url), token="another")[0][0] == "ok"
    assert influx.headers[0]["Authorization"] == "Token another"


def test_a_real_server(depot: Depot, victoria_metrics_command: list[str]) -> None:
    server = VictoriaMetrics(victoria_metrics_command, depot.folder / "victoria")
    server.start()
    try:
        assert looked(configured(depot, server.url))[0][0] == "ok"
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("reply", "level", "what", "advice"),
    [
        (
            Reply(401),
            "wrong",
            "{} refuses (401 Unauthorized): the token is not valid",
            "put one that may write bucket trains of organisation depot into "
            "AXLEBOX_INFLUX_TOKEN or the file that influx.token_file names. Everything is kept "
            "meanwhile",
        ),
        (
            Reply(404),
            "wrong",
            "{} refuses (404 Not Found): there is no bucket trains of organisation depot",
            "create it, or correct influx.bucket, org or url. Everything is kept meanwhile",
        ),
        (Reply(500, "broken"), "wrong", "{} answers 500 Internal Server Error: broken", LOOK),
        (
            Reply(503, "busy"),
            "note",
            "{} answers 503 Service Unavailable: busy",
            "nothing, unless it goes on: it asks to be left alone",
        ),
    ],
)
def test_a_server_that_refuses(
    depot: Depot, influx: InfluxDouble, reply: Reply, level: str, what: str, advice: str
) -> None:
    influx.script(reply)
    assert looked(configured(depot, influx.url)) == [(level, what.format(influx.url), advice)]


def test_no_server(depot: Depot) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    ((level, what, advice),) = looked(configured(depot, url))
    assert (level, advice) == ("wrong", LOOK)
    assert what.startswith(f"{url} does not answer: ")


def test_it_is_not_asked_without_its_token(depot: Depot, influx: InfluxDouble) -> None:
    settings = configured(depot, influx.url)
    (depot.folder / "influx.token").unlink()
    assert looked(settings) == [
        (
            "unknown",
            f"the server at {influx.url} was not asked, for its token cannot be read",
            "put influx.token_file right first",
        )
    ]
    assert influx.requests == []


def test_without_a_server(depot: Depot) -> None:
    assert looked(depot.write()) == [
        (
            "note",
            "nothing is forwarded: the configuration has no [influx]",
            "add it to have readings on a server; the store keeps them meanwhile",
        )
    ]


@pytest.mark.parametrize(
    ("forward", "finding"),
    [
        (
            {"state": "idle"},
            (
                "unknown",
                "nothing was sent to the server at http://127.0.0.1:9 yet, so nobody knows "
                "whether it takes readings, 0.0 MB wait",
                "ask again in a minute",
            ),
        ),
        (
            {"state": "sending", "backlog_bytes": 400_000, "sent_up_to_ms": 1},
            ("ok", "the server at http://127.0.0.1:9 takes readings, 0.4 MB wait", ""),
        ),
        (
            {"state": "waiting", "error": NO_TIME},
            (
                "wrong",
                "rows wait for a time source before they go to the server, as clock.wait_s says",
                "connect GNSS or NTP; after that wait they go as estimates",
            ),
        ),
        (
            {"state": "off"},
            (
                "wrong",
                "the gateway that runs forwards nothing, though [influx] is there now",
                "start it again, so that it reads the configuration",
            ),
        ),
        (
            {"state": "waiting", "error": "http://127.0.0.1:9 does not answer: refused"},
            ("wrong", "http://127.0.0.1:9 does not answer: refused", LOOK),
        ),
        (
            {"state": "waiting", "backlog_bytes": 12_000_000},
            ("wrong", "the server at http://127.0.0.1:9 takes nothing, 12.0 MB wait", LOOK),
        ),
    ],
)
def test_what_a_gateway_that_runs_says_of_its_server(
    depot: Depot, forward: dict[str, Any], finding: tuple[str, str, str]
) -> None:
    running = Running(te33a(forward=Forward(**forward)))
    assert looked(configured(depot, "http://127.0.0.1:9"), running) == [finding]
