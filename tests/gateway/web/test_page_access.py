"""Who may act on alarms over HTTP, and what each wrong request is told."""

import asyncio
import http.client
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from crew_page.live_picture import alarmed
from crew_page.served_page import ServedPage
from typer.testing import CliRunner

from gateway.errors import ConfigError
from gateway.service_cli import app
from gateway.web.access import Access
from gateway.web.attempts import Attempts, Bucket
from gateway.web.pin import PinHash, hash_pin, load_pin, write_pin

Serve = Callable[..., ServedPage]
PIN = "190643"
SALT = bytes(range(16))
HOT = "axlebox-hot@axle 2 left"
ACTIONS = {
    "acknowledge": {"alarm": HOT},
    "shelve": {"alarm": HOT, "minutes": 15},
    "unshelve": {"alarm": HOT},
    "silence": {},
}


class Answer(msgspec.Struct):
    status: int
    headers: dict[str, str]
    json: Any


@pytest.fixture(scope="module")
def pin() -> PinHash:
    return hash_pin(PIN, SALT)


def send(
    page: ServedPage, path: str, body: Any = None, method: str = "POST", **headers: str | None
) -> Answer:
    """As the page itself sends it, unless `headers` says otherwise; None leaves one out."""
    said: dict[str, str | None] = {
        "content-type": "application/json",
        "origin": page.url,
        "sec-fetch-site": "same-origin",
    }
    said |= {name.replace("_", "-"): value for name, value in headers.items()}
    raw = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=20)
    try:
        named = {name: value for name, value in said.items() if value is not None}
        connection.request(method, path, raw, named)
        response = connection.getresponse()
        text = response.read()
        told = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, told, json.loads(text) if text else None)
    finally:
        connection.close()


def act(page: ServedPage, what: str = "acknowledge", **headers: str | None) -> Answer:
    return send(page, f"/api/alarms/{what}", ACTIONS[what], **headers)


def log_in(page: ServedPage, pin: str = PIN) -> Answer:
    return send(page, "/api/session", {"pin": pin})


def cookie_of(answer: Answer) -> str:
    return answer.headers["set-cookie"].partition(";")[0]


@pytest.mark.parametrize("what", ACTIONS)
def test_the_trusted_panel_acts_without_a_pin(serve_page: Serve, what: str) -> None:
    page = serve_page(alarmed())
    answer = act(page, what)
    assert answer.status == 200
    assert {"alarms", "silenced"} == set(answer.json)
    assert page.asked[0][0] == what
    assert "panel" in page.asked[0]


@pytest.mark.parametrize("what", ACTIONS)
def test_without_pin_or_panel_nobody_acts(serve_page: Serve, what: str) -> None:
    page = serve_page(alarmed(), access=Access())
    answer = act(page, what)
    assert answer.status == 403
    assert "axlebox gateway pin" in answer.json["error"]
    assert page.asked == []


@pytest.mark.parametrize("what", ACTIONS)
def test_with_a_pin_set_it_is_asked_for_and_then_remembered(
    serve_page: Serve, pin: PinHash, what: str
) -> None:
    page = serve_page(alarmed(), access=Access(pin))
    assert act(page, what).status == 401
    given = log_in(page)
    assert (given.status, given.json) == (200, {"by": "crew@127.0.0.1", "pin": True})
    assert act(page, what, cookie=cookie_of(given)).status == 200
    assert page.asked[0][0] == what
    assert "crew@127.0.0.1" in page.asked[0]


def test_the_sessions_cookie_is_for_this_site_and_no_script(
    serve_page: Serve, pin: PinHash
) -> None:
    page = serve_page(alarmed(), access=Access(pin))
    attributes = log_in(page).headers["set-cookie"].split("; ")[1:]
    assert {"HttpOnly", "SameSite=Strict", "Path=/api", "Max-Age=43200"} == set(attributes)


def test_a_session_ends_when_it_is_ended_and_another_token_is_none(
    serve_page: Serve, pin: PinHash
) -> None:
    page = serve_page(alarmed(), access=Access(pin))
    cookie = cookie_of(log_in(page))
    assert send(page, "/api/session", None, "GET", cookie=cookie).json["by"] == "crew@127.0.0.1"
    assert act(page, cookie=cookie + "x").status == 401
    assert send(page, "/api/session", None, "DELETE", cookie=cookie).status == 204
    assert act(page, cookie=cookie).status == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://evil.example"}, 403),
        ({"origin": None}, 403),
        ({"origin": "null"}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "same-site"}, 403),
        ({"host": "evil.example", "origin": "http://evil.example"}, 403),
        ({"x_forwarded_for": "127.0.0.1"}, 403),
        ({"forwarded": "for=127.0.0.1"}, 403),
        ({"content_type": "text/plain"}, 415),
        ({"content_type": None}, 415),
    ],
)
def test_another_sites_page_or_a_proxy_is_not_the_panel(
    serve_page: Serve, headers: dict[str, str | None], status: int
) -> None:
    page = serve_page(alarmed())
    answer = act(page, **headers)
    assert answer.status == status
    assert answer.json["error"]
    assert page.asked == []


@pytest.mark.parametrize(
    ("path", "body", "status", "told"),
    [
        ("acknowledge", b"{", 400, "not JSON"),
        ("acknowledge", b"\xff\xfe", 400, "not JSON"),
        ("acknowledge", {}, 400, "key alarm is missing"),
        ("acknowledge", {"alarm": ""}, 400, "key alarm"),
        ("acknowledge", {"alarm": "x" * 201}, 400, "key alarm"),
        ("acknowledge", {"alarm": HOT, "by": "me"}, 400, "unknown key by"),
        ("acknowledge", {"alarm": "no@such"}, 409, "there is no alarm no@such"),
        ("shelve", {"alarm": HOT}, 400, "key minutes is missing"),
        ("shelve", {"alarm": HOT, "minutes": 0}, 400, "key minutes"),
        ("shelve", {"alarm": HOT, "minutes": 481}, 400, "key minutes"),
        ("shelve", {"alarm": HOT, "minutes": 1.5}, 400, "key minutes"),
        ("silence", [], 400, "Expected `object`"),
        ("silence", b"{" + b" " * 5000 + b"}", 413, "longer than 4096 bytes"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(
    serve_page: Serve, path: str, body: Any, status: int, told: str
) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = send(serve_page(alarmed()), f"/api/alarms/{path}", raw)
    assert answer.status == status
    assert told in answer.json["error"]


def test_wrong_pins_are_slowed_down_and_then_even_the_right_one(
    serve_page: Serve, pin: PinHash, caplog: pytest.LogCaptureFixture
) -> None:
    page = serve_page(alarmed(), access=Access(pin))
    assert [log_in(page, "000000").status for _ in range(5)] == [401] * 5
    answer = log_in(page)
    assert answer.status == 429
    assert 55 <= int(answer.headers["retry-after"]) <= 60
    assert "too many wrong PINs" in answer.json["error"]
    assert "a wrong PIN came from 127.0.0.1" in caplog.text
    assert PIN not in caplog.text


@pytest.mark.parametrize("given", ["", "12345", "1234567890123", "12345a", "１２３４５６"])
def test_what_is_no_pin_is_no_attempt(serve_page: Serve, pin: PinHash, given: str) -> None:
    page = serve_page(alarmed(), access=Access(pin))
    assert [log_in(page, given).status for _ in range(7)] == [400] * 7
    assert log_in(page).status == 200


def test_actions_are_limited_and_the_next_second_has_one(
    serve_page: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    page = serve_page(alarmed())
    statuses = [act(page, "silence").status for _ in range(60)]
    assert statuses[:30] == [200] * 30
    assert 429 in statuses
    assert len(page.asked) == statuses.count(200)
    assert caplog.text.count("alarms silenced by panel") == len(page.asked)


def test_actions_are_counted(serve_page: Serve) -> None:
    page = serve_page(alarmed())
    act(page)
    act(page, origin=None)
    for result in ("done", "refused"):
        assert page.metrics.get_sample_value("axlebox_page_actions_total", {"result": result}) == 1


def test_reading_needs_nothing(serve_page: Serve, pin: PinHash) -> None:
    page = serve_page(alarmed(), access=Access(pin))
    for path in ("/", "/api/state", "/api/alarms", "/api/rules", "/api/openapi.json"):
        connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=20)
        connection.request("GET", path)
        assert connection.getresponse().status == 200
        connection.close()
    session = send(page, "/api/session", None, "GET", origin=None)
    assert session.json == {"by": None, "pin": True}


def test_attempts_from_an_address_wait_longer_each_time() -> None:
    attempts = Attempts()
    now_s, waits = 1000.0, []
    for _ in range(12):
        now_s += attempts.wait_s("a", now_s)
        attempts.begin("a", now_s)
        waits.append(attempts.wait_s("a", now_s))
    assert waits == [0, 0, 0, 0, 60, 120, 240, 480, 960, 1920, 3840, 3840]
    assert attempts.wait_s("b", now_s) == 0
    attempts.right("a")
    assert attempts.wait_s("a", now_s) == 0


def test_many_addresses_share_a_limit() -> None:
    attempts = Attempts()
    for number in range(20):
        assert attempts.wait_s(f"10.0.0.{number}", 0.0) == 0
        attempts.begin(f"10.0.0.{number}", 0.0)
    assert attempts.wait_s("10.0.1.1", 0.0) == 60
    assert attempts.wait_s("10.0.1.1", 61.0) == 0


def test_a_bucket_fills_again_one_by_one() -> None:
    bucket = Bucket(2, 10.0)
    bucket.take(0.0)
    assert bucket.wait_s(0.0) == 0
    bucket.take(0.0)
    assert bucket.wait_s(0.0) == 10
    assert bucket.wait_s(10.0) == 0


def test_at_once_attempts_gain_nothing(pin: PinHash) -> None:
    """Each is counted as wrong before it is known to be."""

    async def scenario() -> int:
        attempts = Attempts()
        tried = 0
        for _ in range(50):
            if attempts.wait_s("a", 0.0) == 0:
                attempts.begin("a", 0.0)
                tried += 1
        return tried

    assert asyncio.run(scenario()) == 5


def test_only_the_hash_of_a_pin_is_kept(tmp_path: Path, pin: PinHash) -> None:
    path = tmp_path / "crew.pin"
    write_pin(path, pin)
    assert PIN not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_pin(path) == pin
    assert load_pin(path).matches(PIN)
    assert not load_pin(path).matches("190644")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "holds no PIN"),
        (PIN, "holds no PIN"),
        (f"scrypt 1073741824 8 1 {'0' * 32} {'0' * 64}", "holds no PIN"),
        (f"scrypt 67108864 8 1 {'0' * 32} {'0' * 64}", "too costly"),
        (f"scrypt 16385 8 1 {'0' * 32} {'0' * 64}", "too costly"),
    ],
)
def test_a_file_that_holds_no_pin_is_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "crew.pin"
    path.touch(0o600)
    path.write_text(text)
    with pytest.raises(ConfigError, match=told):
        load_pin(path)


def test_a_file_that_others_can_read_is_refused(tmp_path: Path, pin: PinHash) -> None:
    path = tmp_path / "crew.pin"
    write_pin(path, pin)
    path.chmod(0o640)
    with pytest.raises(ConfigError, match=f"others can read .*; run: chmod 600 {path}"):
        load_pin(path)
    with pytest.raises(ConfigError, match="axlebox gateway pin"):
        load_pin(tmp_path / "none.pin")


def test_the_command_sets_the_pin(tmp_path: Path) -> None:
    config = tmp_path / "axlebox.toml"
    config.write_text('[locomotive]\nid = "X"\n[page]\npin_file = "crew.pin"\n')
    command = ["pin", "-c", str(config)]
    result = CliRunner().invoke(app, command, input=f"{PIN}\n{PIN}\n")
    assert result.exit_code == 0, result.output
    assert PIN not in result.output
    assert load_pin(tmp_path / "crew.pin").matches(PIN)
    wrong = CliRunner().invoke(app, command, input="12345\n12345\n")
    assert wrong.exit_code != 0
    assert load_pin(tmp_path / "crew.pin").matches(PIN)
