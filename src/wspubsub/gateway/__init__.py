"""The rules of API Gateway WebSocket APIs as a model without I/O."""

from wspubsub.gateway.config import GatewayConfig
from wspubsub.gateway.effects import (
    Accept,
    Close,
    Effect,
    Function,
    Invoke,
    ManagementResponse,
    Refuse,
    SendText,
    Withdraw,
)
from wspubsub.gateway.inputs import (
    DataFrame,
    Handshake,
    InvocationResult,
    ManagementRequest,
    Raised,
    Returned,
)
from wspubsub.gateway.model import Gateway

__all__ = [
    "Accept",
    "Close",
    "DataFrame",
    "Effect",
    "Function",
    "Gateway",
    "GatewayConfig",
    "Handshake",
    "InvocationResult",
    "Invoke",
    "ManagementRequest",
    "ManagementResponse",
    "Raised",
    "Refuse",
    "Returned",
    "SendText",
    "Withdraw",
]
