"""The Management API beyond what every emulator should know."""

import json
import re
from typing import Any
from urllib.parse import quote

import pytest

from wspubsub.gateway import ManagementRequest, ManagementResponse
from wspubsub.testing import GatewayConfig, InProcessGateway

SIGNED = {"authorization": "AWS4-HMAC-SHA256 Credential=test"}
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def ok(_event: Any, _context: Any) -> dict[str, Any]:
    return {"statusCode": 200}


def post(
    gateway: InProcessGateway, connection_id: str, body: bytes, backlog_bytes: int = 0
) -> ManagementResponse:
    return gateway.manage(
        ManagementRequest(
            method="POST",
            path=f"/dev/@connections/{quote(connection_id)}",
            headers=SIGNED,
            body=body,
            backlog_bytes=backlog_bytes,
        )
    )


def test_a_post_is_200_with_an_empty_body_and_names_itself() -> None:
    gateway = InProcessGateway(ok)
    client = gateway.connect()

    response = post(gateway, client.connection_id, b"hello")

    client.expect("hello")
    assert (response.status, response.body) == (200, b"")
    assert response.headers["content-type"] == "application/json"
    assert response.headers["content-length"] == "0"
    assert re.fullmatch(UUID, response.headers["x-amzn-requestid"])
    assert re.fullmatch(r"[\w-]{15}=", response.headers["x-amz-apigw-id"])
    assert response.headers["x-amzn-trace-id"].startswith("Root=1-")


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/prod/@connections/AAAAAAAAAAAAAAA%3D", "POST"),
        ("/@connections/AAAAAAAAAAAAAAA%3D", "POST"),
        ("/dev/@connection/AAAAAAAAAAAAAAA%3D", "POST"),
        ("/dev/@connections", "POST"),
        ("/dev/@connections/AAAAAAAAAAAAAAA%3D/x", "POST"),
        ("/dev/@connections/AAAAAAAAAAAAAAA%3D", "PUT"),
        ("/dev", "GET"),
        ("/", "GET"),
        ("/favicon.ico", "GET"),
    ],
)
def test_any_other_plain_http_request_is_forbidden(path: str, method: str) -> None:
    gateway = InProcessGateway(ok)

    response = gateway.manage(
        ManagementRequest(method=method, path=path, headers=SIGNED)
    )

    assert response.status == 403
    assert response.body == b'{"message":"Forbidden"}'
    assert response.headers["x-amzn-errortype"] == "ForbiddenException"


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer x"}])
def test_an_unsigned_request_is_403(headers: dict[str, str]) -> None:
    gateway = InProcessGateway(ok)
    client = gateway.connect()
    path = f"/dev/@connections/{client.connection_id}"

    response = gateway.manage(
        ManagementRequest(method="POST", path=path, headers=headers, body=b"x")
    )

    assert response.status == 403
    assert json.loads(response.body) == {"message": "Missing Authentication Token"}
    client.expect_nothing()


def test_a_presigned_request_is_signed() -> None:
    gateway = InProcessGateway(ok)
    client = gateway.connect()
    path = f"/dev/@connections/{client.connection_id}?X-Amz-Signature=abc"

    response = gateway.manage(ManagementRequest(method="POST", path=path, body=b"x"))

    assert response.status == 200
    client.expect("x")


def test_the_signature_can_be_switched_off() -> None:
    gateway = InProcessGateway(ok, config=GatewayConfig(require_signature=False))
    client = gateway.connect()
    path = f"/dev/@connections/{client.connection_id}"

    response = gateway.manage(ManagementRequest(method="POST", path=path, body=b"x"))

    assert response.status == 200


def test_a_post_over_128_kb_is_413() -> None:
    gateway = InProcessGateway(ok)
    client = gateway.connect()

    fitting = post(gateway, client.connection_id, b"x" * 131_072)
    too_big = post(gateway, client.connection_id, b"x" * 131_073)

    assert fitting.status == 200
    assert too_big.status == 413
    assert too_big.headers["x-amzn-errortype"] == "PayloadTooLargeException"
    assert "message" in json.loads(too_big.body)
    assert len(client.receive_all()) == 1


def test_a_post_to_a_client_that_does_not_read_is_429() -> None:
    gateway = InProcessGateway(ok, config=GatewayConfig(max_buffer_bytes=1000))
    client = gateway.connect()

    fitting = post(gateway, client.connection_id, b"x", backlog_bytes=1000)
    too_much = post(gateway, client.connection_id, b"x", backlog_bytes=1001)

    assert fitting.status == 200
    assert too_much.status == 429
    assert too_much.headers["x-amzn-errortype"] == "LimitExceededException"
    assert len(client.receive_all()) == 1


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        ("grüße 😀".encode(), "grüße 😀"),
        (b"a\xffb", "a\ufffdb"),
        (b"\xc3", "\ufffd"),
        (b"\xed\xa0\x80", "\ufffd"),
        (b"a\xed\xbf\xbfb", "a\ufffdb"),
        (b"\xed\xa0\xbd\xed\xb8\x80", "\ufffd\ufffd"),
        (b"\xed\x9f\xbf", "\ud7ff"),
        (b"\xed\xa0", "\ufffd\ufffd"),
        (b"\xf0\x9f\x98", "\ufffd"),
    ],
)
def test_posted_bytes_arrive_as_text(data: bytes, text: str) -> None:
    gateway = InProcessGateway(ok)
    client = gateway.connect()

    post(gateway, client.connection_id, data)

    assert client.receive_all() == [text]


def test_a_client_without_a_user_agent_has_a_null_one() -> None:
    gateway = InProcessGateway(ok)
    client = gateway.connect()

    response = gateway.manage(
        ManagementRequest(
            method="GET",
            path=f"/dev/@connections/{client.connection_id}",
            headers=SIGNED,
        )
    )

    assert json.loads(response.body)["identity"] == {
        "sourceIp": "127.0.0.1",
        "userAgent": None,
    }
