"""Each thing a server can answer, over a real connection, in the terms the forwarder acts on."""

import errno
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from manual_clock import ManualClock

from gateway.forward import Answer, InfluxSink, Verdict

from .certificate import write_certificate
from .influx_double import HANG, RESET, InfluxDouble, Reply

LINE = b"motor,locomotive=L current=1 1763755200000000000"


@pytest.fixture
def sink(influx: InfluxDouble) -> Iterator[InfluxSink]:
    sink = InfluxSink(influx.url, "depot", "axlebox", "very-secret", ManualClock())
    yield sink
    sink.close()


def test_a_body_goes_out_as_it_is(influx: InfluxDouble, sink: InfluxSink) -> None:
    body = LINE + b"\n" + LINE.replace(b"=1 ", b"=2 ")

    assert sink.write(body) == Answer(Verdict.OK)

    assert influx.requests == [body]
    assert influx.paths == ["/api/v2/write"]
    assert influx.queries == [{"org": ["depot"], "bucket": ["axlebox"], "precision": ["ns"]}]
    assert influx.headers[0]["Authorization"] == "Token very-secret"


def test_a_body_is_compressed_and_a_repeat_is_the_same(
    influx: InfluxDouble, sink: InfluxSink
) -> None:
    body = b"\n".join([LINE] * 1000)
    sink.write(body)
    once = influx.received_bytes

    sink.write(body)

    assert influx.requests == [body, body]
    assert influx.headers[0]["Content-Encoding"] == "gzip"
    assert influx.received_bytes == 2 * once
    assert once < len(body) / 50


def test_compression_can_be_switched_off(influx: InfluxDouble) -> None:
    sink = InfluxSink(influx.url, "depot", "axlebox", None, ManualClock(), gzip=False)

    assert sink.write(LINE) == Answer(Verdict.OK)

    sink.close()
    assert influx.requests == [LINE]
    assert influx.received_bytes == len(LINE)
    assert influx.headers[0]["Content-Encoding"] == "identity"


PARTIAL = json.dumps(
    {
        "error": "partial write of line protocol occurred",
        "data": [
            {
                "error_message": "invalid column type for column 'current', expected "
                "iox::column_type::field::float, got iox::column_type::field::integer",
                "line_number": 2,
                "original_line": "motor,locomotive=L current=1i",
            },
            {"error_message": "no fields", "line_number": 9, "original_line": "x"},
        ],
    }
)


def test_influxdb_3_says_which_line_it_did_not_take(
    influx: InfluxDouble, sink: InfluxSink
) -> None:
    influx.script(Reply(400, PARTIAL))

    answer = sink.write(LINE)

    assert answer.verdict is Verdict.BAD_LINES
    assert answer.text == (
        f"{influx.url} answers 400 Bad Request: partial write of line protocol occurred: line 2: "
        "invalid column type for column 'current', expected iox::column_type::field::float, got "
        "iox::column_type::field::integer"
    )


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"error": "e", "data": {"error_message": "m", "line_number": 1}}, "e: line 1: m"),
        ({"error": "e", "data": []}, "e"),
        ({"error": "e", "data": None}, "e"),
        ({"error": "e"}, "e"),
        ({"code": "invalid", "message": "of InfluxDB 2"}, "of InfluxDB 2"),
        (["neither"], '["neither"]'),
    ],
)
def test_the_words_of_each_version_are_found(
    influx: InfluxDouble, sink: InfluxSink, told: object, words: str
) -> None:
    influx.script(Reply(422, json.dumps(told)))

    text = f"{influx.url} answers 422 Unprocessable Entity: {words}"
    assert sink.write(LINE).text.replace("Content", "Entity") == text


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "the token is not valid; put one that may write bucket axlebox into"),
        (403, "the token must not write bucket axlebox; allow it"),
        (404, "there is no bucket axlebox; create it, or correct influx.bucket, org or url"),
    ],
)
def test_a_server_without_organisations_is_told_of_without_one(
    influx: InfluxDouble, status: int, words: str
) -> None:
    sink = InfluxSink(influx.url, "", "axlebox", "very-secret", ManualClock())
    influx.script(Reply(status, '{"error":"no"}'))

    assert words in sink.write(LINE).text
    sink.close()
    assert influx.queries == [{"bucket": ["axlebox"], "precision": ["ns"]}]


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, Verdict.OK),
        (204, Verdict.OK),
        (301, Verdict.REFUSED),
        (400, Verdict.BAD_LINES),
        (401, Verdict.REFUSED),
        (403, Verdict.REFUSED),
        (404, Verdict.REFUSED),
        (405, Verdict.REFUSED),
        (408, Verdict.SERVER_ERROR),
        (413, Verdict.TOO_LARGE),
        (422, Verdict.BAD_LINES),
        (429, Verdict.BUSY),
        (500, Verdict.SERVER_ERROR),
        (502, Verdict.SERVER_ERROR),
        (503, Verdict.BUSY),
        (504, Verdict.SERVER_ERROR),
    ],
)
def test_one_request_is_made_and_its_answer_understood(
    influx: InfluxDouble, sink: InfluxSink, status: int, verdict: Verdict
) -> None:
    influx.script(Reply(status, '{"code":"x","message":"the reason"}', {"Location": influx.url}))

    answer = sink.write(LINE)

    assert answer.verdict is verdict
    assert len(influx.requests) == 1
    if verdict is not Verdict.OK:
        assert influx.url in answer.text
        assert str(status) in answer.text


def test_the_servers_reason_is_passed_on_in_short(influx: InfluxDouble, sink: InfluxSink) -> None:
    influx.script(Reply(400, '{"message":"unable to parse\\n' + "x" * 5000 + '"}'))

    text = sink.write(LINE).text

    assert "400 Bad Request: unable to parse xxx" in text
    assert len(text) < 400


@pytest.mark.parametrize(
    ("status", "token", "words"),
    [
        (
            401,
            None,
            "no token is set; put one that may write bucket axlebox of organisation depot",
        ),
        (401, "very-secret", "the token is not valid; put one that may write bucket axlebox"),
        (403, "very-secret", "the token must not write bucket axlebox of organisation depot"),
        (404, "very-secret", "there is no bucket axlebox of organisation depot; create it"),
    ],
)
def test_a_refusal_says_what_to_do_and_never_the_token(
    influx: InfluxDouble, status: int, token: str | None, words: str
) -> None:
    sink = InfluxSink(influx.url, "depot", "axlebox", token, ManualClock())
    influx.script(Reply(status, '{"message":"no"}'))

    text = sink.write(LINE).text
    sink.close()

    assert words in text
    assert influx.url in text
    assert "Everything is kept meanwhile" in text
    assert "very-secret" not in text
    if status != 404:
        assert "AXLEBOX_INFLUX_TOKEN or the file that influx.token_file names" in text


@pytest.mark.parametrize(
    ("headers", "retry_after_us"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7_000_000),
        ({"Retry-After": "soon"}, None),
        (
            {
                "Retry-After": "Fri, 21 Nov 2025 12:00:30 GMT",
                "Date": "Fri, 21 Nov 2025 12:00:00 GMT",
            },
            30_000_000,
        ),
        (
            {
                "Retry-After": "Fri, 21 Nov 2025 11:00:00 GMT",
                "Date": "Fri, 21 Nov 2025 12:00:00 GMT",
            },
            0,
        ),
        ({"Retry-After": "Fri, 21 Nov 2025 20:00:30 GMT"}, 30_000_000),
        ({"Retry-After": "Fri, 21 Nov 2025 20:00:30 -0000"}, 30_000_000),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_read_in_both_forms(
    influx: InfluxDouble,
    sink: InfluxSink,
    status: int,
    headers: dict[str, str],
    retry_after_us: int | None,
) -> None:
    influx.script(Reply(status, "busy", headers))

    assert sink.write(LINE).retry_after_us == retry_after_us


def test_a_port_where_nobody_listens_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    sink = InfluxSink(f"http://127.0.0.1:{port}", "depot", "axlebox", None, ManualClock())

    done: list[int] = []
    answer = sink.write(LINE, lambda: done.append(1))
    sink.close()

    assert answer.verdict is Verdict.UNREACHABLE
    assert "does not answer" in answer.text
    assert done == []


def test_a_name_that_nobody_knows_is_unreachable() -> None:
    sink = InfluxSink("http://influx.invalid:8086", "depot", "axlebox", None, ManualClock())

    assert sink.write(LINE).verdict is Verdict.UNREACHABLE
    sink.close()


def test_a_connection_that_ends_in_the_middle_is_a_reset(
    influx: InfluxDouble, sink: InfluxSink
) -> None:
    influx.script(RESET)

    assert sink.write(LINE).verdict is Verdict.RESET
    assert sink.write(LINE).verdict is Verdict.OK


def test_rubbish_in_place_of_http_is_no_success() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sink = InfluxSink(
            f"http://127.0.0.1:{listener.getsockname()[1]}", "o", "b", None, ManualClock()
        )

        def speak() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"\x00\xff rubbish\r\n\r\n")

        speaker = threading.Thread(target=speak)
        speaker.start()
        answer = sink.write(LINE)
        speaker.join()
        sink.close()

    assert answer.verdict is Verdict.RESET


def test_an_error_that_is_no_text_is_a_server_error(
    influx: InfluxDouble, sink: InfluxSink
) -> None:
    influx.script(Reply(500, "\xff\xfe"))

    assert sink.write(LINE).verdict is Verdict.SERVER_ERROR


def test_a_plain_server_where_tls_is_asked_for_is_a_refusal(influx: InfluxDouble) -> None:
    sink = InfluxSink(influx.url.replace("http", "https"), "depot", "axlebox", None, ManualClock())

    answer = sink.write(LINE)
    sink.close()

    assert answer.verdict is Verdict.REFUSED
    assert "check the server's certificate and influx.url" in answer.text


@pytest.fixture
def secure_influx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InfluxDouble]:
    """A server whose certificate is the only one this process trusts."""
    certificate = tmp_path / "certificate.pem"
    write_certificate(certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    double = InfluxDouble(context)
    yield double
    double.close()


def test_tls_is_spoken_and_the_certificate_checked(
    secure_influx: InfluxDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = InfluxSink(secure_influx.url, "depot", "axlebox", None, ManualClock())
    assert sink.write(LINE) == Answer(Verdict.OK)
    sink.close()
    assert secure_influx.requests == [LINE]

    monkeypatch.delenv("SSL_CERT_FILE")
    sink = InfluxSink(secure_influx.url, "depot", "axlebox", None, ManualClock())
    answer = sink.write(LINE)
    sink.close()
    assert answer.verdict is Verdict.REFUSED
    assert "check the server's certificate" in answer.text
    assert secure_influx.requests == [LINE]


def test_something_is_done_while_the_server_answers(
    influx: InfluxDouble, sink: InfluxSink
) -> None:
    check_meanwhile(influx, sink)


def test_something_is_done_while_a_server_with_tls_answers(secure_influx: InfluxDouble) -> None:
    sink = InfluxSink(secure_influx.url, "depot", "axlebox", None, ManualClock())
    check_meanwhile(secure_influx, sink)
    sink.close()


def check_meanwhile(influx: InfluxDouble, sink: InfluxSink) -> None:
    """The server has the body and answers only once it was done, and it is done once."""
    done = threading.Semaphore(0)

    def answer(body: bytes) -> Reply:
        return Reply() if done.acquire(timeout=10) else Reply(500)

    influx.rule = answer

    assert sink.write(LINE, done.release) == Answer(Verdict.OK)

    assert influx.requests == [LINE]
    assert not done.acquire(blocking=False)
    done.release()
    assert sink.write(LINE) == Answer(Verdict.OK)


def test_another_thread_can_end_a_tls_request_that_hangs(secure_influx: InfluxDouble) -> None:
    secure_influx.script(HANG)
    sink = InfluxSink(secure_influx.url, "depot", "axlebox", None, ManualClock())
    answers: list[Answer] = []
    writer = threading.Thread(target=lambda: answers.append(sink.write(LINE)))
    writer.start()
    assert secure_influx.arrived.acquire(timeout=10)

    sink.abort()

    writer.join(timeout=10)
    sink.close()
    assert [answer.verdict for answer in answers] == [Verdict.RESET]


def test_another_thread_can_end_a_request_that_hangs(
    influx: InfluxDouble, sink: InfluxSink
) -> None:
    influx.script(HANG)
    answers: list[Answer] = []
    writer = threading.Thread(target=lambda: answers.append(sink.write(LINE)))
    writer.start()
    assert influx.arrived.acquire(timeout=10)

    sink.abort()

    writer.join(timeout=10)
    assert [answer.verdict for answer in answers] == [Verdict.RESET]
    assert sink.write(LINE).verdict is Verdict.UNREACHABLE
    assert len(influx.requests) == 1


def test_another_thread_can_end_a_connection_that_is_not_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = threading.Event()
    connect_ex = socket.socket.connect_ex

    def tell(connecting: socket.socket, address: tuple[str, int]) -> int:
        code = connect_ex(connecting, address)
        if code == errno.EINPROGRESS:
            asked.set()
        return code

    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        address = deaf.getsockname()
        fillers = [_begin_connection(address) for _ in range(4)]
        monkeypatch.setattr(socket.socket, "connect_ex", tell)
        sink = InfluxSink(f"http://127.0.0.1:{address[1]}", "o", "b", None, ManualClock())
        answers: list[Answer] = []
        writer = threading.Thread(target=lambda: answers.append(sink.write(LINE)))
        writer.start()
        assert asked.wait(timeout=10)

        sink.abort()

        writer.join(timeout=3)
        assert [answer.verdict for answer in answers] == [Verdict.UNREACHABLE]
        assert "stopped" in answers[0].text
        sink.close()
        for filler in fillers:
            filler.close()


def _begin_connection(address: tuple[str, int]) -> socket.socket:
    filler = socket.socket()
    filler.setblocking(False)
    filler.connect_ex(address)
    return filler
