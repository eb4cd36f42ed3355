"""Every item that the library writes is decoded as what it is."""

import base64
from typing import Any

import pytest

from tests.contracts.members import begin, open_session
from tests.support.servers.small_table import SmallTable
from tests.support.table_items import write_carried, write_every_kind
from tests.support.virtual_time import NOW, Clock
from wspubsub import Connection
from wspubsub.dynamodb import (
    DynamoDBMemberStore,
    DynamoDBSubscriptionStore,
    DynamoDBTopicLog,
)
from wspubsub.operations import DecodedItem, ItemKind, Summary, decode_item, make_json
from wspubsub.subscriptions.port import TTL_SECONDS
from wspubsub.subscriptions.sessions import Presence


@pytest.fixture
def table() -> SmallTable:
    return SmallTable()


def decode_all(table: SmallTable) -> list[DecodedItem]:
    return [decode_item(read(table, pk, sk)) for pk, sk in sorted(table.keys())]


def read(table: SmallTable, pk: str, sk: str) -> dict[str, Any]:
    key = {"pk": {"S": pk}, "sk": {"S": sk}}
    item: dict[str, Any] = table.get_item(Key=key, ConsistentRead=True)["Item"]
    return item


def decode(table: SmallTable, kind: ItemKind) -> dict[str, Any]:
    [fields] = [each.fields for each in decode_all(table) if each.kind is kind]
    return fields


def make_members(table: SmallTable) -> DynamoDBMemberStore:
    return DynamoDBMemberStore("t", client=table, now=Clock())


def test_a_connection_has_what_was_kept_of_its_handshake(table: SmallTable) -> None:
    store = DynamoDBSubscriptionStore("t", client=table, now=Clock())

    store.connect(
        Connection(
            id="a=",
            connected_at=NOW - 5,
            principal="ann",
            api="abc/prod",
            attributes={"room": "7"},
        )
    )

    assert decode(table, ItemKind.CONNECTION) == {
        "connection": "a=",
        "connected_at": NOW - 5,
        "principal": "ann",
        "api": "abc/prod",
        "attributes": {"room": "7"},
        "written_at": NOW,
        "expires_at": NOW + TTL_SECONDS,
    }


def test_both_sides_of_a_subscription(table: SmallTable) -> None:
    store = DynamoDBSubscriptionStore("t", client=table, now=Clock(), shards=4)

    store.subscribe("a=", "news#1")

    connection_side = decode(table, ItemKind.SUBSCRIPTION)
    topic_side = decode(table, ItemKind.SUBSCRIBER)
    for side in (connection_side, topic_side):
        assert (side["connection"], side["topic"]) == ("a=", "news#1")
    assert connection_side["shard"] == topic_side["shard"]
    assert "is_leaving" not in connection_side


def test_a_mark_that_a_connection_was_greeted(table: SmallTable) -> None:
    DynamoDBSubscriptionStore("t", client=table, now=Clock()).mark_ready("a=")

    assert decode(table, ItemKind.GREETING)["connection"] == "a="


def test_a_session_and_its_user(table: SmallTable) -> None:
    members = make_members(table)

    open_session(members, info='{"name":"Ann"}', expires_at=NOW + 60)

    session = decode(table, ItemKind.SESSION)
    assert (session["user"], session["info"]) == ("ann", '{"name":"Ann"}')
    assert session["token_expires_at"] == NOW + 60
    user = decode(table, ItemKind.USER)
    assert (user["user"], user["connection"]) == ("ann", "a=")


def test_a_session_that_has_ended(table: SmallTable) -> None:
    members = make_members(table)
    open_session(members)

    members.end_session("a=")

    session = decode(table, ItemKind.SESSION)
    assert (session["is_gone"], session["user"]) == (True, "ann")
    assert "connected_at" not in session


def test_a_member_and_who_is_present(table: SmallTable) -> None:
    members = make_members(table)
    ann = open_session(members)

    begin(members, ann, 1, has_presence=True, info='{"seat":1}', until=NOW + 9)
    members.mark_lost("news", "a=", 7)

    subscription = decode(table, ItemKind.SUBSCRIPTION)
    assert subscription["has_presence"] is True
    assert subscription["info"] == '{"seat":1}'
    assert subscription["token_expires_at"] == NOW + 9
    assert decode(table, ItemKind.SUBSCRIBER)["lost_from"] == 7
    present = decode(table, ItemKind.PRESENCE)
    assert (present["connection"], present["user"]) == ("a=", "ann")
    assert present["topic_info"] == '{"seat":1}'


def test_a_member_that_publishers_wait_for_and_is_released(table: SmallTable) -> None:
    members = make_members(table)
    ann = open_session(members)

    began = begin(members, ann, 1, is_held=True)
    members.trace("news", "a=")
    held = decode(table, ItemKind.SUBSCRIBER)
    members.release("a=", "news", number=began.number, traces=1, told=("e", 4))

    assert (held["held_since"], held["held_publications"]) == (NOW, 1)
    assert decode(table, ItemKind.SUBSCRIBER)["told_up_to"] == ["e", 4]


def test_a_subscription_that_has_ended_is_a_tombstone(table: SmallTable) -> None:
    members = make_members(table)
    begin(members, open_session(members), 1)

    members.end_subscription("a=", "news", command=2)

    assert decode(table, ItemKind.SUBSCRIPTION)["is_leaving"] is True


def test_the_stay_of_a_user(table: SmallTable) -> None:
    who = Presence(connection_id="a=", user="ann", info='{"name":"Ann"}')

    make_members(table).stays.begin("news", who, grace_seconds=10)

    stay = decode(table, ItemKind.STAY)
    assert (stay["topic"], stay["user"], stay["connection"]) == ("news", "ann", "a=")
    assert stay["shown_until"] > NOW + 10


def test_a_log_with_an_epoch_a_message_and_its_key(table: SmallTable) -> None:
    log = DynamoDBTopicLog("t", client=table, now=Clock())

    appended = log.append(
        "a#b", b'{"n":1}', key="k#1", exclude=["c="], info=b"\xff\xfe"
    )

    position = appended.message.position
    epoch = decode(table, ItemKind.EPOCH)
    assert (epoch["topic"], epoch["offset"], epoch["epoch"]) == ("a#b", 0, position[0])
    message = decode(table, ItemKind.MESSAGE)
    assert (message["topic"], message["offset"]) == ("a#b", 1)
    assert (message["data"], message["exclude"]) == ('{"n":1}', ["c="])
    assert message["info"] == "base64:" + base64.b64encode(b"\xff\xfe").decode()
    key = decode(table, ItemKind.KEY)
    assert (key["topic"], key["key"], key["offset"]) == ("a#b", "k#1", 1)
    assert key["id"] == message["id"] == appended.message.id
    assert "is_sent" not in key


def test_an_entry_with_several_messages_and_an_offer(table: SmallTable) -> None:
    write_carried(table, "t", NOW)

    message = decode(table, ItemKind.MESSAGE)
    assert (message["offset"], message["data"]) == (1, "1")
    assert [(each["offset"], each["data"]) for each in message["carried"]] == [
        (2, "base64:/w=="),
        (3, "3"),
    ]
    offer = decode(table, ItemKind.OFFER)
    assert (offer["topic"], offer["id"]) == ("news", message["id"])
    assert (offer["data"], offer["known_up_to"]) == ("1", ["e", 0])
    assert NOW + 2 < offer["carried_until"] <= NOW + 12
    item = read(table, "L#news", "0000000000000001")
    assert decode_item(make_json(item)) == decode_item(item)


def test_items_of_every_kind_are_recognized(table: SmallTable) -> None:
    write_every_kind(table, "t", Clock())

    decoded = decode_all(table)

    assert {each.kind for each in decoded} == {*ItemKind}
    assert not any("problem" in each.fields for each in decoded)


def test_a_topic_is_as_long_as_all_messages_of_its_entries(table: SmallTable) -> None:
    write_carried(table, "t", NOW)
    summary = Summary(NOW)

    summary.add(read(table, pk, sk) for pk, sk in sorted(table.keys()))

    [topic] = summary.topics()
    assert topic["last_offset"] == 3


def test_a_message_in_the_json_of_dynamodb_is_the_same(table: SmallTable) -> None:
    DynamoDBTopicLog("t", client=table, now=Clock()).append("news", b"\x00hi")
    item = read(table, "L#news", "0000000000000001")

    written = make_json(item)

    assert written["data"] == {"B": base64.b64encode(b"\x00hi").decode()}
    assert decode_item(written) == decode_item(item)
    assert make_json(written) == written


def test_an_item_of_the_applications_own_keeps_its_attributes() -> None:
    item = {
        "pk": {"S": "QUIZ#1"},
        "sk": {"S": "x"},
        "n": {"N": "3"},
        "half": {"N": "0.5"},
        "raw": {"B": b"hi"},
        "raws": {"BS": [b"b", b"a"]},
        "list": {"L": [{"NULL": True}, {"BOOL": False}, {"B": b"x"}]},
        "map": {"M": {"a": {"B": b"y"}}},
        "names": {"SS": ["b", "a"]},
        "numbers": {"NS": ["10", "9"]},
    }

    for form in (item, make_json(item)):
        assert decode_item(form) == DecodedItem(
            ItemKind.OTHER,
            {
                "pk": "QUIZ#1",
                "sk": "x",
                "n": 3,
                "half": 0.5,
                "raw": "hi",
                "raws": ["a", "b"],
                "list": [None, False, "x"],
                "map": {"a": "y"},
                "names": ["a", "b"],
                "numbers": [9, 10],
            },
        )


@pytest.mark.parametrize(
    ("pk", "sk"),
    [("C#a=", "?"), ("C#a=", "#"), ("L#news", "one"), ("T#x#news", "a="), ("K#", "#")],
)
def test_what_looks_like_ours_and_is_not_says_why(pk: str, sk: str) -> None:
    found = decode_item({"pk": {"S": pk}, "sk": {"S": sk}})

    assert found.kind is ItemKind.OTHER
    assert (found.fields["pk"], found.fields["sk"]) == (pk, sk)
    assert found.fields["problem"]


def test_an_item_of_a_table_with_other_keys() -> None:
    found = decode_item({"id": {"S": "1"}})

    assert found.kind is ItemKind.OTHER
    assert found.fields["id"] == "1"
