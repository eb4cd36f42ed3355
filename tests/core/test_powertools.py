"""What people put around a Lambda handler, around a router."""

from collections.abc import Callable
from typing import Any

import pytest

from wspubsub import MessageEvent, Router
from wspubsub.eventsources import EventSources
from wspubsub.testing import LambdaContext, message_event

powertools: Any = pytest.importorskip("aws_lambda_powertools")

LambdaHandler = Callable[[Any, Any], Any]
ENVIRONMENT = {
    "POWERTOOLS_SERVICE_NAME": "chat",
    "POWERTOOLS_METRICS_NAMESPACE": "chat",
    "AWS_LAMBDA_FUNCTION_NAME": "chat",
    "AWS_XRAY_CONTEXT_MISSING": "IGNORE_ERROR",
    "AWS_XRAY_SDK_ENABLED": "false",
}
KINDS = ["Router", "EventSources"]
DECORATORS = {
    "Logger.inject_lambda_context": lambda: powertools.Logger().inject_lambda_context,
    "Tracer.capture_lambda_handler": lambda: powertools.Tracer().capture_lambda_handler,
    "Metrics.log_metrics": lambda: powertools.Metrics().log_metrics(
        capture_cold_start_metric=True
    ),
}


def make_router() -> Router:
    router = Router()
    tracer = powertools.Tracer()

    def hello(event: MessageEvent) -> str:
        return f"hello {event.connection_id}"

    async def later(event: MessageEvent) -> str:
        return f"hello {event.connection_id}"

    for handler in (hello, later):
        router.route(handler.__name__)(tracer.capture_method(handler))
    return router


@pytest.mark.filterwarnings("ignore:No application metrics to publish")
@pytest.mark.parametrize("decorator", DECORATORS)
@pytest.mark.parametrize("action", ["hello", "later"])
@pytest.mark.parametrize("wrap", [lambda router: router, EventSources], ids=KINDS)
def test_decorators_of_powertools_take_it(
    monkeypatch: pytest.MonkeyPatch,
    wrap: Callable[[Router], LambdaHandler],
    action: str,
    decorator: str,
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    handler = DECORATORS[decorator]()(wrap(make_router()))
    context = LambdaContext(
        aws_request_id="1",
        invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:chat",
        remaining=lambda: 29.0,
    )

    result = handler(message_event({"action": action}, connection_id="a="), context)

    assert result == {"statusCode": 200, "body": "hello a="}


def test_data_classes_and_models_of_powertools_read_the_raw_event() -> None:
    data_classes = pytest.importorskip("aws_lambda_powertools.utilities.data_classes")
    models = pytest.importorskip("aws_lambda_powertools.utilities.parser.models")
    router = Router()
    seen = []

    @router.route("who")
    def who(event: MessageEvent) -> None:
        event_of_data_class = data_classes.APIGatewayWebSocketEvent(dict(event.raw))
        model = models.APIGatewayWebSocketMessageEventModel.model_validate(event.raw)
        seen.append(event_of_data_class.request_context.connection_id)
        seen.append(model.request_context.connection_id)
        seen.append(model.body)

    router(message_event({"action": "who"}, connection_id="a="))

    assert seen == ["a=", "a=", '{"action": "who"}']
