"""What CloudWatch is told of a function."""

import io
import json
from typing import Any

import pytest

from wspubsub import (
    AccessDeniedError,
    ConnectionGoneError,
    MemoryMemberStore,
    MemorySubscriptionStore,
    MessageEvent,
    Publisher,
    Router,
    ThrottledError,
    UsageError,
)
from wspubsub.eventsources import EventSources
from wspubsub.handlers.declaration import read_declaration
from wspubsub.monitoring import Metrics
from wspubsub.pubsub import ANYONE, PubSub
from wspubsub.testing import (
    InProcessGateway,
    RecordingConnections,
    message_event,
)


class Output(io.StringIO):
    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def output() -> Output:
    return Output()


@pytest.fixture
def metrics(output: Output) -> Metrics:
    ticks = iter(range(1_000))
    return Metrics(
        "Chat", stream=output, now=lambda: 1_800_000_000.5, clock=lambda: next(ticks)
    )


def test_an_invocation_is_a_line_that_cloudwatch_understands(
    metrics: Metrics, output: Output
) -> None:
    router = Router()
    router.route("say")(lambda _: None)
    handler = metrics.measure(router)

    handler(message_event({"action": "say"}, connection_id="a="), None)

    assert output.lines == [
        {
            "_aws": {
                "Timestamp": 1_800_000_000_500,
                "CloudWatchMetrics": [
                    {
                        "Namespace": "Chat",
                        "Dimensions": [[], ["Route"]],
                        "Metrics": [
                            {"Name": "Invocations", "Unit": "Count"},
                            {"Name": "Errors", "Unit": "Count"},
                            {"Name": "Duration", "Unit": "Milliseconds"},
                        ],
                    }
                ],
            },
            "Route": "say",
            "Invocations": 1,
            "Errors": 0,
            "Duration": 1_000,
        }
    ]


def test_a_router_that_is_called_by_itself_is_not_measured(
    metrics: Metrics, output: Output
) -> None:
    router = Router()
    router.default(lambda _: None)
    metrics.measure(router)

    router(message_event("x"))

    assert not output.lines


def test_each_metric_is_declared_and_has_a_value(
    metrics: Metrics, output: Output
) -> None:
    connections = RecordingConnections({"a="})
    publisher = Publisher(MemorySubscriptionStore(), metrics.count_posts(connections))
    router = Router()

    @router.route("say")
    def post(event: MessageEvent) -> None:
        publisher.post(event.connection_id, "x")

    metrics.measure(router)(message_event({"action": "say"}, connection_id="a="), None)

    (line,) = output.lines
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    names = {each["Name"] for each in directive["Metrics"]}
    assert names == line.keys() - {"_aws", "Route"}
    assert {
        "Messages",
        "PostDuration",
        "Delivered",
        "Gone",
        "Throttled",
        "Failed",
    } < names


def test_posts_are_counted_by_what_became_of_them(
    metrics: Metrics, output: Output
) -> None:
    store, connections = MemorySubscriptionStore(), RecordingConnections({"a=", "c="})
    publisher = Publisher(store, metrics.count_posts(connections))
    for connection_id in ("a=", "b=", "c="):
        store.subscribe(connection_id, "news")
    router = Router()

    @router.route("say")
    def publish(event: MessageEvent) -> None:
        publisher.publish("news", "one")
        publisher.post(event.connection_id, "two")

    handler = metrics.measure(router)
    handler(message_event({"action": "say"}, connection_id="a="), None)
    handler(message_event({"action": "nothing"}, connection_id="a="), None)

    first, second = output.lines
    assert first["Messages"] == len(first["PostDuration"]) == 2
    assert (first["Delivered"], first["Gone"], first["Failed"]) == (3, 1, 0)
    # Nothing of one invocation counts for the next.
    assert "Messages" not in second
    assert second["Route"] == "$default"


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (None, "Delivered"),
        (ConnectionGoneError("a="), "Gone"),
        (ThrottledError("slow", status=429, code=None), "Throttled"),
        (AccessDeniedError("no", status=403, code=None), "Failed"),
    ],
)
def test_a_single_post_counts_as_well(
    metrics: Metrics, output: Output, error: Exception | None, name: str
) -> None:
    class Failing(RecordingConnections):
        def post(self, *arguments: Any, **options: Any) -> None:
            if error is not None:
                raise error
            super().post(*arguments, **options)

    connections = metrics.count_posts(Failing({"a="}))

    def handle(_event: object, _context: object) -> None:
        connections.post("a=", b"x")

    handler = metrics.measure(handle)
    if error is None:
        handler({}, None)
    else:
        with pytest.raises(type(error)):
            handler({}, None)

    (line,) = output.lines
    assert line[name] == 1
    assert line["Errors"] == (error is not None)
    assert line["Route"] == ""


def test_connections_are_asked_and_closed_as_before(metrics: Metrics) -> None:
    gateway = InProcessGateway(Router())
    connections = metrics.count_posts(gateway.connections)
    client = gateway.connect()

    assert connections.get(client.connection_id).source_ip
    connections.close(client.connection_id)

    assert not client.is_open


def test_what_fails_is_an_error(metrics: Metrics, output: Output) -> None:
    router = Router()

    @router.route("say")
    def fail(_event: MessageEvent) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        metrics.measure(router)(message_event({"action": "say"}), None)
    metrics.measure(lambda *_: {"statusCode": 503})({}, None)
    metrics.measure(lambda *_: {"batchItemFailures": [{"itemIdentifier": "1"}]})({})
    metrics.measure(lambda *_: {"statusCode": 404})({}, None)

    assert [line["Errors"] for line in output.lines] == [1, 1, 1, 0]


def test_records_of_an_event_source_have_its_name_as_route(output: Output) -> None:
    metrics = Metrics("Chat", service="rooms", stream=output)
    handler = metrics.measure(lambda *_: {"batchItemFailures": []})

    handler({"Records": [{"eventSource": "aws:sqs"}]}, None)

    (line,) = output.lines
    assert (line["Service"], line["Route"], line["Errors"]) == ("rooms", "aws:sqs", 0)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [["Service"], ["Service", "Route"]]


def test_a_pubsub_is_measured_without_a_connect_route_of_its_own(
    metrics: Metrics, output: Output
) -> None:
    connections = metrics.count_posts(RecordingConnections({"a="}))
    pubsub = PubSub(MemoryMemberStore(), connections)
    pubsub.topic("room").subscribe(ANYONE)
    handler = metrics.measure(pubsub)
    connect = json.dumps({"id": 1, "connect": {}})

    handler(message_event(connect, connection_id="a="), None)

    assert not pubsub.needs_connect
    assert read_declaration(handler) == read_declaration(pubsub)
    assert [line["Route"] for line in output.lines] == ["$default"]


def test_event_sources_take_handlers_that_are_measured(
    metrics: Metrics, output: Output
) -> None:
    router = Router()
    router.default(lambda _: None)
    handler = EventSources(metrics.measure(router))

    handler(message_event("x"), None)

    assert [line["Route"] for line in output.lines] == ["$default"]


def test_of_very_many_messages_the_first_hundred_are_timed(
    metrics: Metrics, output: Output
) -> None:
    connections = metrics.count_posts(RecordingConnections({"a="}))

    def handle(_event: object, _context: object) -> None:
        for _ in range(150):
            connections.post("a=", b"x")

    metrics.measure(handle)({}, None)

    (line,) = output.lines
    assert line["Messages"] == line["Delivered"] == 150
    assert len(line["PostDuration"]) == 100


def test_lines_go_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    Metrics("Chat").measure(lambda *_: None)({}, None)

    assert json.loads(capsys.readouterr().out)["Invocations"] == 1


@pytest.mark.parametrize("name", ["", " ", "x" * 256, None, 5])
def test_a_name_that_cloudwatch_does_not_take_is_refused(name: Any) -> None:
    with pytest.raises(UsageError, match="namespace must be 1 to 255 characters"):
        Metrics(name)
    if name is not None:
        with pytest.raises(UsageError, match="service must be 1 to 255 characters"):
            Metrics("Chat", service=name)
