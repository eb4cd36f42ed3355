"""The figures in the documentation are those in the code."""

import json
import re
from pathlib import Path

import pytest

import wspubsub
from wspubsub import (
    Connections,
    Reject,
    Response,
    SubscriptionStore,
    TopicLog,
    UsageError,
    WspubsubError,
    errors,
    eventsources,
    fanout,
)
from wspubsub.connections import CALL_SECONDS
from wspubsub.delivery import RESERVE_SECONDS, TIMEOUT_SECONDS
from wspubsub.dynamodb import tries
from wspubsub.eventsources.laggards import WAITS_SECONDS
from wspubsub.eventsources.queue_handler import MAX_ATTEMPTS, MAX_HOPS
from wspubsub.eventsources.ready import PATIENCE_SECONDS
from wspubsub.gateway.assembly import MAX_FRAME_BYTES
from wspubsub.gateway.authorizers import MAX_RESULT_BYTES
from wspubsub.gateway.config import GatewayConfig
from wspubsub.gateway.lifecycle import MAX_URL_CHARACTERS
from wspubsub.gateway.limits import (
    MAX_ROUTES,
    MAX_TIMEOUT_SECONDS,
    MIN_TIMEOUT_SECONDS,
)
from wspubsub.log.drafts import MAX_ENTRY_BYTES, MAX_KEY_BYTES
from wspubsub.log.rules import CLOCK_SKEW_SECONDS, POSITION_SECONDS
from wspubsub.messages import MAX_JSON_LEVELS, MAX_MESSAGE_BYTES
from wspubsub.pubsub import Limits
from wspubsub.pubsub.commands import MAX_COMMANDS
from wspubsub.pubsub.limits import MAX_READ_BYTES
from wspubsub.responses import to_response
from wspubsub.subscriptions.port import HANDSHAKE_SECONDS, TTL_SECONDS
from wspubsub.topics import MAX_TOPIC_BYTES

DOCS = Path(__file__).parents[2] / "docs"
LIMITS = (DOCS / "reference/limits.md").read_text()
CONFIG = GatewayConfig()
RESULTS = DOCS.parent / "benchmarks" / "results"
LOGGED_PER_SECOND = round(
    json.loads((RESULTS / "log.json").read_text())["ratios"]["log_appends_per_s"], -2
)
WORDS = {4: "four", 8: "eight", 9: "nine", 10: "ten"}

OURS = {
    "topic name": f"1 to {MAX_TOPIC_BYTES} bytes",
    "message": f"{MAX_MESSAGE_BYTES:,} bytes",
    "connection ID": "1 to 256 bytes",
    "key of a logged message": f"1 to {MAX_KEY_BYTES} bytes",
    "logged message, its `exclude` and its `info`": f"{MAX_ENTRY_BYTES:,} bytes",
    "time for an append": f"{tries.TIMEOUT_SECONDS:.0f} seconds unless",
    "refusing a handshake with `Reject`": "status 300 to 599",
    "status of a response": "200 to 599",
    "body of a response": f"{MAX_MESSAGE_BYTES:,} bytes",
    "JSON from clients": f"{MAX_JSON_LEVELS} levels",
    "time for a publish": f"{TIMEOUT_SECONDS:.0f} seconds unless",
    "time for a post to one connection": f"{CALL_SECONDS:.0f} seconds unless",
    "attempts for connections": f"{MAX_ATTEMPTS} in a row",
    "queue messages that follow from one another": f"{MAX_HOPS}",
    "time for a client that takes no messages": f"{len(WAITS_SECONDS)} attempts",
    "time for a handshake, for `on_ready`": f"{PATIENCE_SECONDS:.0f} seconds",
    "attributes and principal of a connection": "Unicode text",
    "topics of a connection": "`max_topics`",
    "messages in the log of one topic": f"about {LOGGED_PER_SECOND:.0f} a second",
    "life of a connection or subscription in the store": (
        f"{TTL_SECONDS // 3600:.0f} hours and {TTL_SECONDS % 3600 // 60:.0f} minutes"
    ),
}
PUBSUB = {
    "commands in a frame": f"{MAX_COMMANDS}",
    "topics of a connection": f"{Limits().topics}, or",
    "commands in a frame that read": "as many as topics",
    "replies to a frame": f"{MAX_READ_BYTES // 1024:,} KB",
    "new tokens for the connection in a frame": "1",
    "publications of a connection": f"{Limits().publications_per_second:.0f} a second",
    "JSON about a user": f"{Limits().info_bytes:,} bytes",
}
AWS = {
    "message payload": f"{MAX_MESSAGE_BYTES:,} bytes",
    "frame payload": f"{MAX_FRAME_BYTES:,} bytes",
    "connection without messages": f"{CONFIG.idle_timeout_seconds / 60:.0f} minutes",
    "connection in all": f"{CONFIG.max_duration_seconds / 3600:.0f} hours",
    "integration timeout": (
        f"{MIN_TIMEOUT_SECONDS * 1000:.0f} milliseconds to "
        f"{MAX_TIMEOUT_SECONDS:.0f} seconds"
    ),
    "new connections": "500 a second",
    "routes of an API": f"{MAX_ROUTES}",
    "result of an authorizer": f"{MAX_RESULT_BYTES // 1024} KB",
    "length of the URL": f"{MAX_URL_CHARACTERS:,} characters",
    "requests of an account": "10,000 a second",
    "binary messages from clients": "1003",
}


def rows(title: str) -> dict[str, list[str]]:
    section = LIMITS.split(f"## {title}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:]]
    return {first: rest for first, *rest in cells}


@pytest.mark.parametrize(
    ("title", "figures"),
    [
        ("Limits of the library", OURS),
        ("Limits of a PubSub", PUBSUB),
        ("Limits of API Gateway", AWS),
    ],
)
def test_every_limit_that_is_written_is_the_one_that_holds(
    title: str, figures: dict[str, str]
) -> None:
    written = rows(title)

    named = {
        row: [name for name in figures if row == name or row.startswith(f"{name} ")]
        for row in written
    }
    wrong = {
        row: written[row][0]
        for row, names in named.items()
        if not any(figures[name] in written[row][0] for name in names)
    }

    assert not wrong
    assert len(written) == len(figures)


def test_the_errors_in_the_table_of_limits_exist() -> None:
    named = re.findall(
        r"`(\w+Error)`", "".join(map(str, rows("Limits of the library").values()))
    )

    assert named
    known = {*dir(wspubsub), *dir(eventsources), *dir(fanout)}
    assert [name for name in named if name not in known] == []


@pytest.mark.parametrize(
    ("status", "is_taken"), [(199, False), (200, True), (599, True), (600, False)]
)
def test_a_response_has_the_statuses_that_are_written(
    status: int, *, is_taken: bool
) -> None:
    try:
        to_response(Response(status_code=status))
    except UsageError:
        assert not is_taken
    else:
        assert is_taken


@pytest.mark.parametrize(
    ("status", "is_taken"), [(299, False), (300, True), (599, True), (600, False)]
)
def test_a_refusal_has_the_statuses_that_are_written(
    status: int, *, is_taken: bool
) -> None:
    try:
        Reject(status)
    except UsageError:
        assert not is_taken
    else:
        assert is_taken


def test_what_is_promised_has_the_times_of_the_code() -> None:
    promises = LIMITS.split("## Limits of the library")[0]

    assert f"older than {HANDSHAKE_SECONDS:.0f} seconds" in promises
    assert RESERVE_SECONDS == 1
    assert "of which the last second is kept for pruning" in LIMITS
    table = (DOCS / "explanation/table.md").read_text()
    assert f"goes on for {CLOCK_SKEW_SECONDS / 60:.0f} minutes more" in table
    assert f"{POSITION_SECONDS / 86_400:.0f} days by default" in table


def test_the_ports_have_as_many_methods_as_is_written() -> None:
    text = (DOCS / "explanation/architecture.md").read_text()

    counted = [methods(port) for port in (SubscriptionStore, Connections, TopicLog)]

    store, connections, log = (WORDS[len(names)] for names in counted)
    assert (
        f"{store} methods for a store, {connections} for connections, "
        f"{log} for a topic log" in text
    )


def methods(port: type) -> list[str]:
    return [
        name
        for name, value in vars(port).items()
        if callable(value) and not name.startswith("_")
    ]


def test_the_tree_of_errors_in_the_module_is_the_one_that_is_there() -> None:
    drawn = re.findall(r"[├└]── (\w+)", errors.__doc__ or "")

    there = [
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, WspubsubError)
    ]

    assert sorted({*drawn, "WspubsubError"}) == sorted({*there, "PublishError"})
