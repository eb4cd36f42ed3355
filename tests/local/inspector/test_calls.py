"""Calls of DynamoDB, which are seen only while somebody follows."""

import asyncio
import json
from collections.abc import Iterable
from io import BytesIO
from itertools import count
from typing import Any

import pytest

from tests.support.inspector import Entry, InspectorClient, body_of, subscribe
from tests.support.servers.gateways import DevGateway
from wspubsub.local.dynamodb.metered import Metered
from wspubsub.local.dynamodb.recording import MAX_BYTES, Recording
from wspubsub.local.inspector.feed import Attention
from wspubsub.local.processes import MAX_LINE_BYTES


@pytest.mark.integration
def test_a_call_belongs_to_the_invocation_that_made_it(
    chat: DevGateway, inspector: InspectorClient
) -> None:
    call = _make_calls(chat, inspector)

    invocation = inspector.parent_of(call)
    assert invocation["kind"] == "invocation"
    assert body_of(invocation).startswith('{"type": "subscribe"')
    assert (call["service"], call["table"]) == ("dynamodb", chat.table)
    assert (call["status"], call.get("error")) == (200, None)
    assert call["ms"] > 0


def _make_calls(gateway: DevGateway, inspector: InspectorClient) -> Entry:
    # The first ones may be made before the service knows that somebody follows, and
    # others may be seen that connecting made, or a client of another test.
    with gateway.client() as client:
        for number in count():
            topic = f"followed-{number}"
            client.send(subscribe(topic))
            client.recv()
            last = inspector.entries[-1]["n"] if inspector.entries else 0
            inspector.entries += inspector.call("follow", after=last, wait=1)["entries"]
            for each in inspector.entries:
                if each["kind"] == "call" and "followed-" in _request_of(each):
                    return each
    raise AssertionError


def _request_of(call: Entry) -> str:
    return json.dumps(call["request"])


class Service:
    """A server that answers what it is told to, and what is reported about it."""

    def __init__(self, answer: Any, *, status: str = "200 OK") -> None:
        self.answer = answer
        self.status = status
        self.reports: list[dict[str, Any]] = []
        self.recording = Recording(self._answer, self.reports.append)

    def ask(self, operation: str, request: object, **headers: str) -> bytes:
        body = json.dumps(request).encode()
        environ = {
            "HTTP_X_AMZ_TARGET": operation,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": BytesIO(body),
            **headers,
        }
        return b"".join(self.recording(environ, lambda *_: None))

    def _answer(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        if self.answer is None:
            raise ConnectionResetError
        environ["wsgi.input"].read()
        start_response(self.status, [])
        return [json.dumps(self.answer).encode()]


PUT = "DynamoDB_20120810.PutItem"


def test_nothing_is_reported_until_somebody_follows_and_afterwards() -> None:
    service = Service({})

    service.ask(PUT, {})
    service.recording.switch(1)
    service.ask(PUT, {"TableName": "t"}, HTTP_X_AMZN_TRACE_ID="Root=1")
    service.recording.switch(0)
    service.ask(PUT, {})

    [report] = service.reports
    assert (report["operation"], report["table"]) == ("PutItem", "t")
    assert report["trace"] == "Root=1"


def test_other_services_and_the_inspector_itself_are_not_reported() -> None:
    service = Service({})
    service.recording.switch(1)

    service.ask("DynamoDBStreams_20120810.GetRecords", {})
    service.ask("AmazonSQS.ReceiveMessage", {})
    service.ask("DynamoDB_20120810.Scan", {}, HTTP_X_WSPUBSUB_SENDER="inspector")

    assert service.reports == []


def test_what_the_inspector_reads_costs_nothing() -> None:
    service = Service({"Count": 0})
    metered = Metered(service.recording)
    metered.switch(1)

    for headers in ({}, {"HTTP_X_WSPUBSUB_SENDER": "inspector"}):
        environ = {
            "HTTP_X_AMZ_TARGET": "DynamoDB_20120810.Scan",
            "CONTENT_LENGTH": "2",
            "wsgi.input": BytesIO(b"{}"),
            **headers,
        }
        metered(environ, lambda *_: None)

    assert metered.read()["dynamodb"]["Scan"]["requests"] == 1


@pytest.mark.parametrize(
    ("request_", "table"),
    [
        ({"TableName": "t"}, "t"),
        ({"TransactItems": [{"Put": {"TableName": "t"}}]}, "t"),
        ({"TransactItems": [5, {"Put": 5}]}, None),
        ({"RequestItems": {"t": []}}, "t"),
        ({}, None),
    ],
)
def test_the_table_is_found_wherever_a_request_names_it(
    request_: object, table: str | None
) -> None:
    service = Service({})
    service.recording.switch(1)

    service.ask(PUT, request_)

    assert service.reports[0]["table"] == table


def test_units_are_summed_and_errors_named() -> None:
    capacity = [{"WriteCapacityUnits": 2.0}, {"WriteCapacityUnits": 1.0}]
    service = Service({"ConsumedCapacity": capacity})
    service.recording.switch(1)
    service.ask("DynamoDB_20120810.TransactWriteItems", {})
    failing = Service({"__type": "a#ValidationException"}, status="400 Bad Request")
    failing.recording.switch(1)
    failing.ask(PUT, {})
    single = Service({"ConsumedCapacity": {"ReadCapacityUnits": 0.5}})
    single.recording.switch(1)
    single.ask("DynamoDB_20120810.Query", [])

    assert service.reports[0]["write_units"] == 3.0
    assert failing.reports[0]["error"] == "ValidationException"
    assert single.reports[0]["read_units"] == 0.5


def test_a_call_without_an_answer_is_reported_too() -> None:
    service = Service(None)
    service.recording.switch(1)

    with pytest.raises(ConnectionResetError):
        service.ask(PUT, {"TableName": "t"})

    assert (service.reports[0]["status"], service.reports[0]["error"]) == (
        0,
        "no answer",
    )


@pytest.mark.parametrize("text", ["x", '"', "é", "\N{GRINNING FACE}", "\x00"])
def test_a_report_fits_into_a_line(text: str) -> None:
    service = Service({"Item": {"data": {"S": text * MAX_BYTES}}})
    service.recording.switch(1)

    service.ask(PUT, {"Item": {"data": {"S": text * MAX_BYTES}}})

    assert service.reports[0]["cut"]
    assert len(json.dumps({"call": service.reports[0]})) < MAX_LINE_BYTES


def test_attention_is_lost_some_time_after_it_was_paid() -> None:
    changes: list[bool] = []

    async def follow_twice() -> None:
        lost = asyncio.Event()
        attention = Attention(seconds=0.01)

        def note(is_paid: bool) -> None:
            changes.append(is_paid)
            if not is_paid:
                lost.set()

        attention.on_change = note
        attention.pay()
        attention.pay()
        await lost.wait()

    asyncio.run(follow_twice())

    assert changes == [True, False]
