"""Members that are being let in: what comes before their reply, SDKs would drop."""

import pytest

from tests.pubsub.broadcasts import TOPIC, Service, disconnected, unsubscribed
from tests.pubsub.test_stream_delivery import Stream
from wspubsub import PublishError
from wspubsub.pubsub.frames import ClientInfo
from wspubsub.subscriptions.members import EXPIRY_GRACE_SECONDS, HOLD_SECONDS


@pytest.fixture
def service() -> Service:
    return Service(announces=True)


def test_it_gets_a_trace_instead_of_the_publication(service: Service) -> None:
    service.join("a=")
    service.join("new=", is_held=True)

    report = service.publish()

    assert service.connections.messages("new=") == []
    assert service.traces("new=") == 1
    assert service.lost() == {}
    # Whoever lets it in hands it over.
    assert report.delivered == 2
    assert report.is_complete


@pytest.mark.parametrize("count", [3, 4, 16, 40])
def test_however_many_there_are(service: Service, count: int) -> None:
    ids = [f"{number}=" for number in range(count)]
    service.join(*ids, is_held=True)
    service.join("a=")
    service.members.released = {"0="}

    report = service.publish()

    assert report.delivered == count + 1
    assert [service.traces(each) for each in ids] == [0] + [1] * (count - 1)
    assert service.offsets("0=") == service.offsets("a=") == [1]


def test_whose_hold_is_over_meanwhile_gets_the_publication(service: Service) -> None:
    service.join("new=", is_held=True, is_server_side=True)
    service.members.released = {"new="}

    service.publish()

    assert service.offsets("new=") == [1]


def test_a_hold_that_nobody_ends_is_a_mark(service: Service) -> None:
    service.join("old=", is_held=True)
    service.time.passed += HOLD_SECONDS

    service.publish()

    assert service.pushes("old=") == [unsubscribed()]


def test_an_expired_token_counts_more(service: Service) -> None:
    until = service.time.now() - EXPIRY_GRACE_SECONDS
    service.join("old=", is_held=True, until=until)

    service.publish()

    assert service.pushes("old=") == [disconnected(3005, "connection expired")]


def test_who_is_excluded_needs_no_trace(service: Service) -> None:
    service.join("new=", is_held=True)

    service.publish(exclude={"new="})

    assert service.traces("new=") == 0


def test_joins_do_not_wait(service: Service) -> None:
    service.join("new=", is_held=True)

    service.broadcaster.push_join(TOPIC, ClientInfo("anna", "a="))

    [push] = service.pushes("new=")
    assert "join" in push


def test_without_a_trace_it_is_marked(service: Service) -> None:
    service.join("a=")
    service.join("new=", is_held=True)
    service.members.failing_traces = {"new="}

    report = service.publish()

    assert service.lost() == {"new=": 1}
    assert report.delivered == 1


def test_if_not_even_that_is_possible_it_is_named(service: Service) -> None:
    service.join("new=", is_held=True)
    service.members.failing_traces = service.members.failing_marks = {"new="}

    report = service.publish(key="k")

    assert report.failed == {"new=": "not marked as behind: throttled"}
    service.members.failing_traces = service.members.failing_marks = set()
    assert not service.publish(key="k").repeated


def test_where_the_reading_stops_those_that_were_read_are_traced(
    service: Service,
) -> None:
    service.join("1=", "2=", is_held=True, is_server_side=True)
    service.join("3=")
    service.members.fails_after = 2
    service.members.released = {"2="}

    with pytest.raises(PublishError):
        service.publish()

    assert service.traces("1=") == 1
    # Nothing is posted any more.
    assert service.lost() == {"2=": 1}


def test_the_stream_does_not_wait_for_it() -> None:
    stream = Stream()
    stream.join("a=")
    stream.join("new=", is_held=True)
    stream.say(1, 2)

    assert stream.handle() == []

    assert stream.said("a=") == [1, 2]
    assert stream.traces("new=") == 1


def test_the_stream_leaves_one_trace_however_often_it_comes() -> None:
    stream = Stream()
    stream.join("a=", "b=", "c=")
    stream.join("new=", is_held=True)
    stream.connections.fail("a=", status=403)
    stream.say(1)

    assert stream.handle(stream.handle()) == []

    assert stream.traces("new=") == 1


def test_the_stream_brings_again_what_was_not_traced() -> None:
    stream = Stream()
    stream.join("new=", is_held=True)
    stream.members.failing_traces = {"new="}
    stream.say(1)

    again = stream.handle()
    stream.members.failing_traces = set()

    assert len(again) == 1
    assert stream.lost() == {}
    assert stream.handle(again) == []
    assert stream.traces("new=") == 1


def test_time_that_is_over_is_over_for_traces_too(service: Service) -> None:
    service.join("new=", is_held=True)
    service.members.seconds = 29

    report = service.publish()

    assert report.failed == {"new=": "not marked as behind: the time ran out"}
