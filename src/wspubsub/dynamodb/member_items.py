"""What the store behind `PubSub` adds to the table's items: see `items`.

What every subscriber of a topic may have is named by one letter, since a publish reads
them all. On a topic of a connection and its subscriber:

| attribute | what it is |
|---|---|
| `n` | number of the last command, or of what the server did after it |
| `u` | until when the token is valid; a subscriber has the earlier one of its session |
| `s` | that the server subscribed the connection |
| `p` | that the connection may be shown as present (topic of a connection only) |
| `i` | what is said about the connection in this topic (not on its subscriber) |
| `leaving` | that the subscription has ended: a tombstone |
| `ended_at` | when the server last ended one by itself |
| `lost` | offset of the first message that a subscriber has missed |
| `h` | since when publishers are to wait until a subscriber has its reply |
| `o` | which `lost` the subscribe saw that holds them back; -1 if it was not marked |
| `t` | how many publications have met the subscriber meanwhile |
| `e`, `d` | epoch and offset up to which the subscriber was told all when released |

Somebody present has `n` and `i` too, and `j`, the number by which they joined. The stay
of a user has `user_id`, `info` and `i`, `c` (which connection came or left last), `n`
(how often that has happened), and `u` (until when the user is shown without any).
The record of a connection has `user_id`, `info` and `u` of its session and a `mark` of
whoever wrote it; after its end it is `gone`.
"""

import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from wspubsub.dynamodb.items import (
    TTL_ATTRIBUTE,
    Item,
    Written,
    connection_item,
    is_gone,
    is_live,
    read_connection,
    read_expiry,
    read_topic,
    user_key,
)
from wspubsub.subscriptions.members import TOMBSTONE_SECONDS, command_of
from wspubsub.subscriptions.sessions import (
    Member,
    Presence,
    Session,
    SessionState,
    Subscription,
    earliest,
)

IS_NEWER = "attribute_not_exists(n) OR n < :n OR expires_at <= :now"
IS_NOT_OLDER = "attribute_not_exists(n) OR n <= :n OR expires_at <= :now"
TRUE: Item = {"BOOL": True}


def number(value: float) -> Item:
    """Return a number as an attribute's value."""
    return {"N": repr(value)}


def make_request(
    sets: Mapping[str, Item],
    removes: Iterable[str] = (),
    expressions: Mapping[str, str] = MappingProxyType({}),
    *,
    counts: str | None = None,
) -> dict[str, Any]:
    """Return what an UpdateItem asks for.

    Args:
        sets: Attributes that get a value.
        removes: Attributes that go, unless they get a value.
        expressions: Attributes that get what an expression says.
        counts: An attribute that becomes one more than it is; 1 if it is missing.
    """
    removes = [name for name in removes if name not in sets]
    values = {f":{name}": each for name, each in sets.items()}
    if counts is not None:
        expressions = {**expressions, counts: f"if_not_exists(#{counts}, :zero) + :one"}
        values |= {":zero": number(0), ":one": number(1)}
    # Some of the names are reserved words of DynamoDB's, so each has a placeholder.
    parts = [f"#{name} = :{name}" for name in sets]
    parts += [f"#{name} = {text}" for name, text in expressions.items()]
    expression = "SET " + ", ".join(parts) if parts else ""
    if removes:
        expression += " REMOVE " + ", ".join(f"#{name}" for name in removes)
    names = [*sets, *expressions, *removes]
    return {
        "UpdateExpression": expression.strip(),
        "ExpressionAttributeNames": {f"#{name}": name for name in names},
        "ExpressionAttributeValues": values,
    }


def make_until_request(until: float | None) -> dict[str, Any]:
    """Return the UpdateItem that sets until when a token is valid."""
    return make_request(_optional(u=until), ["u"])


def make_token_request(
    until: float | None, name: str, text: str | None
) -> dict[str, Any]:
    """Return the UpdateItem that sets what a token says.

    Args:
        until: Until when it is valid.
        name: The attribute for what it says about the connection.
        text: What it says.
    """
    sets = _optional(u=until) | encode_texts({name: text})
    return make_request(sets, [name, "u"])


def make_said_request(name: str, text: str | None) -> dict[str, Any]:
    """Return the UpdateItem that sets what is said about somebody present."""
    return make_request(encode_texts({name: text}), [name])


def encode_texts(values: Mapping[str, str | None]) -> Item:
    """Return attributes of those texts that there are."""
    return {name: {"S": text} for name, text in values.items() if text is not None}


def session_item(session: Session, written: Written, mark: str) -> Item:
    """Return the record of a connection with its session."""
    item = connection_item(session.connection, written)
    item |= {"user_id": {"S": session.user}, "mark": {"S": mark}}
    return item | _optional(info=session.info, u=session.expires_at)


def make_gone_request(now: float) -> dict[str, Any]:
    """Return the UpdateItem that makes the record of a connection a tombstone.

    The user stays, so that whoever does it again can delete the user's item.
    """
    return make_request(
        {"gone": TRUE, TTL_ATTRIBUTE: number(math.ceil(now + TOMBSTONE_SECONDS))},
        ["written_at", "connected_at", "principal", "attributes", "info", "u", "mark"],
    )


def user_item(session: Session, expires_at: int) -> Item:
    """Return the item of a user's connection."""
    key = user_key(session.connection_id, session.user)
    return key | {TTL_ATTRIBUTE: number(expires_at)}


def topic_change(
    subscription: Subscription, shard: int, written: Written
) -> tuple[Item, list[str]]:
    """Return what a topic of a connection gets, and which attributes go otherwise.

    That somebody may be shown as present stays for as long as the item does.
    """
    sets = {
        "shard": number(shard),
        "written_at": number(written.at),
        TTL_ATTRIBUTE: number(written.expires_at),
    }
    if subscription.has_presence:
        sets["p"] = TRUE
    sets |= _optional(
        u=subscription.until, s=subscription.is_server_side, i=subscription.info
    )
    return sets, ["i", "leaving", "s", "u"]


def tombstone_change(
    shard: int, now: float
) -> tuple[Item, list[str], dict[str, str], Item]:
    """Return what makes a topic of a connection a tombstone.

    Returns:
        What is set and what goes, what is set by expressions, and the values in them.
    """
    sets = {
        "leaving": TRUE,
        TTL_ATTRIBUTE: number(math.ceil(now + TOMBSTONE_SECONDS)),
    }
    expressions = {
        "shard": "if_not_exists(#shard, :first_shard)",
        "written_at": "if_not_exists(#written_at, :first_at)",
    }
    values = {":first_shard": number(shard), ":first_at": number(now)}
    return sets, ["u", "s", "i"], expressions, values


def member_item(
    key: Item, subscription: Subscription, until: float | None, expires_at: int
) -> Item:
    """Return the item of a subscriber of a topic, without its number."""
    optional = _optional(u=until, s=subscription.is_server_side)
    return key | {TTL_ATTRIBUTE: number(expires_at)} | optional


def make_presence_request(
    session: Session, topic_info: str | None, command_number: int, expires_at: int
) -> dict[str, Any]:
    """Return the UpdateItem that shows somebody as present."""
    sets = {
        "n": number(command_number),
        "user_id": {"S": session.user},
        TTL_ATTRIBUTE: number(expires_at),
        **encode_texts({"info": session.info, "i": topic_info}),
    }
    return make_request(sets, ["i", "info"], {"j": "if_not_exists(#j, :n)"})


def has_joined_by(item: Item, command_number: int) -> bool:
    """Return whether somebody present has joined by a command."""
    return int(item["j"]["N"]) == command_number


def read_ended_at(item: Item) -> float:
    """Return when the server last ended a subscription by itself."""
    return float(item["ended_at"]["N"]) if "ended_at" in item else -math.inf


def read_user(item: Item) -> str | None:
    """Return whose session the record of a connection is of."""
    user: str | None = item.get("user_id", {}).get("S")
    return user


def read_number(item: Item) -> int:
    """Return the number of a command; -1 if an item was written without any."""
    return int(item["n"]["N"]) if "n" in item else -1


def next_number(item: Item | None) -> int:
    """Return the number of what the server does after what an item says."""
    return 1 if item is None else max(0, read_number(item)) + 1


def read_lost(item: Item | None, now: float) -> int | None:
    """Return what a subscriber has missed; None without a mark or if it expired."""
    if item is None or "lost" not in item or not is_live(item, now):
        return None
    return int(item["lost"]["N"])


def read_until(item: Item) -> float | None:
    """Return until when a token is valid."""
    return float(item["u"]["N"]) if "u" in item else None


def read_member(item: Item) -> Member:
    """Return the subscriber that an item is for."""
    lost = int(item["lost"]["N"]) if "lost" in item else None
    held_at = float(item["h"]["N"]) if "h" in item else None
    told = (item["e"]["S"], int(item["d"]["N"])) if "e" in item else None
    return Member(item["sk"]["S"], read_until(item), lost, "s" in item, held_at, told)


def is_stay(item: Item) -> bool:
    """Return whether an item is the stay of a user, and not somebody present."""
    return "c" in item


def is_awaited(item: Item, now: float) -> bool:
    """Return whether the user of a stay may be absent and is shown nevertheless."""
    return float(item["u"]["N"]) > now


def read_presence(item: Item) -> Presence:
    """Return who is present by an item."""
    return Presence(
        connection_id=item["c" if is_stay(item) else "sk"]["S"],
        user=item["user_id"]["S"],
        info=item.get("info", {}).get("S"),
        topic_info=item.get("i", {}).get("S"),
    )


def read_subscription(item: Item) -> Subscription:
    """Return the subscription that an item of a topic of a connection is for."""
    return Subscription(
        command=command_of(max(0, read_number(item))),
        until=read_until(item),
        is_server_side="s" in item,
        has_presence="p" in item,
        info=item.get("i", {}).get("S"),
    )


def read_session(item: Item) -> Session | None:
    """Return the session in the record of a connection; None if it has none."""
    if "user_id" not in item:
        return None
    return Session(
        connection=read_connection(item),
        user=item["user_id"]["S"],
        info=item.get("info", {}).get("S"),
        expires_at=read_until(item),
    )


def read_state(items: Iterable[Item], now: float) -> SessionState:
    """Return all that the items of a connection say."""
    state = SessionState()
    subscriptions = {}
    for item in items:
        topic = read_topic(item)
        if is_gone(item):
            state = SessionState(is_gone=read_expiry(item) > now)
        elif not is_live(item, now):
            continue
        elif topic is not None:
            subscriptions[topic] = read_subscription(item)
        elif "connected_at" in item:
            state = SessionState(
                connection=read_connection(item), session=read_session(item)
            )
    return state.__replace__(subscriptions=subscriptions)


def first_until(session: Session | None, until: float | None) -> float | None:
    """Return when a session's or a subscription's token expires."""
    return until if session is None else earliest(session.expires_at, until)


def _optional(
    *,
    info: str | None = None,
    i: str | None = None,
    u: float | None = None,
    s: bool = False,
) -> Item:
    item = encode_texts({"info": info, "i": i})
    if u is not None:
        item["u"] = number(u)
    if s:
        item["s"] = TRUE
    return item
