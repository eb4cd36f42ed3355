"""Publishing to the members of a topic, in the call that publishes."""

import json
import logging
from typing import Any

import pytest

from tests.pubsub.broadcasts import (
    HELLO,
    TOPIC,
    Service,
    disconnected,
    unsubscribed,
)
from wspubsub import (
    ConnectionGoneError,
    ManagementError,
    MessageTooLargeError,
    PublishError,
    StoreError,
    TopicError,
    UsageError,
)
from wspubsub.connections import Outcome
from wspubsub.errors import KeyConflictError, StoreTimeoutError
from wspubsub.pubsub import codes
from wspubsub.pubsub.broadcaster import Broadcaster
from wspubsub.pubsub.frames import SKIP_PUSH, ClientInfo, EncodedJson
from wspubsub.pubsub.notices import MAX_DISCONNECTED
from wspubsub.subscriptions.members import EXPIRY_GRACE_SECONDS
from wspubsub.subscriptions.sessions import Ended, Presence

PUB: dict[str, Any] = {"channel": TOPIC, "pub": {"data": {"text": "hello"}}}


@pytest.fixture
def service() -> Service:
    return Service()


# Who gets what.


def test_every_member_gets_the_publication(service: Service) -> None:
    service.join("a=", "b=")

    report = service.publish(logged=False)

    assert report.delivered == 2
    assert service.pushes("a=") == service.pushes("b=") == [PUB]


def test_with_history_it_has_its_offset_and_the_report_its_position(
    service: Service,
) -> None:
    service.join("a=")
    who = ClientInfo("anna", "c1=", {"name": "Anna"})

    report = service.publish(info=who)

    [push] = service.pushes("a=")
    assert push["pub"] == {
        "data": {"text": "hello"},
        "offset": 1,
        "info": {"user": "anna", "client": "c1=", "conn_info": {"name": "Anna"}},
    }
    assert report.position == service.log.position(TOPIC)
    assert report.is_complete


def test_who_is_excluded_does_not_get_it(service: Service) -> None:
    service.join("a=", "b=")

    service.publish(logged=False, exclude={"a="})
    service.publish(exclude={"a="})

    assert service.pushes("a=") == []
    assert len(service.pushes("b=")) == 2


def test_a_topic_with_history_is_read_after_the_append_and_strongly(
    service: Service,
) -> None:
    service.join("a=")
    seen = []
    members = service.members.members

    def watched(topic: str, **options: Any) -> Any:
        seen.append(
            (service.log.position(topic) is not None, service.connections.posted[:])
        )
        return members(topic, **options)

    service.members.members = watched  # type: ignore[method-assign] # only looks on
    service.publish()

    assert seen == [(True, [])]
    assert service.members.reads == [True]


def test_a_topic_without_history_is_read_cheaply(service: Service) -> None:
    service.publish(logged=False)

    assert service.members.reads == [False]


def test_a_publication_is_encoded_once_for_all(service: Service) -> None:
    service.join(*(f"{number}=" for number in range(50)))

    service.publish()

    assert len({id(data) for _, data in service.connections.posted}) == 1


def test_data_of_a_foreign_program_stays_one_message_of_the_frame() -> None:
    service = Service()
    service.join("a=")
    service.publish(EncodedJson('{\n"a": 1\n}'))
    service.publish(EncodedJson("no JSON"))

    assert [push["pub"]["data"] for push in service.pushes("a=")] == [
        {"a": 1},
        "no JSON",
    ]


# What is refused.


@pytest.mark.parametrize("logged", [True, False])
def test_what_does_not_fit_is_not_even_logged(service: Service, logged: bool) -> None:
    large = EncodedJson(json.dumps("x" * 131_060))

    with pytest.raises(MessageTooLargeError):
        service.publish(large, logged=logged)

    assert service.log.position(TOPIC) is None


def test_bad_arguments_are_refused(service: Service) -> None:
    with pytest.raises(TopicError):
        service.broadcaster.publish("", HELLO, logged=False)
    with pytest.raises(UsageError, match="collection"):
        service.publish(exclude="a=")
    with pytest.raises(UsageError, match="no history, so it cannot remember a key"):
        service.publish(logged=False, key="k")


def test_history_needs_a_log(service: Service) -> None:
    without = Broadcaster(service.members, service.connections)

    with pytest.raises(UsageError, match="has a history; pass topic_log="):
        without.publish(TOPIC, HELLO, logged=True)
    with pytest.raises(UsageError, match="a stream delivers only what a log keeps"):
        Broadcaster(service.members, service.connections, by_stream=True)
    assert without.joiner is None


# Who missed something.


@pytest.mark.parametrize(
    "outcome", [Outcome.FAILED, Outcome.THROTTLED, Outcome.DEFERRED]
)
def test_whoever_is_given_up_is_marked_and_asked_once_to_recover(
    service: Service, outcome: Outcome
) -> None:
    service.join("a=", "deaf=")
    service.publish()
    service.connections.deaf["deaf="] = outcome

    report = service.publish()

    assert service.lost() == {"deaf=": 2}
    assert service.pushes("deaf=")[1:] == [unsubscribed()]
    assert report.left_over == {"deaf="}
    assert service.offsets("a=") == [1, 2]


def test_who_has_missed_something_gets_nothing_else_until_it_subscribes_again(
    service: Service,
) -> None:
    service.join("a=", "late=")
    service.members.mark_lost(TOPIC, "late=", 1)

    service.publish()
    service.publish(logged=False)

    assert service.pushes("late=") == [unsubscribed(), unsubscribed()]
    assert service.lost() == {"late=": 1}
    service.join("late=")
    service.publish()
    assert service.offsets("late=") == [2]


def test_what_the_server_has_subscribed_reconnects_instead(service: Service) -> None:
    service.join("deaf=", "late=", is_server_side=True)
    service.members.mark_lost(TOPIC, "late=", 1)
    service.connections.deaf["deaf="] = Outcome.FAILED

    service.publish()

    told = [disconnected(3010, "insufficient state")]
    assert service.pushes("deaf=") == service.pushes("late=") == told
    assert service.connections.closed == ["late=", "deaf="]
    assert service.lost() == {"deaf=": 1, "late=": 1}


def test_the_first_that_was_missed_counts_whoever_finds_it(service: Service) -> None:
    service.join("late=")
    service.members.mark_lost(TOPIC, "late=", 5)

    service.publish()

    assert service.lost() == {"late=": 1}
    assert service.pushes("late=") == [unsubscribed()]


def test_without_history_nobody_is_marked(service: Service) -> None:
    service.join("deaf=")
    service.connections.deaf["deaf="] = Outcome.FAILED

    report = service.publish(logged=False)

    assert report.failed == {"deaf=": "deaf"}
    assert service.lost() == {}
    assert service.pushes("deaf=") == []


def test_who_has_left_meanwhile_is_not_asked_to_subscribe_again(
    service: Service,
) -> None:
    service.join("deaf=")
    service.connections.deaf["deaf="] = Outcome.FAILED
    mark_lost = service.members.mark_lost

    def leave_first(topic: str, connection_id: str, offset: int, **_: Any) -> bool:
        service.members.end_subscription(connection_id, topic, command=None)
        return mark_lost(topic, connection_id, offset)

    service.members.mark_lost = leave_first  # type: ignore[method-assign] # as above
    service.publish()

    assert service.pushes("deaf=") == []


def test_who_cannot_be_marked_is_named(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.join("a=", "deaf=", "late=", "mute=", "slow=")
    service.members.mark_lost(TOPIC, "late=", 9)
    service.connections.deaf = {
        "deaf=": Outcome.THROTTLED,
        "mute=": Outcome.FAILED,
        "slow=": Outcome.DEFERRED,
    }
    service.members.failing_marks = {"deaf=", "late=", "slow="}

    report = service.publish()

    unmarked = "not marked as behind: throttled"
    assert report.failed == {
        "deaf=": unmarked,
        "late=": unmarked,
        "slow=": unmarked,
        "mute=": "deaf",
    }
    assert report.throttled == report.deferred == frozenset()
    assert report.delivered == 1
    assert service.lost() == {"late=": 9, "mute=": 1}
    errors = [r.message for r in caplog.records if r.levelno == logging.ERROR]
    assert len(errors) == 3
    assert "connection deaf= did not get message 1 of topic 'room:1'" in errors[0]


def test_marks_end_with_the_time(service: Service) -> None:
    service.join("deaf=")
    service.connections.deaf["deaf="] = Outcome.FAILED
    service.members.seconds = 30

    report = service.publish()

    assert report.failed == {"deaf=": "not marked as behind: the time ran out"}


def test_a_notice_is_tried_once(service: Service) -> None:
    service.join("a=", "late=")
    service.members.mark_lost(TOPIC, "late=", 1)
    service.connections.fail("late=", times=None)

    service.publish()

    assert service.connections.attempts("late=") == 1


def test_a_notice_that_is_refused_harms_nobody(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.join("a=", "late=")
    service.members.mark_lost(TOPIC, "late=", 1)
    service.connections.fail("late=", status=403)

    assert service.publish().delivered == 1
    assert "could not post the notice" in caplog.text


# Expired tokens.


def test_an_expired_token_ends_the_connection_instead(service: Service) -> None:
    now = service.time.now()
    service.join("new=", until=now - EXPIRY_GRACE_SECONDS + 1)
    service.join("old=", until=now - EXPIRY_GRACE_SECONDS)

    report = service.publish()

    assert service.pushes("old=") == [disconnected(3005, "connection expired")]
    assert service.connections.closed == ["old="]
    assert service.offsets("new=") == [1]
    assert report.delivered == 1


def test_an_expired_token_counts_more_than_a_mark(service: Service) -> None:
    service.join("old=", until=service.time.now() - EXPIRY_GRACE_SECONDS)
    service.members.mark_lost(TOPIC, "old=", 1)

    service.publish()

    assert service.pushes("old=") == [disconnected(3005, "connection expired")]


def test_so_many_are_disconnected_at_once_and_the_others_next_time(
    service: Service,
) -> None:
    ids = [f"{number:02}=" for number in range(MAX_DISCONNECTED + 1)]
    service.join(*ids, until=service.time.now() - EXPIRY_GRACE_SECONDS)

    service.publish()
    assert service.connections.closed == ids[:MAX_DISCONNECTED]
    for each in ids[:MAX_DISCONNECTED]:
        service.members.end_session(each)
    service.publish()

    assert service.connections.closed == ids
    assert service.offsets(ids[-1]) == []


@pytest.mark.parametrize(
    ("status", "told"), [(410, "was already closed"), (403, "could not close")]
)
def test_a_connection_that_cannot_be_closed_holds_up_nobody(
    service: Service, caplog: pytest.LogCaptureFixture, status: int, told: str
) -> None:
    caplog.set_level(logging.DEBUG)
    service.join("a=")
    service.join("old=", until=service.time.now() - EXPIRY_GRACE_SECONDS)
    # The push gets through, and the DELETE does not.
    close = service.connections.close

    def fail_first(connection_id: str) -> None:
        service.connections.fail(connection_id, status=status)
        close(connection_id)

    service.connections.close = fail_first  # type: ignore[method-assign] # fails once

    assert service.publish().delivered == 1
    assert told in caplog.text


def test_connections_are_closed_while_there_is_time(service: Service) -> None:
    service.join("1=", "2=", until=service.time.now() - EXPIRY_GRACE_SECONDS)
    close = service.connections.close

    def close_slowly(connection_id: str) -> None:
        close(connection_id)
        service.time.passed += 30

    service.connections.close = close_slowly  # type: ignore[method-assign] # is slow
    service.publish()

    assert service.connections.closed == ["1="]


# Who is gone.


def test_the_gone_are_pruned_and_the_others_told_once() -> None:
    service = Service(announces=True)
    service.join("a=", "b=", "c=", has_presence=True)
    service.grow_old()
    service.connections.disconnect("b=")
    service.connections.disconnect("c=")

    report = service.publish()
    service.publish()

    left = [push for push in service.pushes("a=") if "leave" in push]
    assert sorted(left, key=str) == [
        {
            "channel": TOPIC,
            "leave": {
                "info": {
                    "user": f"user-{who}",
                    "client": who,
                    "conn_info": {"name": who},
                }
            },
        }
        for who in ("b=", "c=")
    ]
    assert report.gone == {"b=", "c="}
    # Both in one message.
    assert len(service.connections.messages("a=")) == 3


def test_topics_that_announce_nobody_do_not(service: Service) -> None:
    service.join("a=", "b=", has_presence=True)
    service.grow_old()
    service.connections.disconnect("b=")

    service.publish()

    assert service.pushes("a=")[0].keys() == {"channel", "pub"}
    assert len(service.pushes("a=")) == 1


def test_whoever_gets_no_publication_any_more_is_found_gone_as_well() -> None:
    service = Service(announces=True)
    service.join("a=", "late=", has_presence=True)
    service.join("chosen=", is_server_side=True, has_presence=True)
    service.join("held=", is_held=True, has_presence=True)
    service.join("old=", until=service.time.now() + 1, has_presence=True)
    gone = {"late=", "chosen=", "held=", "old="}
    for connection_id in gone:
        service.connections.disconnect(connection_id)
    for connection_id in ("late=", "chosen="):
        service.members.mark_lost(TOPIC, connection_id, 1)
    service.grow_old()

    service.publish()

    left = [push["leave"] for push in service.pushes("a=") if "leave" in push]
    assert {each["info"]["client"] for each in left} == gone
    assert [each.connection_id for each in service.members.members(TOPIC)] == ["a="]


def test_who_is_found_gone_by_that_is_told_as_well() -> None:
    service = Service(announces=True)
    service.join("a=", "b=", "c=", has_presence=True)
    service.join("c=", topic="room:2", has_presence=True)
    service.join("d=", topic="room:2", has_presence=True)
    service.grow_old()
    service.connections.disconnect("b=")
    service.connections.disconnect("c=")

    service.publish(exclude={"c="})

    assert [push["leave"]["info"]["client"] for push in service.pushes("a=")[1:]] == [
        "b=",
        "c=",
    ]
    [push] = service.pushes("d=")
    assert (push["channel"], push["leave"]["info"]["client"]) == ("room:2", "c=")


def test_the_young_are_not_pruned(service: Service) -> None:
    service.join("a=")
    service.connections.disconnect("a=")

    report = service.publish()

    assert report.not_ready == {"a="}
    assert service.lost() == {}
    assert list(service.members.subscribers(TOPIC)) == ["a="]


def test_joins_are_pushed_where_they_are_announced() -> None:
    service = Service(announces=True)
    service.join("a=", "b=")
    who = Presence(connection_id="b=", user="anna")

    service.broadcaster.push_join(TOPIC, who)

    push = {"channel": TOPIC, "join": {"info": {"user": "anna", "client": "b="}}}
    assert service.pushes("a=") == [push]
    assert service.pushes("b=") == []
    assert service.members.reads == [False]


def test_joins_are_not_pushed_elsewhere(service: Service) -> None:
    service.join("a=")

    service.broadcaster.push_join(TOPIC, Presence(connection_id="b=", user="anna"))

    assert service.pushes("a=") == []


def test_leaves_are_pushed_for_whoever_ends_a_session() -> None:
    service = Service(announces=True)
    service.join("a=")

    service.broadcaster.tell_left(TOPIC, Presence(connection_id="b=", user=""))

    push = {"channel": TOPIC, "leave": {"info": {"user": "", "client": "b="}}}
    assert service.pushes("a=") == [push]


def test_leaves_that_cannot_be_told_are_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    service = Service(announces=True)
    service.members.fails_after = 0
    presences = {"b=": {TOPIC: Presence(connection_id="b=", user="")}}
    ended = Ended(presences=presences)

    service.broadcaster.tell_ended(ended)
    service.broadcaster.tell_ended(ended, timeout_seconds=0.0)

    assert [record.message[:24] for record in caplog.records] == [
        "could not announce in to",
        "no time left to announce",
    ]


# What stops half-way.


def test_an_error_of_the_store_is_raised_and_who_is_known_is_marked(
    service: Service,
) -> None:
    service.join("a=", "deaf=", "unread=")
    service.connections.deaf["deaf="] = Outcome.FAILED
    service.members.fails_after = 2

    with pytest.raises(PublishError) as raised:
        service.publish(key="k")

    report = raised.value.report
    assert report.position == service.log.position(TOPIC)
    assert report.delivered == 1
    assert service.lost() == {"deaf=": 1}
    # It was not for everyone, so the key sends it again.
    service.members.fails_after = None
    assert not service.publish(key="k").repeated


def test_who_was_not_read_in_time_cannot_be_marked(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.join("a=", "unread=")
    service.members.fails_after = 1
    service.members.error = StoreTimeoutError("Query", 5.0)

    report = service.publish(key="k")

    assert report.unread
    assert service.lost() == {}
    assert "not all subscribers read" in caplog.text
    service.members.fails_after = None
    assert not service.publish(key="k").repeated


def test_an_error_without_history_is_raised_as_well(service: Service) -> None:
    service.members.fails_after = 0

    with pytest.raises(PublishError):
        service.publish(logged=False)


# Keys.


def test_a_key_sends_once_what_everyone_has(service: Service) -> None:
    service.join("a=")

    first, again = service.publish(key="k"), service.publish(key="k")

    assert (first.repeated, again.repeated) == (False, True)
    assert again.position == first.position
    assert service.offsets("a=") == [1]


def test_whoever_is_marked_will_have_it(service: Service) -> None:
    service.join("deaf=")
    service.connections.deaf["deaf="] = Outcome.FAILED
    service.publish(key="k")

    assert service.publish(key="k").repeated


def test_a_key_sends_again_while_somebody_is_not_even_marked(service: Service) -> None:
    service.join("deaf=")
    service.connections.deaf["deaf="] = Outcome.FAILED
    service.members.failing_marks = {"deaf="}
    service.publish(key="k")
    service.connections.deaf.clear()

    report = service.publish(key="k")

    assert (report.repeated, report.delivered) == (False, 1)
    with pytest.raises(KeyConflictError):
        service.publish(EncodedJson("1"), key="k")


# With a stream.


def test_with_a_stream_the_log_is_all_it_takes() -> None:
    service = Service(by_stream=True)
    service.join("a=")

    report, again = service.publish(key="k"), service.publish(key="k")

    assert (report.queued, report.repeated) == (True, False)
    assert (again.queued, again.repeated) == (False, True)
    assert report.position == again.position == service.log.position(TOPIC)
    assert service.connections.posted == []


def test_with_a_stream_topics_without_history_do_not_wait_for_it() -> None:
    service = Service(by_stream=True)
    service.join("a=")

    service.publish(logged=False)

    assert service.pushes("a=") == [PUB]


# Single connections.


def test_a_frame_is_pushed_to_connections_by_name() -> None:
    service = Service(announces=True)
    service.join("a=", "b=", "gone=", has_presence=True)
    service.grow_old()
    service.connections.disconnect("gone=")

    report = service.broadcaster.push(["b=", "gone="], SKIP_PUSH)

    assert report.delivered == 1
    assert report.gone == {"gone="}
    assert service.connections.messages("b=")[0] == SKIP_PUSH.encode()
    [push] = service.pushes("a=")
    assert push["leave"]["info"]["client"] == "gone="


def test_a_push_that_cannot_be_sent_raises(service: Service) -> None:
    service.join("a=")
    service.connections.fail("a=", status=403)

    with pytest.raises(PublishError):
        service.broadcaster.push(["a="], SKIP_PUSH)
    with pytest.raises(MessageTooLargeError):
        service.broadcaster.push(["a="], "x" * 131_073)


def test_a_client_is_told_why_before_its_connection_is_closed(
    service: Service,
) -> None:
    service.join("a=")
    service.connections.throttle("a=", times=2)

    service.broadcaster.disconnect("a=", codes.FORCED_DISCONNECT)

    assert service.pushes("a=") == [disconnected(3503, "force disconnect")]
    assert service.connections.closed == ["a="]


def test_who_does_not_take_the_push_is_closed_nevertheless(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.join("a=")
    post = service.connections.post

    def post_in_vain(*_: Any, **__: Any) -> None:
        raise ManagementError("429", status=429, code=None)

    service.connections.post = post_in_vain  # type: ignore[method-assign] # as said
    service.broadcaster.disconnect("a=", codes.FORCED_DISCONNECT)

    assert service.connections.closed == ["a="]
    assert "is closed without code 3503" in caplog.text
    service.connections.post = post  # type: ignore[method-assign] # as before
    with pytest.raises(ConnectionGoneError):
        post("a=", b"")


def test_who_is_gone_needs_no_closing(service: Service) -> None:
    service.broadcaster.disconnect("a=", codes.FORCED_DISCONNECT)

    assert service.connections.attempts("a=") == 1


def test_who_goes_by_itself_needs_no_closing_either(service: Service) -> None:
    service.join("a=")
    post = service.connections.post

    def post_and_leave(connection_id: str, data: bytes, **options: Any) -> None:
        post(connection_id, data, **options)
        service.connections.disconnect(connection_id)

    service.connections.post = post_and_leave  # type: ignore[method-assign] # as said
    service.broadcaster.disconnect("a=", codes.FORCED_DISCONNECT)

    assert service.connections.closed == []


def test_a_connection_that_stays_open_is_an_error(service: Service) -> None:
    service.join("a=")
    service.connections.fail("a=", status=403, times=None)

    with pytest.raises(ManagementError):
        service.broadcaster.disconnect("a=", codes.FORCED_DISCONNECT)


def test_the_store_may_refuse_the_message(service: Service) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise StoreError("throttled", operation="PutItem", code="T")

    service.log.append = refuse  # type: ignore[method-assign] # as said
    service.join("a=")

    with pytest.raises(StoreError):
        service.publish()

    assert service.connections.posted == []
