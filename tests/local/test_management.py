"""The Management API as SDKs and recorded answers have it."""

import json

import boto3
import pytest

from tests.support.servers.clients import closed_with, connection_id, manage
from tests.support.servers.gateways import DevGateway

pytestmark = pytest.mark.integration


def test_a_post_reaches_the_client_as_text(probe: DevGateway) -> None:
    with probe.client("?post=text") as client:
        id_ = connection_id(probe, '"post": "text"')

        response, body = manage(probe, "POST", id_, b"caf\xc3\xa9 \xff")

        assert (response.status, body) == (200, b"")
        assert client.recv(10) == "café \ufffd"


def test_a_post_of_128_kb_arrives_as_one_message_and_more_is_too_large(
    probe: DevGateway,
) -> None:
    with probe.client("?post=large", max_size=200_000) as client:
        id_ = connection_id(probe, '"post": "large"')

        assert manage(probe, "POST", id_, b"x" * 131_072)[0].status == 200
        assert len(client.recv(10)) == 131_072
        response, _ = manage(probe, "POST", id_, b"x" * 131_073)

        assert response.status == 413
        assert response.headers["x-amzn-errortype"] == "PayloadTooLargeException"
        assert manage(probe, "POST", id_, b"x" * 3_000_000)[0].status == 413


def test_a_connection_can_be_described(probe: DevGateway) -> None:
    with probe.client("?get=1", user_agent_header="Mozilla/5.0"):
        id_ = connection_id(probe, '"get": "1"')

        response, body = manage(probe, "GET", id_, resource="%40connections")

    assert response.status == 200
    told = json.loads(body)
    assert told["identity"] == {"sourceIp": "127.0.0.1", "userAgent": "Mozilla/5.0"}
    assert set(told) == {"identity", "connectedAt", "lastActiveAt"}


def test_a_deleted_connection_is_closed_and_its_handler_told(
    probe: DevGateway,
) -> None:
    with probe.client("?delete=1") as client:
        id_ = connection_id(probe, '"delete": "1"')

        response, body = manage(probe, "DELETE", id_)

        assert (response.status, body) == (204, b"")
        assert closed_with(client) == 1000
    line = probe.wait_for_line('"disconnectReason": "Connection Closed Normally"')
    assert (
        json.loads(line.removeprefix("EVENT "))["requestContext"][
            "disconnectStatusCode"
        ]
        == 1000
    )


def test_an_unknown_connection_is_gone_and_a_malformed_one_a_bad_request(
    chat: DevGateway,
) -> None:
    gone, nothing = manage(chat, "POST", "AAAAAAAAAAAAAAA=", b"x")
    bad, text = manage(chat, "POST", "no-id", b"x")

    assert (gone.status, nothing) == (410, b"")
    assert gone.headers["x-amzn-errortype"] == "GoneException"
    assert bad.status == 400
    assert bad.headers["x-amzn-errortype"] == "BadRequestException"
    assert json.loads(text) == {"message": "Invalid connectionId: no-id"}


def test_requests_without_signature_or_for_anything_else_are_forbidden(
    chat: DevGateway,
) -> None:
    unsigned, text = manage(chat, "POST", "AAAAAAAAAAAAAAA=", b"x", headers={})
    elsewhere, _ = manage(chat, "GET", "x", resource="health")

    assert unsigned.status == 403
    assert json.loads(text) == {"message": "Missing Authentication Token"}
    assert elsewhere.status == 403


def test_boto3_knows_the_gateways_errors(chat: DevGateway) -> None:
    client = boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=chat.management_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )

    with pytest.raises(client.exceptions.GoneException):
        client.post_to_connection(ConnectionId="AAAAAAAAAAAAAAA=", Data=b"x")
