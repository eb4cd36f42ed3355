"""Counting what requests to the embedded DynamoDB use."""

import json
from collections.abc import Iterable
from io import BytesIO
from typing import Any

import pytest

from wspubsub.local.dynamodb.metered import MAX_BYTES, Metered


class Service:
    """A server that answers with a status, and what is counted of it."""

    def __init__(self, status: str = "200 OK", max_bytes: int = MAX_BYTES) -> None:
        self.status = status
        self.metered = Metered(self._answer, max_bytes)

    def ask(self, target: str, request: object, **headers: str) -> bytes:
        body = json.dumps(request).encode()
        environ = {
            "HTTP_X_AMZ_TARGET": target,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": BytesIO(body),
            **headers,
        }
        return b"".join(self.metered(environ, lambda *_: None))

    def _answer(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        assert json.loads(environ["wsgi.input"].read())
        start_response(self.status, [])
        return [b"{}"]


PUT = "DynamoDB_20120810.PutItem"
REQUEST = {"TableName": "t", "Item": {"data": {"S": "x" * 1_500}}}


@pytest.mark.parametrize("max_bytes", [0, MAX_BYTES])
def test_requests_are_counted_while_it_is_on(max_bytes: int) -> None:
    service = Service(max_bytes=max_bytes)

    service.ask(PUT, REQUEST)
    service.metered.switch(1)
    assert service.ask(PUT, REQUEST) == b"{}"
    first = service.metered.read()
    service.ask(PUT, REQUEST)
    service.metered.switch(0)
    service.ask(PUT, REQUEST)

    used = {"requests": 1, "read_units": 0.0, "write_units": 2.0}
    assert first == {"dynamodb": {"PutItem": used}, "requests": []}
    assert service.metered.read()["dynamodb"]["PutItem"]["write_units"] == 4.0


def test_errors_and_other_services_are_not_counted() -> None:
    failing, other = Service("400 Bad Request"), Service()
    for each in (failing, other):
        each.metered.switch(1)

    failing.ask(PUT, REQUEST)
    other.ask("AmazonSNS.Publish", REQUEST)

    nothing: dict[str, object] = {"dynamodb": {}, "requests": []}
    assert failing.metered.read() == other.metered.read() == nothing


def test_it_is_counted_who_asks() -> None:
    service = Service()
    service.metered.switch(1)
    receive = "AmazonSQS.ReceiveMessage", {"QueueUrl": "http://localhost/1/jobs"}

    service.ask(*receive)
    service.ask(*receive, HTTP_X_WSPUBSUB_SENDER="event-source")
    service.ask(*receive, HTTP_X_WSPUBSUB_SENDER="inspector")
    service.ask(PUT, REQUEST, HTTP_X_WSPUBSUB_SENDER="event-source")

    counted = service.metered.read()
    assert counted["dynamodb"] == {}
    assert [(each["by"], each["requests"]) for each in counted["requests"]] == [
        ("application", 1),
        ("Lambda", 5),
    ]
