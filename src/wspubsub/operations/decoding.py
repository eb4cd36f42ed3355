"""The table's items as what they are: connections, subscriptions, messages.

Items may be as boto3 returns them or as in DynamoDB's JSON, where binary values are
base64.
"""

import base64
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from wspubsub.dynamodb.items import (
    Item,
    is_gone,
    is_leaving,
    read_api,
    read_connection,
    read_expiry,
    read_shard,
    read_written_at,
)
from wspubsub.dynamodb.kinds import ItemKind, read_key
from wspubsub.dynamodb.log_items import (
    is_genesis,
    read_digest,
    read_id,
    read_is_sent,
    read_messages,
    read_published_at,
    read_tail,
)
from wspubsub.dynamodb.log_offers import find_end, read_offer
from wspubsub.dynamodb.member_hold_items import read_seen, read_traces
from wspubsub.dynamodb.member_items import (
    is_stay,
    read_member,
    read_number,
    read_presence,
    read_session,
    read_subscription,
    read_until,
    read_user,
)
from wspubsub.log.rules import LoggedMessage

Fields = dict[str, Any]


class DecodedItem(NamedTuple):
    """What an item of the table says.

    Attributes:
        kind: What it is for.
        fields: What it says, as JSON data. Times are in seconds since the epoch. What
            the item does not say is left out.
    """

    kind: ItemKind
    fields: Fields


def decode_item(item: Item) -> DecodedItem:
    """Return what an item of the table says.

    An item of the application's own is `OTHER`, with its attributes as they are; so is
    one that looks like one of the library's and cannot be read, with the reason as
    `problem`.
    """
    item = {name: _decode_binary(value) for name, value in item.items()}
    try:
        kind, names = read_key(item)
        if kind is not ItemKind.OTHER:
            kind = _refine(kind, item)
            fields = {**names, **_READERS[kind](item), **_read_times(item)}
            return DecodedItem(kind, _drop_absent(fields))
    except (KeyError, TypeError, ValueError) as error:
        problem = f"{type(error).__name__}: {error}"
        return DecodedItem(ItemKind.OTHER, {**_read_values(item), "problem": problem})
    return DecodedItem(kind, _read_values(item))


def make_json(item: Item) -> Item:
    """Return an item as in DynamoDB's JSON: binary values as base64."""
    return {name: _encode_binary(value) for name, value in item.items()}


def read_data(data: bytes | None) -> str | None:
    """Return bytes as text; as base64 after `base64:` if they are not UTF-8."""
    if data is None:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return f"base64:{base64.b64encode(data).decode()}"


def _refine(kind: ItemKind, item: Item) -> ItemKind:
    if kind is ItemKind.CONNECTION and read_user(item) is not None:
        return ItemKind.SESSION
    if kind is ItemKind.MESSAGE and is_genesis(item):
        return ItemKind.EPOCH
    return kind


def _drop_absent(fields: Fields) -> Fields:
    # A flag that is off is absent too.
    return {
        name: value
        for name, value in fields.items()
        if value is not None and value is not False
    }


def _read_times(item: Item) -> Fields:
    [written_at] = read_written_at([item])
    return {"written_at": written_at or None, "expires_at": read_expiry(item)}


def _read_connection(item: Item) -> Fields:
    if is_gone(item):
        return {"user": read_user(item), "api": read_api(item), "is_gone": True}
    connection = read_connection(item)
    return {
        "connected_at": connection.connected_at,
        "principal": connection.principal,
        "api": connection.api,
        "attributes": dict(connection.attributes) or None,
    }


def _read_session(item: Item) -> Fields:
    fields = _read_connection(item)
    session = None if is_gone(item) else read_session(item)
    if session is not None:
        fields |= {
            "user": session.user,
            "info": session.info,
            "token_expires_at": session.expires_at,
        }
    return fields


def _read_subscription(item: Item) -> Fields:
    subscription = read_subscription(item)
    return {
        "shard": read_shard(item),
        "api": read_api(item),
        "is_leaving": is_leaving(item),
        "is_server_side": subscription.is_server_side,
        "has_presence": subscription.has_presence,
        "info": subscription.info,
        "token_expires_at": subscription.until,
    }


def _read_subscriber(item: Item) -> Fields:
    member = read_member(item)
    told = member.told
    return {
        "is_member": read_number(item) >= 0,
        "is_server_side": member.is_server_side,
        "token_expires_at": member.until,
        "lost_from": member.lost,
        "held_since": member.held_at,
        "held_lost_from": read_seen(item),
        "held_publications": read_traces(item) or None,
        "told_up_to": None if told is None else [*told],
    }


def _read_presence(item: Item) -> Fields:
    present = read_presence(item)
    fields = {
        "connection": present.connection_id,
        "user": present.user,
        "info": present.info,
        "topic_info": present.topic_info,
    }
    return fields | ({"shown_until": read_until(item)} if is_stay(item) else {})


def _read_nothing(_item: Item) -> Fields:
    return {}


def _read_message(item: Item) -> Fields:
    first, *carried = (_drop_absent(_describe(each)) for each in read_messages(item))
    return {**first, "carried": carried or None}


def _describe(message: LoggedMessage) -> Fields:
    return {
        "offset": message.position.offset,
        "epoch": message.position.epoch,
        "id": message.id,
        "data": read_data(message.data),
        "info": read_data(message.info),
        "exclude": sorted(message.exclude) or None,
        "published_at": message.published_at,
    }


def _read_offer(item: Item) -> Fields:
    offer = read_offer(item)
    drafted = offer.drafted
    return {
        "id": drafted.id,
        "data": read_data(drafted.data),
        "info": read_data(drafted.info),
        "exclude": sorted(drafted.exclude) or None,
        "known_up_to": [*offer.since],
        "carried_until": find_end(offer),
    }


def _read_epoch(item: Item) -> Fields:
    tail = read_tail(item)
    return {"epoch": tail.position.epoch, "published_at": tail.published_at}


def _read_message_key(item: Item) -> Fields:
    return {
        "epoch": item["epoch"]["S"],
        "offset": int(item["offset"]["N"]),
        "id": read_id(item),
        "digest": read_digest(item),
        "is_sent": read_is_sent(item),
        "published_at": read_published_at(item),
    }


_READERS: dict[ItemKind, Callable[[Item], Fields]] = {
    ItemKind.CONNECTION: _read_connection,
    ItemKind.SESSION: _read_session,
    ItemKind.GREETING: _read_nothing,
    ItemKind.SUBSCRIPTION: _read_subscription,
    ItemKind.SUBSCRIBER: _read_subscriber,
    ItemKind.PRESENCE: _read_presence,
    ItemKind.STAY: _read_presence,
    ItemKind.USER: _read_nothing,
    ItemKind.MESSAGE: _read_message,
    ItemKind.EPOCH: _read_epoch,
    ItemKind.OFFER: _read_offer,
    ItemKind.KEY: _read_message_key,
}


def _read_values(item: Item) -> Fields:
    return {name: _read_value(value) for name, value in item.items()}


def _read_value(attribute: Item) -> object:
    [(kind, value)] = attribute.items()
    read = _VALUES.get(kind)
    return value if read is None else read(value)


def _read_number(text: str) -> float:
    return float(text) if set(text) & set(".eE") else int(text)


def _read_each(values: Iterable[Item]) -> list[object]:
    return [_read_value(value) for value in values]


_VALUES: dict[str, Callable[[Any], object]] = {
    "N": _read_number,
    "B": read_data,
    "NULL": lambda _: None,
    "L": _read_each,
    "M": _read_values,
    "NS": lambda texts: [_read_number(text) for text in sorted(texts, key=float)],
    "SS": sorted,
    "BS": lambda values: [read_data(value) for value in sorted(values)],
}


def _decode_binary(attribute: Item) -> Item:
    return _change_binary(attribute, _to_bytes)


def _encode_binary(attribute: Item) -> Item:
    return _change_binary(attribute, _to_base64)


def _to_bytes(value: str | bytes) -> bytes:
    return base64.b64decode(value) if isinstance(value, str) else value


def _to_base64(value: str | bytes) -> str:
    return value if isinstance(value, str) else base64.b64encode(value).decode()


def _change_binary(
    attribute: Item, change: Callable[[str | bytes], str | bytes]
) -> Item:
    [(kind, value)] = attribute.items()
    match kind:
        case "B":
            return {kind: change(value)}
        case "BS":
            return {kind: [change(each) for each in value]}
        case "L":
            return {kind: [_change_binary(each, change) for each in value]}
        case "M":
            inner = {name: _change_binary(each, change) for name, each in value.items()}
            return {kind: inner}
        case _:
            return attribute
