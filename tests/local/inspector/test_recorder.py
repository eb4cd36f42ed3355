"""How things find the invocation that caused them."""

import pytest

from wspubsub.gateway import DataFrame, Returned
from wspubsub.local.costs.meter import Cause
from wspubsub.local.functions.runtime_api import RuntimeInvocation
from wspubsub.local.functions.waiting import InvocationOutcome
from wspubsub.local.inspector.recorder import Recorder
from wspubsub.local.inspector.ring import Ring


def invocation(number: int) -> RuntimeInvocation:
    trace = f"Root=1-{number};Parent=p{number};Sampled=0"
    return RuntimeInvocation(request_id=f"id-{number}", event={}, trace_id=trace)


@pytest.mark.parametrize(
    "name",
    [
        "id-2",
        "Root=1-2;Parent=p2;Sampled=0",
        "Root=1-2;Parent=of-a-tracer;Sampled=1",
        "Parent=p2",
    ],
)
def test_an_invocation_is_found_by_its_id_and_its_trace(name: str) -> None:
    recorder = Recorder(Ring())
    numbers = [
        recorder.add_invocation(0, invocation(each), route_key="$default")
        for each in range(5)
    ]

    assert recorder.find(name) == numbers[2]


@pytest.mark.parametrize("name", ["", "id-9", "Root=1-9", "nonsense"])
def test_what_no_invocation_has_finds_none(name: str) -> None:
    recorder = Recorder(Ring())
    recorder.add_invocation(0, invocation(1), route_key="$default")

    assert recorder.find(name) == 0


def test_only_the_last_invocations_are_known() -> None:
    recorder = Recorder(Ring())
    for each in range(5_000):
        recorder.add_invocation(0, invocation(each), route_key="$default")
        if each % 1_000 == 0:
            recorder.find("id-0")

    assert recorder.find("id-0") == 0
    assert recorder.find("id-4999") == 5_000


def test_what_has_gone_from_the_ring_is_billed_still() -> None:
    ring = Ring(max_entries=2)
    recorder = Recorder(ring, now=lambda: 5.0)
    frame = DataFrame(b"hello")
    for _ in range(3):
        recorder.add("frame", connection="c", frame=frame)
    recorder.add("opened", connection="c")
    ring.clear()
    recorder.add("frame", connection="c", frame=frame)

    first, second = recorder.measure(), recorder.measure()

    assert first.messages_in == second.messages_in == 4
    assert first.opened == {"c": 5.0}
    assert first.most_requests == 5


def test_what_is_billed_is_named_by_the_route_or_source_of_its_invocation() -> None:
    recorder = Recorder(Ring(max_entries=1))
    context = {"routeKey": "say", "connectionId": "c", "authorizer": None}
    asked = RuntimeInvocation(request_id="a", event={"requestContext": context})
    outcome = InvocationOutcome(result=Returned(None), seconds=1.0)
    for function in ("handler", "authorizer"):
        number = recorder.add_invocation(0, asked, function=function)
        recorder.add("result", number, outcome=outcome)
    batch = RuntimeInvocation(request_id="b", event={"Records": []})
    number = recorder.add_invocation(0, batch, function="handler", route_key="aws:sqs")
    recorder.add("result", number, outcome=outcome)

    number = recorder.add_invocation(0, batch, function="handler", method="publish")
    recorder.add("result", number, outcome=outcome)

    billed = recorder.measure().invocations

    assert billed == {
        Cause("say"): 1,
        Cause("say authorizer"): 1,
        Cause("aws:sqs", is_source=True): 1,
    }


def test_without_a_ring_nothing_is_kept() -> None:
    recorder = Recorder()

    assert recorder.add("frame", connection="c") == 0
    assert recorder.add_invocation(0, invocation(1)) == 0
    assert recorder.find("id-1") == 0


def test_the_oldest_entries_go_when_there_are_too_many_or_they_are_too_large() -> None:
    ring = Ring(max_entries=3, max_bytes=100)
    for size in (10, 10, 10, 10, 90):
        ring.add(0.0, "frame", 0, size, {})

    assert [each.number for each in ring.read(after=0)] == [4, 5]
    assert (ring.first, ring.find(3), ring.find(6)) == (4, None, None)
    assert [each.number for each in ring.read(after=4)] == [5]
