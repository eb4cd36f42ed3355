"""Test tools for applications that are built on wspubsub.

`InProcessGateway` runs a handler behind the rules of API Gateway in the test's own
process, `RecordingConnections` stands for the Management API alone, and the event
functions make what AWS invokes a handler with.
"""

from wspubsub.gateway.config import GatewayConfig
from wspubsub.gateway.effects import Function
from wspubsub.gateway.inputs import DataFrame
from wspubsub.testing.clients import TestClient
from wspubsub.testing.contexts import LambdaContext
from wspubsub.testing.declared import declared_config
from wspubsub.testing.errors import (
    ClientClosedError,
    HandshakeRefused,
    NoMessageError,
    UnexpectedMessageError,
)
from wspubsub.testing.events import (
    authorizer_event,
    connect_event,
    disconnect_event,
    message_event,
)
from wspubsub.testing.functions import InvocationRecord
from wspubsub.testing.gateway import START_TIME, InProcessGateway
from wspubsub.testing.management import GatewayConnections
from wspubsub.testing.recording import RecordingConnections

__all__ = [
    "START_TIME",
    "ClientClosedError",
    "DataFrame",
    "Function",
    "GatewayConfig",
    "GatewayConnections",
    "HandshakeRefused",
    "InProcessGateway",
    "InvocationRecord",
    "LambdaContext",
    "NoMessageError",
    "RecordingConnections",
    "TestClient",
    "UnexpectedMessageError",
    "authorizer_event",
    "connect_event",
    "declared_config",
    "disconnect_event",
    "message_event",
]
