"""A router in the decorators of Powertools for AWS Lambda, as its guide stacks them."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.data_classes import (
    APIGatewayWebSocketEvent,
    event_source,
)
from aws_lambda_powertools.utilities.parser import parse
from aws_lambda_powertools.utilities.parser.models import (
    APIGatewayWebSocketConnectEventModel,
    APIGatewayWebSocketDisconnectEventModel,
    APIGatewayWebSocketMessageEventModel,
)

from wspubsub import MessageEvent, Router

logger = Logger(service="chat")
tracer = Tracer(service="chat")
metrics = Metrics(namespace="chat", service="chat")
router = Router()

MODELS: dict[str, Any] = {
    "CONNECT": APIGatewayWebSocketConnectEventModel,
    "MESSAGE": APIGatewayWebSocketMessageEventModel,
    "DISCONNECT": APIGatewayWebSocketDisconnectEventModel,
}


@router.default
@tracer.capture_method
def echo(event: MessageEvent) -> object:
    metrics.add_metric(name="Echoed", unit=MetricUnit.Count, value=1)
    tracer.put_annotation("connection", event.connection_id)
    return {"echo": event.json(), "has_time": event.remaining_seconds() > 1}


@logger.inject_lambda_context(
    log_event=True, correlation_id_path="requestContext.connectionId"
)
@metrics.log_metrics(capture_cold_start_metric=True)
@tracer.capture_lambda_handler
@event_source(data_class=APIGatewayWebSocketEvent)
def handler(event: APIGatewayWebSocketEvent, context: Any) -> Any:
    kind = event.request_context.event_type
    parsed = parse(event=event.raw_event, model=MODELS[kind])
    logger.info("PARSED", extra={"kind": parsed.request_context.event_type})
    return router(event.raw_event, context)
