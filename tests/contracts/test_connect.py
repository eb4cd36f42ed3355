"""What a connection's record may hold, in every `SubscriptionStore`."""

import enum
import math
from typing import Any

import pytest

from wspubsub import Connection, SubscriptionStore, UsageError


class Name(str, enum.Enum):  # noqa: UP042 - what older programs have
    NEWS = "news"
    ANN = "ann="


def connection(**fields: Any) -> Connection:
    return Connection(**{"id": "a=", "connected_at": 0.0, **fields})


@pytest.mark.parametrize("value", [None, 3, True, ["a"], b"x", "\ud800"])
def test_an_attribute_that_is_not_text_is_refused_by_its_name(
    store: SubscriptionStore, value: object
) -> None:
    with pytest.raises(UsageError, match="attribute 'room' must be Unicode text"):
        store.connect(connection(attributes={"name": "Ann", "room": value}))

    assert store.connection("a=") is None


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"principal": 5}, "principal"),
        ({"principal": "\ud800"}, "principal"),
        ({"api": 5}, "api"),
        ({"attributes": {5: "x"}}, "name of an attribute"),
        ({"connected_at": math.nan}, "connected_at"),
        ({"connected_at": math.inf}, "connected_at"),
        ({"connected_at": "now"}, "connected_at"),
    ],
)
def test_what_else_cannot_be_stored_is_refused(
    store: SubscriptionStore, fields: dict[str, Any], what: str
) -> None:
    with pytest.raises(UsageError, match=what):
        store.connect(connection(**fields))

    assert store.connection("a=") is None


def test_a_record_does_not_change_with_what_it_was_made_of(
    store: SubscriptionStore,
) -> None:
    attributes = {"name": "Ann"}
    store.connect(connection(attributes=attributes))

    attributes["name"] = "Bob"

    assert store.connection("a=") == connection(attributes={"name": "Ann"})


def test_members_of_an_enumeration_are_their_text(store: SubscriptionStore) -> None:
    store.connect(
        connection(
            id=Name.ANN, principal=Name.ANN, attributes={Name.NEWS: Name.NEWS, "e": "é"}
        )
    )
    store.subscribe(Name.ANN, Name.NEWS)

    assert store.connection("ann=") == connection(
        id="ann=", principal="ann=", attributes={"news": "news", "e": "é"}
    )
    assert store.topics("ann=") == {"news"}
    assert [repr(each) for each in store.subscribers("news")] == ["'ann='"]
    assert [repr(each) for each in store.disconnect(Name.ANN)] == ["'news'"]


def test_the_api_of_a_connection_is_kept(store: SubscriptionStore) -> None:
    store.connect(connection(api="abcdef1234/prod"))

    assert store.connection("a=") == connection(api="abcdef1234/prod")
