"""Test tools for applications that are built on wspubsub.

`InProcessGateway` runs a handler behind the rules of API Gateway in the test's own
process, `RecordingConnections` stands for the Management API alone, and the event
functions make what AWS invokes a handler with.
"""

from wspubsub.faults import Faults
from wspubsub.gateway.config import GatewayConfig
from wspubsub.gateway.effects import Function
from wspubsub.gateway.inputs import DataFrame
from wspubsub.mappings.clients import ReceivingClient, StreamsClient
from wspubsub.mappings.settings import QueueSettings, StreamSettings
from wspubsub.testing.account import Account
from wspubsub.testing.clients import TestClient
from wspubsub.testing.contexts import LambdaContext
from wspubsub.testing.declared import read_config
from wspubsub.testing.errors import (
    ClientClosedError,
    CommandRefusedError,
    FunctionFailedError,
    HandshakeRefused,
    NoErrorError,
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
from wspubsub.testing.memory_queue import MemoryQueue, queue_event
from wspubsub.testing.memory_table import MemoryTable, stream_event
from wspubsub.testing.pubsub_client import PubSubTestClient
from wspubsub.testing.queues import QueueSource
from wspubsub.testing.recording import RecordingConnections
from wspubsub.testing.scripted import ScriptedLog, ScriptedStore
from wspubsub.testing.sources import EventSource
from wspubsub.testing.streams import StreamSource

__all__ = [
    "START_TIME",
    "Account",
    "ClientClosedError",
    "CommandRefusedError",
    "DataFrame",
    "EventSource",
    "Faults",
    "Function",
    "FunctionFailedError",
    "GatewayConfig",
    "GatewayConnections",
    "HandshakeRefused",
    "InProcessGateway",
    "InvocationRecord",
    "LambdaContext",
    "MemoryQueue",
    "MemoryTable",
    "NoErrorError",
    "NoMessageError",
    "PubSubTestClient",
    "QueueSettings",
    "QueueSource",
    "ReceivingClient",
    "RecordingConnections",
    "ScriptedLog",
    "ScriptedStore",
    "StreamSettings",
    "StreamSource",
    "StreamsClient",
    "TestClient",
    "UnexpectedMessageError",
    "authorizer_event",
    "connect_event",
    "disconnect_event",
    "message_event",
    "queue_event",
    "read_config",
    "stream_event",
]
