"""What is counted of a gateway's entries, and what it costs."""

from collections.abc import Iterable
from typing import Any

import pytest

from wspubsub.gateway import Close, DataFrame, Returned, SendText
from wspubsub.local.costs.estimate import estimate
from wspubsub.local.costs.meter import Cause, Meter, count_by_topic
from wspubsub.local.functions.waiting import InvocationOutcome
from wspubsub.local.inspector.ring import Entry

ANN = "AAAAAAAAAAAAAAA="


def entries() -> list[Entry]:
    outcome = InvocationOutcome(result=Returned(None), seconds=2.0)
    news = '{"topic":"news"}'
    told: list[tuple[float, str, dict[str, Any]]] = [
        (0.0, "opened", {"connection": ANN}),
        (1.0, "frame", {"connection": ANN, "frame": DataFrame(news.encode())}),
        (
            1.1,
            "invocation",
            {"function": "handler", "route_key": "say", "connection": ANN},
        ),
        (1.2, "result", {"outcome": outcome}),
        (1.3, "post", {"method": "POST"}),
        (1.4, "sent", {"message": SendText(ANN, news + " " * 32_768)}),
        (2.0, "frame", {"connection": ANN, "frame": frame(20_000, is_final=False)}),
        (2.1, "frame", {"connection": ANN, "frame": frame(20_000, is_final=True)}),
        (60.0, "closed", {"close": Close(ANN, 1000)}),
        (70.0, "opened", {"connection": "B"}),
        (71.0, "invocation", {"function": "handler", "route_key": "aws:sqs"}),
        (72.0, "result", {"outcome": "withdrawn"}),
        (73.0, "invocation", {"function": "handler", "route_key": "aws:sqs"}),
        (74.0, "result", {"outcome": outcome}),
    ]
    parents = {4: 3, 12: 11, 14: 13}
    return [
        Entry(number, at, kind, parents.get(number, 0), 0, fields)
        for number, (at, kind, fields) in enumerate(told, 1)
    ]


def measure(entries: Iterable[Entry]) -> Meter:
    meter = Meter()
    for each in entries:
        meter.take(each)
    return meter


def frame(size: int, *, is_final: bool) -> DataFrame:
    return DataFrame(b"x" * size, is_text=is_final or None, is_final=is_final)


def test_messages_are_billed_by_32_kb_and_connections_by_the_minute() -> None:
    meter = measure(entries())

    assert (meter.messages_in, meter.messages_out) == (1 + 2, 2)
    assert meter.connection_seconds == 60
    assert meter.opened == {"B": 70.0}
    assert meter.requests == {"POST": 1}
    assert meter.invocations == {Cause("say"): 1, Cause("aws:sqs", is_source=True): 1}
    assert meter.most_requests == 2
    assert count_by_topic(entries()) == {"news": {"in": 1, "out": 2}}


def test_each_has_its_price() -> None:
    used = {"PutItem": {"requests": 2, "read_units": 1.0, "write_units": 3.0}}
    requests = [
        {"source": "q", "price": "queue_request", "requests": 7, "billed": 10},
        {"source": "q.fifo", "price": "fifo_request", "requests": 1, "billed": 1},
        {"source": "stream", "price": "stream_read", "requests": 9, "billed": 0},
    ]

    told = estimate(
        measure(entries()),
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
