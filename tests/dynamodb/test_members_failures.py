"""The store behind `PubSub` where answers are lost and functions are stopped."""

import contextlib
from collections.abc import Callable

import pytest

from tests.contracts.members import begin, open_session, session
from tests.support.faulty_dynamodb import (
    FaultyDynamoDB,
    Stopped,
    StopsAfter,
    lost_answer,
    refusal,
)
from tests.support.servers.small_table import SmallTable
from tests.support.virtual_time import Clock
from wspubsub import StoreError
from wspubsub.dynamodb import DynamoDBMemberStore, DynamoDBSubscriptionStore
from wspubsub.dynamodb.images import new_connection
from wspubsub.subscriptions.sessions import UNKNOWN_OFFSET, Ended, Member, Presence

ANN = Presence(connection_id="a=", user="ann")
TOLD = ("epoch", 7)


def release(store: DynamoDBMemberStore, number: int) -> int | None:
    return store.release("a=", "news", number=number, traces=0, told=TOLD)


@pytest.fixture(params=[True, False], ids=["items in errors", "none"])
def store(
    client: FaultyDynamoDB, request: pytest.FixtureRequest
) -> DynamoDBMemberStore:
    client.has_old_items = request.param
    return DynamoDBMemberStore("t", client=client, now=Clock())


def test_a_connect_that_an_sdk_repeats_wins(
    client: FaultyDynamoDB, store: DynamoDBMemberStore
) -> None:
    client.plan("put_item", [client.client.put_item])
    client.carry_out_twice("put_item")

    assert store.begin_session(session())
    assert not store.begin_session(session())
    assert store.connections_of("ann") == ("a=",)


def test_a_subscribe_that_an_sdk_repeats_is_current_and_joins_once(
    client: FaultyDynamoDB, store: DynamoDBMemberStore
) -> None:
    ann = open_session(store)
    client.carry_out_twice("update_item")
    client.carry_out_twice("put_item")
    client.carry_out_twice("update_item")

    began = begin(store, ann, 3, has_presence=True)

    assert (began.is_current, began.has_joined) == (True, True)
    # It cannot be known whether the first attempt took a mark away.
    assert began.lost == UNKNOWN_OFFSET
    client.carry_out_twice("update_item")
    assert not begin(store, ann, 4, has_presence=True).has_joined


def test_a_repeated_presence_has_joined_only_by_the_number_that_joined(
    client: FaultyDynamoDB, store: DynamoDBMemberStore
) -> None:
    ann = open_session(store)
    begin(store, ann, 3, has_presence=True)
    client.plan("update_item", [client.client.update_item])
    client.carry_out_twice("update_item")

    assert not begin(store, ann, 4, has_presence=True).has_joined


def test_an_unsubscribe_that_an_sdk_repeats_ends_it(
    client: FaultyDynamoDB, store: DynamoDBMemberStore
) -> None:
    ann = open_session(store)
    begin(store, ann, 3, has_presence=True)
    client.carry_out_twice("update_item")

    assert store.end_subscription("a=", "news", command=4) == ANN
    assert list(store.members("news")) == []


def test_a_mark_that_an_sdk_repeats_is_there(
    client: FaultyDynamoDB, store: DynamoDBMemberStore
) -> None:
    begin(store, open_session(store), 3)
    client.carry_out_twice("update_item")

    assert store.mark_lost("news", "a=", 7)
    assert [each.lost for each in store.members("news")] == [7]


@pytest.mark.parametrize("operation", ["put_item", "get_item"])
def test_what_was_lost_stays_marked_if_a_subscribe_fails(
    client: FaultyDynamoDB, store: DynamoDBMemberStore, operation: str
) -> None:
    ann = open_session(store)
    begin(store, ann, 3)
    store.mark_lost("news", "a=", 7)
    if operation == "put_item":
        client.lose_answer(operation)
    else:
        client.fail(operation, refusal("InternalServerError"))

    with pytest.raises(StoreError):
        begin(store, ann, 4)

    # After a lost answer it is known only that there may be something.
    lost = UNKNOWN_OFFSET if operation == "put_item" else 7
    assert [each.lost for each in store.members("news")] == [lost]
    assert begin(store, ann, 5).lost == lost


def test_a_subscribe_fails_with_its_own_error_even_if_it_cannot_mark(
    client: FaultyDynamoDB, store: DynamoDBMemberStore
) -> None:
    ann = open_session(store)
    begin(store, ann, 3)
    store.mark_lost("news", "a=", 7)
    client.plan("update_item", [client.client.update_item])
    client.fail("update_item", refusal("InternalServerError"))
    client.fail("get_item", refusal("ThrottlingException"))

    with pytest.raises(StoreError, match="GetItem"):
        begin(store, ann, 4)


def test_any_other_refusal_is_an_error(
    client: FaultyDynamoDB, store: DynamoDBMemberStore
) -> None:
    ann = open_session(store)
    for operation, call in (
        ("update_item", lambda: begin(store, ann, 3)),
        ("put_item", lambda: begin(store, ann, 3)),
        ("update_item", lambda: store.end_subscription("a=", "news", command=3)),
        ("update_item", lambda: store.end_session("a=")),
        ("update_item", lambda: store.mark_lost("news", "a=", 3)),
        ("put_item", lambda: store.begin_session(session("b="))),
    ):
        client.fail(operation, refusal("ThrottlingException"))
        with pytest.raises(StoreError, match="ThrottlingException"):
            call()


def test_a_mark_is_not_waited_for_longer_than_there_is_time(
    client: FaultyDynamoDB, store: DynamoDBMemberStore
) -> None:
    begin(store, open_session(store), 3)

    assert store.mark_lost("news", "a=", 7, timeout_seconds=60)

    client.fail("update_item", lost_answer())
    with pytest.raises(StoreError):
        store.mark_lost("news", "a=", 5, timeout_seconds=60)


def test_who_has_left_is_said_whatever_fails_afterward(
    client: FaultyDynamoDB, store: DynamoDBMemberStore
) -> None:
    ann = open_session(store)
    begin(store, ann, 3, has_presence=True)
    client.plan("delete_item", [client.client.delete_item] * 2)
    client.fail("delete_item", refusal("InternalServerError"))

    # The user, who is present, and then the topic.
    presences = {"a=": {"news": ANN}}
    assert store.end_session("a=") == Ended(sessions={"a=": ann}, presences=presences)
    assert store.end_session("a=") == Ended(left={"a=": frozenset({"news"})})


def test_a_user_s_connection_that_was_left_over_goes_with_the_next_call(
    client: FaultyDynamoDB, store: DynamoDBMemberStore
) -> None:
    open_session(store)
    client.fail("delete_item", refusal("InternalServerError"))
    with pytest.raises(StoreError):
        store.end_session("a=")
    assert store.connections_of("ann") == ("a=",)

    store.end_session("a=")

    assert store.connections_of("ann") == ()


def test_whose_session_was_ended_is_said_though_the_rest_cannot_be_read(
    client: FaultyDynamoDB, store: DynamoDBMemberStore
) -> None:
    ann = open_session(store)
    begin(store, ann, 3)
    client.fail("query", refusal("InternalServerError"))

    assert store.end_session("a=") == Ended(sessions={"a=": ann})
    assert store.end_session("a=") == Ended(left={"a=": frozenset({"news"})})


def test_a_prune_stops_when_its_time_is_over(client: FaultyDynamoDB) -> None:
    clock, passed = Clock(), [0.0]
    store = DynamoDBMemberStore("t", client=client, now=clock, clock=lambda: passed[0])
    for connection_id in ("a=", "b="):
        begin(store, open_session(store, connection_id), 3)
    clock.advance(60)

    def take_time() -> None:
        passed[0] += 100

    client.before("query", take_time)

    assert store.end_sessions(["a=", "b="], timeout_seconds=90) == Ended()
    assert store.end_sessions(["a=", "b="]).left.keys() == {"a=", "b="}


def test_who_is_gone_leaves_a_presence_of_which_nothing_else_is_left(
    client: FaultyDynamoDB,
) -> None:
    clock = Clock()
    store = DynamoDBMemberStore("t", client=client, now=clock)
    ann = open_session(store)
    begin(store, ann, 3, has_presence=True)
    client.client.delete_item(
        TableName="t", Key={"pk": {"S": "C#a="}, "sk": {"S": "T#news"}}
    )
    clock.advance(60)

    ended = store.end_sessions(["a="], topic="news")

    assert ended == Ended(sessions={"a=": ann}, presences={"a=": {"news": ANN}})
    assert list(store.members("news")) == []
    assert store.presence("news") == ()


def test_a_plain_store_sees_who_is_subscribed_and_who_is_not(
    client: FaultyDynamoDB,
) -> None:
    members = DynamoDBMemberStore("t", client=client, now=Clock())
    plain = DynamoDBSubscriptionStore("t", client=client, now=Clock())
    ann = open_session(members)
    begin(members, ann, 3)
    begin(members, ann, 4, topic="sport")
    members.end_subscription("a=", "sport", command=5)

    assert list(plain.subscribers("news")) == ["a="]
    assert plain.topics("a=") == {"news"}
    assert plain.connection("a=") == ann.connection
    members.end_session("a=")
    assert plain.connection("a=") is None

    plain.subscribe("b=", "news")
    bob = open_session(members, "b=", "bob")
    assert begin(members, bob, 1).is_current
    assert [each.connection_id for each in members.members("news")] == ["b="]


def subscribe(store: DynamoDBMemberStore) -> None:
    begin(store, session(), 5, has_presence=True)


def unsubscribe(store: DynamoDBMemberStore) -> None:
    store.end_subscription("a=", "news", command=5)


def unsubscribe_by_server(store: DynamoDBMemberStore) -> None:
    store.unsubscribe("a=", "news")


def disconnect(store: DynamoDBMemberStore) -> None:
    store.end_session("a=")


def prune(store: DynamoDBMemberStore) -> None:
    store.end_sessions(["a="], topic="news")


@pytest.mark.parametrize("is_subscribed", [False, True])
@pytest.mark.parametrize("requests", range(8))
@pytest.mark.parametrize(
    "act", [subscribe, unsubscribe, unsubscribe_by_server, disconnect, prune]
)
@pytest.mark.parametrize("then", ["subscribe", "unsubscribe", "disconnect", "prune"])
def test_what_a_function_left_half_done_can_be_done_again(
    act: Callable[[DynamoDBMemberStore], None],
    requests: int,
    then: str,
    *,
    is_subscribed: bool,
) -> None:
    clock = Clock()
    table = SmallTable(clock)
    store = DynamoDBMemberStore("t", client=table, now=clock)
    ann = open_session(store)
    if is_subscribed:
        begin(store, ann, 4, has_presence=True)
    clock.advance(60)
    dying = DynamoDBMemberStore("t", client=StopsAfter(table, requests), now=clock)
    with contextlib.suppress(Stopped):
        act(dying)

    is_gone = store.is_gone("a=")
    if then == "subscribe":
        clock.advance(1)
        began = begin(store, ann, 6, has_presence=True)
        assert began.is_current
        if is_gone:
            store.undo_subscription("a=", "news", began.number)
    elif then == "unsubscribe":
        store.end_subscription("a=", "news", command=6)
    elif then == "disconnect":
        store.end_session("a=")
        # What a prune found in the topic goes last of all, so the next one finds it.
        store.end_sessions(["a="], topic="news")
    else:
        store.end_sessions(["a="], topic="news")

    is_there = then == "subscribe" and not is_gone
    assert ("news" in store.topics("a=")) == is_there
    assert [each.connection_id for each in store.members("news")] == ["a="] * is_there
    if then != "unsubscribe":
        assert len(store.presence("news")) == is_there


def test_a_held_subscribe_that_an_sdk_repeats_knows_what_was_lost(
    client: FaultyDynamoDB, store: DynamoDBMemberStore
) -> None:
    ann = open_session(store)
    begin(store, ann, 3)
    for command, lost in ((4, None), (5, 7)):
        if lost is not None:
            store.mark_lost("news", "a=", lost)
        client.plan("update_item", [client.client.update_item])
        client.carry_out_twice("update_item")

        began = begin(store, ann, command, is_held=True)

        assert (began.is_current, began.lost) == (True, lost)
        client.carry_out_twice("update_item")
        assert release(store, began.number) is None
        assert list(store.members("news")) == [Member("a=", told=TOLD)]


def test_a_held_subscribe_that_fails_loses_no_mark(
    client: FaultyDynamoDB, store: DynamoDBMemberStore
) -> None:
    ann = open_session(store)
    begin(store, ann, 3)
    store.mark_lost("news", "a=", 7)
    client.plan("update_item", [client.client.update_item])
    client.lose_answer("update_item")

    with pytest.raises(StoreError):
        begin(store, ann, 4, is_held=True)

    assert [each.lost for each in store.members("news")] == [7]
    assert begin(store, ann, 5, is_held=True).lost == 7


def test_a_later_command_that_is_held_keeps_its_hold(
    client: FaultyDynamoDB, store: DynamoDBMemberStore
) -> None:
    ann = open_session(store)
    begin(store, ann, 3)
    store.mark_lost("news", "a=", 7)
    later = DynamoDBMemberStore("t", client=client.client, now=Clock())
    client.plan("update_item", [client.client.update_item])
    client.before("update_item", lambda: begin(later, ann, 5, is_held=True))

    assert not begin(store, ann, 4, is_held=True).is_current

    assert [each.lost for each in store.members("news")] == [7]
    assert release(store, 5_000_000) is None
    assert list(store.members("news")) == [Member("a=", told=TOLD)]


def test_who_was_ended_while_a_command_failed_is_not_subscribed(
    client: FaultyDynamoDB,
) -> None:
    client.has_old_items = False
    store = DynamoDBMemberStore("t", client=client, now=Clock())
    ann = open_session(store)
    begin(store, ann, 5)
    later = DynamoDBMemberStore("t", client=client.client, now=Clock())
    client.before("get_item", lambda: later.end_session("a="))

    began = begin(store, ann, 4)

    assert (began.is_current, began.is_refused) == (False, False)


def test_a_mark_that_a_late_command_took_is_written_again(
    client: FaultyDynamoDB, store: DynamoDBMemberStore
) -> None:
    ann = open_session(store)
    begin(store, ann, 3)
    store.mark_lost("news", "a=", 7)
    later = DynamoDBMemberStore("t", client=client.client, now=Clock())
    client.before("get_item", lambda: begin(later, ann, 5))

    assert not begin(store, ann, 4).is_current

    assert [each.lost for each in store.members("news")] == [7]


def test_a_mark_comes_through_if_the_hold_ends_meanwhile(
    client: FaultyDynamoDB, store: DynamoDBMemberStore
) -> None:
    ann = open_session(store)
    begin(store, ann, 3)
    store.mark_lost("news", "a=", 7)
    number = begin(store, ann, 4, is_held=True).number
    later = DynamoDBMemberStore("t", client=client.client, now=Clock())
    client.plan("update_item", [client.client.update_item])
    client.before("update_item", lambda: release(later, number))

    assert store.mark_lost("news", "a=", 9)

    assert list(store.members("news")) == [Member("a=", lost=9, told=TOLD)]


def test_a_subscription_is_found_in_a_shard_that_no_plan_names(
    client: FaultyDynamoDB,
) -> None:
    for shards in (2, 3, 5, 7):
        old = DynamoDBMemberStore("t", client=client, now=Clock(), shards=shards)
        new = DynamoDBMemberStore("t", client=client, now=Clock())
        ann = open_session(old, f"c{shards}=")
        begin(old, ann, 3)

        begin(new, ann, 4)
        new.end_subscription(ann.connection_id, "news", command=5)

        assert list(old.members("news")) == []


def test_the_stream_brings_a_session_and_not_the_end_of_one() -> None:
    clock = Clock()
    table = SmallTable(clock)
    store = DynamoDBMemberStore("t", client=table, now=clock)

    store.begin_session(session())
    store.end_session("b=")

    images = [record["dynamodb"]["NewImage"] for record in table.records]
    connections = [new_connection(image) for image in images]
    assert [each for each in connections if each is not None] == [session().connection]
