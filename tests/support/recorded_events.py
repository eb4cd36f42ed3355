"""Recorded events, and gateways that reproduce them."""

import json
import re
from pathlib import Path
from typing import Any

from wspubsub.testing import (
    GatewayConfig,
    InProcessGateway,
    TestClient,
)

EVENTS = Path(__file__).parents[1] / "events"
CONFIG = GatewayConfig(
    stage="prod",
    api_id="abcdef1234",
    routes={"$connect", "$default", "$disconnect", "chat"},
)

# What differs from one event to the next is compared by its form, all else by value.
FORMS = {
    "an ID": r"[A-Za-z0-9_-]{15}=",
    "a time": r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000",
    "a trace": r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}",
    "a key": r"[A-Za-z0-9+/]{22}==",
}


def recorded(name: str) -> Any:
    return json.loads((EVENTS / f"{name}.json").read_text())


def form(value: Any) -> Any:
    match value:
        case dict():
            return {key: form(member) for key, member in value.items()}
        case list():
            return [form(item) for item in value]
        case str():
            fitting = [
                name for name, regex in FORMS.items() if re.fullmatch(regex, value)
            ]
            return fitting[0] if fitting else value
        case int() if value > 10**12:
            return "milliseconds"
        case _:
            return (type(value).__name__, value)


def allow(event: Any, _context: Any) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Action": "execute-api:Invoke",
        "Resource": event["methodArn"],
    }
    return {
        "principalId": "user-1",
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": {"tenant": "t1", "level": 3},
    }


def ok(_event: Any, _context: Any) -> dict[str, Any]:
    return {"statusCode": 200}


def plain_client(gateway: InProcessGateway) -> TestClient:
    return gateway.connect(
        headers={
            "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"
        },
        source_ip="192.0.2.1",
    )


def last_event(gateway: InProcessGateway) -> Any:
    return gateway.invocations[-1].event
