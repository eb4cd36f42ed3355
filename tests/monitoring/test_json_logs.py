"""Log records that say which event they belong to."""

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest

from wspubsub import MessageEvent, Router
from wspubsub.monitoring import JsonLogs
from wspubsub.testing import LambdaContext, message_event

CONTEXT = LambdaContext(
    aws_request_id="request-1",
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:chat",
    remaining=lambda: 29.0,
)


@pytest.fixture
def logs() -> JsonLogs:
    return JsonLogs()


@pytest.fixture
def output(logs: JsonLogs) -> Iterator[StringIO]:
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs)
    logger = logging.getLogger("chat")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield stream
    logger.removeHandler(handler)


def read(output: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.getvalue().splitlines()]


def test_a_record_says_what_it_is_about(logs: JsonLogs, output: StringIO) -> None:
    router = Router()

    @router.route("say")
    def say(_event: MessageEvent) -> None:
        logging.getLogger("chat").info("said %d", 1, extra={"room": 5})

    event = message_event({"action": "say"}, connection_id="a=")
    logs.bind(router)(event, CONTEXT)

    (record,) = read(output)
    assert record.pop("timestamp").endswith("Z")
    assert record == {
        "level": "INFO",
        "logger": "chat",
        "message": "said 1",
        "connectionId": "a=",
        "routeKey": "say",
        "requestId": "request-1",
        "room": 5,
    }


def test_nothing_is_left_for_the_next_invocation(
    logs: JsonLogs, output: StringIO
) -> None:
    def handle(_event: object, _context: object) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        logs.bind(handle)(message_event("x", connection_id="a="), None)
    logging.getLogger("chat").warning("afterwards")
    logs.bind(lambda *_: logging.getLogger("chat").info("stream"))(
        {"Records": [{"eventSource": "aws:dynamodb"}]}, None
    )

    first, second = read(output)
    assert "connectionId" not in first
    assert "routeKey" not in first
    assert second["routeKey"] == "aws:dynamodb"


def test_an_async_handler_logs_as_others_do(logs: JsonLogs, output: StringIO) -> None:
    router = Router()

    @router.route("say")
    async def say(_event: MessageEvent) -> None:
        await asyncio.sleep(0)
        logging.getLogger("chat").info("said")

    logs.bind(router)(message_event({"action": "say"}, connection_id="a="), None)

    assert [each["connectionId"] for each in read(output)] == ["a="]


def test_an_error_has_its_traceback_in_the_same_line(output: StringIO) -> None:
    try:
        int("wrong")
    except ValueError:
        logging.getLogger("chat").exception("failed")

    (record,) = read(output)
    assert record["stackTrace"][0].startswith("Traceback")
    assert (
        record["stackTrace"][-1]
        == "ValueError: invalid literal for int() with base 10: 'wrong'"
    )


def test_what_is_no_json_is_written_as_python_shows_it(output: StringIO) -> None:
    logging.getLogger("chat").info("x", extra={"room": {1}})

    assert [each["room"] for each in read(output)] == ["{1}"]


@contextmanager
def root_logger(*handlers: logging.Handler) -> Iterator[None]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers[:] = handlers
    yield
    root.handlers[:] = before
    root.setLevel(level)


def test_the_root_logger_writes_json_to_standard_output(
    logs: JsonLogs, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = StringIO()
    monkeypatch.setattr("sys.stdout", stream)

    with root_logger():
        logs.install(logging.WARNING)
        logging.getLogger("other").warning("here")
        logging.getLogger("other").info("not here")

    assert [each["message"] for each in read(stream)] == ["here"]


def test_the_handler_that_lambda_has_installed_is_used(logs: JsonLogs) -> None:
    stream = StringIO()

    with root_logger(logging.StreamHandler(stream)):
        logs.install()
        logging.getLogger("other").info("here")

    assert [each["message"] for each in read(stream)] == ["here"]
