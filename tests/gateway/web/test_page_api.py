"""The OpenAPI document says what /api does: schemathesis asks each address, right and wrong."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from crew_page.live_picture import alarmed
from crew_page.served_page import ServedPage
from hypothesis import HealthCheck, given, settings

from gateway.web.app import create_app
from gateway.web.openapi import document

DOCS = Path(__file__).parents[3] / "docs"
EXAMPLES = settings(
    max_examples=40,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def page() -> Iterator[ServedPage]:
    served = ServedPage(alarmed())
    yield served
    served.stop()


OPERATIONS = {
    found.ok().label: found.ok()
    for found in schemathesis.openapi.from_dict(document()).get_all_operations()
    if found.ok().path != "/api/events"
}
"""All but the stream, which has no end to wait for."""


@pytest.mark.parametrize("panel", [False, True], ids=["anybody", "panel"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_whatever_is_asked_is_answered_as_the_document_says(
    page: ServedPage, operation: str, panel: bool
) -> None:
    @EXAMPLES
    @given(case=OPERATIONS[operation].as_strategy())
    def ask(case: Any) -> None:
        headers = {"origin": page.url} if panel else {}
        case.call_and_validate(base_url=page.url, headers=headers, timeout=20)

    ask()


def test_the_document_in_docs_is_the_one_that_is_served() -> None:
    written = json.loads((DOCS / "openapi.json").read_text(encoding="utf-8"))
    again = "python -m gateway.web.openapi > docs/openapi.json"
    assert written == json.loads(json.dumps(document())), f"write it anew: {again}"


def test_every_address_is_in_the_document_and_no_other(page: ServedPage) -> None:
    app = create_app(page.live, health=list, metrics=type(page.metrics)())
    served = {route.path for route in app.routes if route.path.startswith("/api/")}  # type: ignore[attr-defined]
    assert set(document()["paths"]) | {"/api/openapi.json"} == served


def test_every_address_is_told_to_people() -> None:
    text = (DOCS / "api.md").read_text(encoding="utf-8")
    for path, methods in document()["paths"].items():
        for method in methods:
            assert f"`{method.upper()} {path}`" in text
