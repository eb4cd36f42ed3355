"""What a rule may be about: a request or an invocation, told by what can be matched."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wspubsub.faults.patterns import is_like
from wspubsub.faults.rules import Match, Service

DYNAMODB_TARGET = "DynamoDB_20120810."
"""What `X-Amz-Target` of a request to DynamoDB begins with."""

# The keys of the table's items, see "The table".
_TOPIC_KEY = re.compile(r"(?:T#(?:\d+#)?|L#|P#)(.+)")
_MESSAGE_KEY = re.compile(r"K#(\d+)#(.+)")
_CONNECTION_KEY = re.compile(r"C#(.+)")
_SOURCES = {"aws:dynamodb": "stream", "aws:sqs": "queue"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """A request or an invocation that may fail.

    Attributes:
        service: Whose it is.
        operation: What it does; empty if that is not known.
        connections: Connections that it is about.
        topics: Topics that it is about.
        route_key: Route that API Gateway selected.
        tables: Names of the tables that it is about.
        trace: `X-Amzn-Trace-Id` of the invocation that it is, or comes from.
    """

    service: Service
    operation: str = ""
    connections: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    route_key: str = ""
    tables: tuple[str, ...] = ()
    trace: str = ""

    def is_matched_by(self, match: Match) -> bool:
        """Return whether a rule is about this."""
        return self.service is match.service and all(
            wanted is None or any(is_like(each, wanted) for each in found)
            for wanted, found in (
                (match.operation, (self.operation,)),
                (match.connection, self.connections),
                (match.topic, self.topics),
                (match.route_key, (self.route_key,)),
                (match.table, self.tables),
            )
        )

    def describe(self) -> str:
        """Return it in words, such as `post to L0SM9cOFvHcCIhw=`."""
        match self.service:
            case Service.MANAGEMENT:
                return f"{self.operation} to {', '.join(self.connections)}"
            case Service.DYNAMODB:
                of = f" of {', '.join(self.tables)}" if self.tables else ""
                return self.operation + of
            case Service.AUTHORIZER:
                return "authorizer"
            case _:
                return f"function for {self.route_key or self.operation}"


def see_post(
    method: str, connection_id: str, body: bytes, *, trace: str = ""
) -> Occasion:
    """Return the occasion of a request to the Management API."""
    return Occasion(
        service=Service.MANAGEMENT,
        operation=method.lower(),
        trace=trace,
        connections=(connection_id,),
        topics=tuple(topics_of(body)),
    )


def see_event(
    event: Mapping[str, Any], *, is_authorizer: bool = False, trace: str = ""
) -> Occasion:
    """Return the occasion of an invocation."""
    request = event.get("requestContext") or {}
    records: Any = event.get("Records") or ({},)
    kind = str(request.get("eventType", "")).lower()
    connection_id = str(request.get("connectionId", ""))
    return Occasion(
        service=Service.AUTHORIZER if is_authorizer else Service.FUNCTION,
        operation=kind or _SOURCES.get(records[0].get("eventSource", ""), ""),
        connections=(connection_id,) if connection_id else (),
        topics=tuple(topics_of(str(event.get("body") or "").encode())),
        route_key=str(request.get("routeKey", "")),
        trace=trace,
    )


def see_request(target: str, body: bytes, *, trace: str = "") -> Occasion | None:
    """Return the occasion of a request to DynamoDB; None if it is not one.

    Args:
        target: Its header `X-Amz-Target`.
        body: Its body.
        trace: Its header `X-Amzn-Trace-Id`.
    """
    if not target.startswith(DYNAMODB_TARGET):
        return None
    try:
        request = json.loads(body)
    except ValueError:
        return None
    if not isinstance(request, Mapping):
        return None
    operation = target.removeprefix(DYNAMODB_TARGET)
    return see_dynamodb(operation, request, trace=trace)


def see_dynamodb(
    operation: str, request: Mapping[str, Any], *, trace: str = ""
) -> Occasion:
    """Return the occasion of a request to DynamoDB, parsed from its JSON."""
    texts = tuple(_texts_of(request))
    return Occasion(
        service=Service.DYNAMODB,
        operation=operation,
        connections=tuple(each[1] for each in _find(_CONNECTION_KEY, texts)),
        topics=(
            *(each[1] for each in _find(_TOPIC_KEY, texts)),
            *(each[2][: int(each[1])] for each in _find(_MESSAGE_KEY, texts)),
        ),
        tables=tuple(dict.fromkeys(_find_tables(request))),
        trace=trace,
    )


def topics_of(body: bytes) -> Iterator[str]:
    """Yield the topics that a message of JSON names, or commands of a `PubSub`."""
    # A `PubSub` and its clients join several of them as lines.
    for line in body.splitlines():
        try:
            message = json.loads(line)
        except ValueError:
            continue
        if not isinstance(message, Mapping):
            continue
        parts = (each for each in message.values() if isinstance(each, Mapping))
        named = (message.get("topic"), *(each.get("channel") for each in parts))
        yield from (each for each in named if isinstance(each, str))


def _texts_of(value: object) -> Iterator[str]:
    """Yield the strings that items and keys consist of."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            if name == "S" and isinstance(each, str):
                yield each
            else:
                yield from _texts_of(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts_of(each)


def _find(pattern: re.Pattern[str], texts: Iterable[str]) -> Iterator[re.Match[str]]:
    found = map(pattern.fullmatch, texts)
    return (each for each in found if each is not None)


def _find_tables(request: Mapping[str, Any]) -> Iterator[str]:
    several = request.get("RequestItems")
    steps = request.get("TransactItems")
    if isinstance(several, Mapping):
        yield from map(_name_of, several)
    for step in steps if isinstance(steps, list) else ():
        for part in step.values() if isinstance(step, Mapping) else ():
            if isinstance(part, Mapping):
                yield from _find_tables(part)
    if "TableName" in request:
        yield _name_of(request["TableName"])


def _name_of(table: object) -> str:
    # It may be an ARN, which ends in the name.
    return str(table).rpartition("/")[2]
