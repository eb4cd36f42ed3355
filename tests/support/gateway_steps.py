"""Steps that tests of the gateway model take."""

import os
from typing import Any

from wspubsub.gateway import (
    Effect,
    Gateway,
    GatewayConfig,
    Handshake,
    Invoke,
    Returned,
)

OK = Returned({"statusCode": 200})
REFUSED = Returned({"statusCode": 403})
HANDSHAKE = Handshake(path="/dev")
ALLOW = {
    "principalId": "u",
    "policyDocument": {
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
    },
}


def gateway_with(**config: Any) -> Gateway:
    return Gateway(GatewayConfig(**config), draw=os.urandom)


def opened(gateway: Gateway, now: float = 0.0) -> str:
    """A connection that has been accepted."""
    connection_id, effects = gateway.handshake(HANDSHAKE, now=now)
    for invoke in invocations(effects):
        gateway.finish_invocation(invoke.invocation_id, OK, now=now)
    assert gateway.is_open(connection_id)
    return connection_id


def invocations(effects: list[Effect]) -> list[Invoke]:
    return [effect for effect in effects if isinstance(effect, Invoke)]


def end_of(effects: list[Effect]) -> tuple[int, str]:
    """Code and reason of the one `$disconnect` invocation among effects."""
    [invoke] = invocations(effects)
    context = invoke.event["requestContext"]
    assert context["eventType"] == "DISCONNECT"
    return context["disconnectStatusCode"], context["disconnectReason"]
