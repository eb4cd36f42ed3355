"""What tests of the gateway's rules ask of it."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from wspubsub.gateway import (
    ManagementRequest,
    ManagementResponse,
)
from wspubsub.testing import (
    InProcessGateway,
)

Handler = Callable[[Any, Any], object]
SIGNED = {"authorization": "AWS4-HMAC-SHA256 Credential=test"}
UNKNOWN = "AAAAAAAAAAAAAAA="


def returning(result: object) -> Handler:
    """A handler that lets everybody in and returns this for every message."""

    def handler(event: Any, _context: Any) -> object:
        is_message = event["requestContext"]["eventType"] == "MESSAGE"
        return result if is_message else {"statusCode": 200}

    return handler


ok = returning({"statusCode": 200})


def route_keys(gateway: InProcessGateway) -> list[str]:
    return [each.route_key for each in gateway.invocations]


def last_context(gateway: InProcessGateway) -> Any:
    return gateway.invocations[-1].event["requestContext"]


def manage(
    gateway: InProcessGateway, method: str, connection_id: str, body: bytes = b""
) -> ManagementResponse:
    path = f"/dev/@connections/{quote(connection_id, safe='')}"
    return gateway.manage(
        ManagementRequest(method=method, path=path, headers=SIGNED, body=body)
    )


# 1
