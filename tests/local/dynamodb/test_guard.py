"""Which requests reach the embedded services."""

from collections.abc import Iterable
from typing import Any

import pytest

from wspubsub.local.dynamodb.guard import Guard

SIGNED = {
    "HTTP_HOST": "127.0.0.1:8000",
    "HTTP_AUTHORIZATION": "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/dynamodb/",
    "PATH_INFO": "/",
}


def ask(**changes: str | None) -> tuple[str, bytes]:
    """Return the status and the body of the answer to a request."""
    statuses: list[str] = []

    def application(_environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [b"the table"]

    def start_response(status: str, _headers: list[tuple[str, str]]) -> None:
        statuses.append(status)

    environ = {k: v for k, v in (SIGNED | changes).items() if v is not None}
    answer = Guard(application, port=8000)(environ, start_response)
    return statuses[0], b"".join(answer)


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "LOCALHOST:8000"])
def test_an_sdk_on_this_machine_is_served(host: str) -> None:
    assert ask(HTTP_HOST=host) == ("200 OK", b"the table")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"HTTP_HOST": "rebound.example:8000"}, b"Host"),
        ({"HTTP_HOST": "127.0.0.1:80"}, b"Host"),
        ({"HTTP_HOST": None}, b"Host"),
        ({"HTTP_ORIGIN": "http://page.example"}, b"Origin"),
        ({"HTTP_ORIGIN": "null"}, b"Origin"),
        ({"HTTP_AUTHORIZATION": None}, b"signature"),
        ({"PATH_INFO": "/moto-api/reset"}, b"no pages"),
    ],
)
def test_what_a_web_page_can_send_is_refused(
    changes: dict[str, str | None], why: bytes
) -> None:
    status, body = ask(**changes)

    assert status == "403 Forbidden"
    assert why in body
    assert b"AccessDeniedException" in body
