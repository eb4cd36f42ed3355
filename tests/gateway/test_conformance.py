"""The gateway's events have what other libraries require of them."""

import ipaddress
from typing import Any

import pytest

from tests.support.recorded_events import (
    CONFIG,
    ok,
)
from wspubsub.gateway import DataFrame
from wspubsub.testing import (
    InProcessGateway,
)


def conforms(event: Any) -> None:
    """The keys that the model of Powertools for AWS Lambda (Python) requires."""
    context = event["requestContext"]
    for key in (
        "routeKey",
        "extendedRequestId",
        "requestTime",
        "stage",
        "requestId",
        "domainName",
        "connectionId",
        "apiId",
    ):
        assert isinstance(context[key], str), key
        assert context[key], key
    assert context["eventType"] in ("CONNECT", "MESSAGE", "DISCONNECT")
    assert context["messageDirection"] in ("IN", "OUT")
    assert type(context["connectedAt"]) is int
    assert type(context["requestTimeEpoch"]) is int
    ipaddress.ip_address(context["identity"]["sourceIp"])
    assert event["isBase64Encoded"] is False
    if context["eventType"] == "MESSAGE":
        assert isinstance(context["messageId"], str)
        assert isinstance(event["body"], str)
    else:
        assert all(isinstance(text, str) for text in event["headers"].values())
        assert event["multiValueHeaders"].keys() == event["headers"].keys()
    if context["eventType"] == "DISCONNECT":
        assert type(context["disconnectStatusCode"]) is int
        assert isinstance(context["disconnectReason"], str)


@pytest.mark.parametrize("source_ip", ["192.0.2.1", "2001:db8::1"])
def test_every_event_has_what_powertools_requires(source_ip: str) -> None:
    gateway = InProcessGateway(ok, config=CONFIG)

    client = gateway.connect(query={"a": "1"}, source_ip=source_ip)
    client.send({"action": "chat"})
    client.send_frames([DataFrame(b"", is_text=False)])

    assert [each.route_key for each in gateway.invocations] == [
        "$connect",
        "chat",
        "$disconnect",
    ]
    for invocation in gateway.invocations:
        conforms(invocation.event)


def test_connected_at_is_the_same_in_every_event_of_a_connection() -> None:
    gateway = InProcessGateway(ok)
    client = gateway.connect()
    gateway.advance(seconds=61.25)

    client.send("x")
    client.close()

    contexts = [each.event["requestContext"] for each in gateway.invocations]
    assert {context["connectedAt"] for context in contexts} == {1767225600000}
    assert [context["requestTimeEpoch"] - 1767225600000 for context in contexts] == [
        0,
        61250,
        61250,
    ]
    assert contexts[1]["requestTime"] == "01/Jan/2026:00:01:01 +0000"
