"""Members that are being let in: what comes before their reply, SDKs would drop."""

import pytest

from tests.pubsub.broadcasts import TOPIC, Service, disconnected, unsubscribed
from tests.pubsub.test_stream_delivery import Stream
from wspubsub import Position, PublishError
from wspubsub.connections import Outcome
from wspubsub.pubsub.batches import Batch
from wspubsub.subscriptions.members import EXPIRY_GRACE_SECONDS, HOLD_SECONDS
from wspubsub.subscriptions.sessions import Presence

NOTHING = ("none", 0)


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
    service.members.released = {"0=": NOTHING}

    report = service.publish()

    assert report.delivered == count + 1
    assert [service.traces(each) for each in ids[1:]] == [1] * (count - 1)
    assert service.offsets("0=") == service.offsets("a=") == [1]


def test_whose_hold_is_over_meanwhile_gets_the_publication(service: Service) -> None:
    service.join("new=", is_held=True, is_server_side=True)
    service.members.released = {"new=": NOTHING}

    service.publish()

    assert service.offsets("new=") == [1]


def test_unless_that_was_read_and_posted_before_the_hold_was_over(
    service: Service,
) -> None:
    epoch = service.log.ensure_position(TOPIC).epoch
    service.join("new=", is_held=True)
    service.members.released = {"new=": (epoch, 1)}

    report = service.publish()

    assert service.offsets("new=") == []
    assert report.delivered == 1
    service.publish()
    assert service.offsets("new=") == [2]


def test_who_is_marked_when_the_hold_is_over_is_asked_to_recover(
    service: Service,
) -> None:
    epoch = service.log.ensure_position(TOPIC).epoch
    service.join("new=", is_held=True)
    service.members.mark_lost(TOPIC, "new=", 1)
    service.members.released = {"new=": (epoch, 9)}

    service.publish()

    assert service.pushes("new=") == [unsubscribed()]


def test_who_has_left_when_the_hold_is_over_gets_nothing(service: Service) -> None:
    service.join("new=", is_held=True)
    members = service.members.members(TOPIC)
    service.members.members = lambda *_, **__: members  # type: ignore[method-assign] # as they were
    service.members.unsubscribe("new=", TOPIC)

    report = service.publish()

    assert service.pushes("new=") == []
    assert report.delivered == 0
    assert report.is_complete


def let_in(service: Service, *connection_ids: str, told: int) -> None:
    """Let clients in that have been told everything up to an offset."""
    epoch = service.log.ensure_position(TOPIC).epoch
    service.join(*connection_ids, is_held=True)
    for each in connection_ids:
        service.members.release(
            each, TOPIC, number=service.numbers[each], traces=0, told=(epoch, told)
        )


def test_what_a_member_was_told_is_not_posted_to_it(service: Service) -> None:
    let_in(service, "new=", told=2)

    reports = [service.publish() for _ in range(3)]

    assert service.offsets("new=") == [3]
    assert [each.delivered for each in reports] == [1, 1, 1]


def test_what_it_was_told_of_another_epoch_counts_for_nothing(
    service: Service,
) -> None:
    service.join("new=", is_held=True)
    number = service.numbers["new="]
    service.members.release("new=", TOPIC, number=number, traces=0, told=("old", 9))

    service.publish()

    assert service.offsets("new=") == [1]


def test_a_mark_wins_over_what_it_was_told(service: Service) -> None:
    let_in(service, "new=", told=2)
    service.members.mark_lost(TOPIC, "new=", 1)

    service.publish()

    assert service.pushes("new=") == [unsubscribed()]


def test_joins_are_posted_whatever_it_was_told(service: Service) -> None:
    let_in(service, "new=", told=2)

    service.broadcaster.push_join(TOPIC, Presence(connection_id="a=", user="anna"))

    assert len(service.pushes("new=")) == 1


def test_the_stream_brings_each_what_it_was_not_told() -> None:
    stream = Stream()
    stream.join("a=")
    for told in range(5):
        let_in(stream, f"{told}=", told=told)
    stream.connections.connect("x=")
    stream.say(1, 2, 3, exclude={"x=", "3="})

    assert stream.handle() == []

    assert stream.said("a=") == stream.said("0=") == [1, 2, 3]
    assert stream.said("1=") == [2, 3]
    assert stream.said("2=") == [3]
    assert stream.said("3=") == stream.said("4=") == []
    assert len(stream.connections.messages("1=")) == 1


def test_of_two_epochs_the_later_one_counts() -> None:
    positions = (Position("a", 7), Position("a", 8), Position("b", 10))
    batch = Batch(b"7\n8\n10", positions)

    told = [("a", 6), ("a", 7), ("a", 9), ("b", 9), ("b", 10), ("c", 99), None]
    assert [batch.count_told(each) for each in told] == [0, 1, 2, 0, 3, 0, 0]
    assert batch.frame_after(2) == b"10"


def test_who_got_only_a_part_is_marked_and_pruned_like_the_others() -> None:
    stream = Stream()
    let_in(stream, "1=", "gone=", "deaf=", told=1)
    stream.join(*(f"{number}=" for number in range(20, 40)))
    stream.grow_old()
    stream.connections.disconnect("gone=")
    stream.connections.deaf["deaf="] = Outcome.FAILED
    stream.say(1, 2)

    assert stream.handle() == []

    assert stream.said("1=") == [2]
    assert stream.lost() == {"deaf=": 1}
    assert stream.members.read_session("gone=").is_gone


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

    service.broadcaster.push_join(TOPIC, Presence(connection_id="a=", user="anna"))

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
    service.members.released = {"2=": NOTHING}

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
