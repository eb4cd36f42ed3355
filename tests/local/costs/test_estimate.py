"""What is counted of a gateway's entries, and what it costs."""

import pytest

from wspubsub.gateway import Close, Returned
from wspubsub.local.costs.estimate import estimate
from wspubsub.local.costs.meter import Cause, Meter, count_by_topic, count_messages
from wspubsub.local.functions.waiting import InvocationOutcome
from wspubsub.local.inspector.recorder import Recorder
from wspubsub.local.inspector.ring import Ring

ANN = "AAAAAAAAAAAAAAA="


def record() -> Recorder:
    outcome = InvocationOutcome(result=Returned(None), seconds=2.0)
    news = '{"topic":"news"}'
    long = news + " " * 32_768
    queue = *(None, "aws:sqs", None, "handler", "id", b"{}"), None
    told: list[tuple[float, str, int, tuple[object, ...]]] = [
        (0.0, "opened", 0, (ANN,)),
        (1.0, "frame", 0, (ANN, news.encode(), True, True)),
        (1.1, "invocation", 2, (ANN, "say", None, "handler", "id", b"{}", None)),
        (1.2, "result", 3, (outcome,)),
        (1.3, "post", 3, ("POST", ANN, long.encode(), 200, "")),
        (1.4, "sent", 5, (ANN, long, "")),
        (2.0, "frame", 0, (ANN, b"x" * 20_000, True, False)),
        (2.1, "frame", 0, (ANN, b"x" * 20_000, None, True)),
        (60.0, "closed", 0, (Close(ANN, 1000), "client")),
        (70.0, "opened", 0, ("B",)),
        (71.0, "invocation", 0, queue),
        (72.0, "result", 11, ("withdrawn",)),
        (73.0, "invocation", 0, queue),
        (74.0, "result", 13, (outcome,)),
    ]
    times = iter([at for at, *_ in told])
    recorder = Recorder(Ring(), now=lambda: next(times))
    for _, kind, parent, values in told:
        recorder.add(kind, parent, 0, *values)
    return recorder


def test_messages_are_billed_by_32_kb_and_connections_by_the_minute() -> None:
    recorder = record()

    meter = recorder.measure()

    assert (meter.messages_in, meter.messages_out) == (1 + 2, 2)
    assert meter.connection_seconds == 60
    assert meter.opened == {"B": 70.0}
    assert meter.requests == {"POST": 1}
    assert meter.invocations == {Cause("say"): 1, Cause("aws:sqs", is_source=True): 1}
    assert meter.most_requests == 2
    assert recorder.ring is not None
    topics = count_by_topic(recorder.ring.entries())
    assert topics == {"news": {"in": 1, "out": 2}}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("x" * 32_768, 1),
        ("x" * 32_769, 2),
        ("\u00e9" * 16_384, 1),
        ("\u00e9" * 16_385, 2),
        ("\U0001f600" * 8_192, 1),
        ("\U0001f600" * 8_193, 2),
    ],
)
def test_a_text_is_billed_by_its_bytes(text: str, count: int) -> None:
    assert count_messages(text) == count


def test_each_has_its_price() -> None:
    used = {"PutItem": {"requests": 2, "read_units": 1.0, "write_units": 3.0}}
    requests = [
        {"source": "q", "price": "queue_request", "requests": 7, "billed": 10},
        {"source": "q.fifo", "price": "fifo_request", "requests": 1, "billed": 1},
        {"source": "stream", "price": "stream_read", "requests": 9, "billed": 0},
    ]

    told = estimate(
        record().measure(),
        dynamodb=used,
        requests=requests,
        topics={"news": {"in": 1, "out": 2}},
        memory_mb=512,
        now=130.0,
    )

    run = {
        "count": 1,
        "gb_seconds": 1.0,
        "dollars": pytest.approx(0.2e-6 + 0.0000133334),
    }
    assert told["invocations"] == {"say": run}
    assert told["event_sources"] == {"aws:sqs": run}
    assert told["used"]["connection_minute"] == 2
    assert told["used"]["invocation"] == told["used"]["gb_second"] == 2
    assert told["dollars"]["message"] == pytest.approx(5e-6)
    assert told["dollars"]["connection_minute"] == pytest.approx(0.5e-6)
    assert told["dollars"]["write_unit"] == pytest.approx(3 * 0.625e-6)
    assert told["dollars"]["queue_request"] == pytest.approx(10 * 0.4e-6)
    assert told["dollars"]["fifo_request"] == pytest.approx(0.5e-6)
    assert told["dollars"]["stream_read"] == 0
    assert told["topics"]["news"]["dollars"] == pytest.approx(3e-6)
    put = told["dynamodb"]["PutItem"]
    assert put["dollars"] == pytest.approx(0.125e-6 + 3 * 0.625e-6)
    rows = [each["dollars"] for each in told["queues_and_streams"]]
    assert rows == pytest.approx([4e-6, 0.5e-6, 0])
    prices = {name: each for name, each in told["dollars"].items() if name != "total"}
    assert told["dollars"]["total"] == pytest.approx(sum(prices.values()))
    assert told["requests_per_second"] == {"most": 2, "quota": 10_000}
    assert told["prices"]["as_of"] == "2026-11"


def test_nothing_costs_nothing() -> None:
    told = estimate(Meter(), dynamodb={}, requests=[], topics={}, memory_mb=128, now=0)

    assert told["dollars"]["total"] == 0
