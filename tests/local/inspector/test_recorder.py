"""How things find the invocation that caused them."""

import asyncio
from functools import partial

import pytest

from wspubsub.gateway import Close, Handshake, Returned
from wspubsub.local.costs.meter import Cause
from wspubsub.local.functions.runtime_api import RuntimeInvocation
from wspubsub.local.functions.waiting import InvocationOutcome
from wspubsub.local.inspector.entries import describe
from wspubsub.local.inspector.recorder import Recorder
from wspubsub.local.inspector.ring import ENTRY_BYTES, Ring


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
        recorder.add_invocation(0, invocation(each), function="handler")
        for each in range(5)
    ]

    assert recorder.find(name) == numbers[2]


@pytest.mark.parametrize("name", ["", "id-9", "Root=1-9", "nonsense"])
def test_what_no_invocation_has_finds_none(name: str) -> None:
    recorder = Recorder(Ring())
    recorder.add_invocation(0, invocation(1), function="handler")

    assert recorder.find(name) == 0


def test_only_the_last_invocations_are_known() -> None:
    recorder = Recorder(Ring())
    for each in range(5_000):
        recorder.add_invocation(0, invocation(each), function="handler")
        if each % 1_000 == 0:
            recorder.find("id-0")

    assert recorder.find("id-0") == 0
    assert recorder.find("id-4999") == 5_000


def test_what_has_gone_from_the_ring_is_billed_still() -> None:
    ring = Ring(max_entries=2, slack=1)
    recorder = Recorder(ring, now=lambda: 5.0)
    frame = "c", b"hello", True, True
    for _ in range(4):
        recorder.add("frame", 0, 5, *frame)
    recorder.add("opened", 0, 0, "c")
    ring.clear()
    recorder.add("frame", 0, 5, *frame)

    first, second = recorder.measure(), recorder.measure()

    assert first.messages_in == second.messages_in == 5
    assert first.opened == {"c": 5.0}
    assert first.most_requests == 6


def test_what_is_billed_is_named_by_the_route_or_source_of_its_invocation() -> None:
    recorder = Recorder(Ring(max_entries=1))
    asked = RuntimeInvocation(request_id="a", event={})
    published = RuntimeInvocation(request_id="b", event={}, method="publish")
    outcome = InvocationOutcome(result=Returned(None), seconds=1.0)
    add = partial(recorder.add_invocation, 0)
    for number in (
        add(asked, function="handler", connection="c", route_key="say"),
        add(asked, function="authorizer", connection="c", route_key="say"),
        add(asked, function="handler", route_key="aws:sqs"),
        add(published, function="handler"),
    ):
        recorder.add("result", number, 0, outcome)

    billed = recorder.measure().invocations

    assert billed == {
        Cause("say"): 1,
        Cause("say authorizer"): 1,
        Cause("aws:sqs", is_source=True): 1,
    }


def test_without_a_ring_nothing_is_kept() -> None:
    recorder = Recorder()

    assert recorder.add("opened", 0, 0, "c") == 0
    assert recorder.add_invocation(0, invocation(1), function="handler") == 0
    assert recorder.find("id-1") == 0


def test_the_oldest_entries_go_when_there_are_too_many_or_they_are_too_large() -> None:
    ring = Ring(max_entries=3, max_bytes=3 * ENTRY_BYTES + 100, slack=0)
    for size in (10, 10, 10, 10, 90):
        ring.add((0.0, "opened", 0, size, ("c",)))

    assert [each.number for each in ring.read(after=0)] == [4, 5]
    assert (ring.first, ring.find(3), ring.find(6)) == (4, None, None)
    assert [each.number for each in ring.read(after=4)] == [5]


def test_the_oldest_go_many_at_a_time() -> None:
    ring = Ring(max_entries=3, slack=2)
    kept = []
    for _ in range(7):
        ring.add((0.0, "opened", 0, 0, ("c",)))
        kept.append(len(ring.entries()))

    assert kept == [1, 2, 3, 4, 5, 3, 4]


def test_who_waits_for_an_entry_gets_the_next_one() -> None:
    ring = Ring()

    async def wait_twice() -> list[int]:
        found: list[int] = []
        for _ in range(2):
            waiting = asyncio.ensure_future(ring.wait(ring.first + len(found) - 1, 60))
            await asyncio.sleep(0)
            ring.add((0.0, "opened", 0, 0, ("c",)))
            await waiting
            found.append(ring.read(len(found))[-1].number)
        return found

    assert asyncio.run(wait_twice()) == [1, 2]


def test_each_kind_of_entry_is_told_with_its_fields() -> None:
    recorder = Recorder(Ring())
    handshake = Handshake(path="/dev", headers=(("Host", "localhost"),))
    close = Close("c", 1000, "bye")
    number = recorder.add("handshake", 0, 13, "c", handshake)
    recorder.add("refused", number, 0, "c", 403, "no")
    recorder.add("refused", 0, 13, None, 403, "no", "GET", handshake, "[::1]:5")
    recorder.add("closed", 0, 0, close, "client")
    recorder.add("frame", 0, 2, *("c", b"hi", None, False))
    recorder.add("sent", 0, 2, "c", "h\u00e9", "")
    recorder.add("result", 0, 0, "withdrawn")

    asked, first, second, closed, frame, sent, result = map(
        describe, recorder.ring.entries() if recorder.ring else ()
    )

    assert (asked["path"], asked["address"]) == ("/dev", "127.0.0.1")
    assert (first["parent"], first["connection"], first["status"]) == (1, "c", 403)
    assert "address" not in first
    assert (second["method"], second["path"]) == ("GET", "/dev")
    assert second["address"] == "[::1]:5"
    assert (closed["code"], closed["reason"], closed["by"]) == (1000, "bye", "client")
    assert (frame["text"], frame["size"], frame["is_final"]) == ("hi", 2, False)
    assert (sent["text"], sent["size"], sent["connection"]) == ("h\u00e9", 3, "c")
    assert (result["outcome"], result["ms"]) == ("withdrawn", 0)
