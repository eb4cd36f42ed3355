"""`wspubsub connections`, `topics`, `subscribers`, `presence`, `history` and `tail`."""

import argparse
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from wspubsub.cli.complaints import warn
from wspubsub.cli.places import open_place
from wspubsub.cli.rows import (
    Column,
    Row,
    make_printable,
    print_json,
    print_line,
    read_text,
    read_time,
    show_rows,
    wait_for_reader,
)
from wspubsub.cli.scanning import scan

if TYPE_CHECKING:
    from wspubsub.operations import Summary

_ENTRY: tuple[Column, ...] = (
    ("OFFSET", read_text("offset")),
    ("EPOCH", read_text("epoch")),
    ("PUBLISHED", read_time("published_at")),
    ("DATA", lambda row: row.get("data", "(a new epoch begins)")),
)
_ENTRY_WIDTHS = (7, 16, 19, 0)


def list_connections(options: argparse.Namespace) -> int:
    """Print all connections with their topics."""
    columns: tuple[Column, ...] = (
        ("CONNECTION", read_text("connection")),
        ("SINCE", read_time("connected_at")),
        ("USER", lambda row: row.get("user") or row.get("principal", "")),
        ("TOPICS", _read_topics),
    )
    return _summarize(options, lambda summary: summary.connections(), columns)


def list_topics(options: argparse.Namespace) -> int:
    """Print all topics."""
    columns: tuple[Column, ...] = (
        ("SUBSCRIBERS", read_text("subscribers")),
        ("PRESENT", read_text("present")),
        ("OFFSET", read_text("last_offset")),
        ("LAST MESSAGE", read_time("last_published_at")),
        ("TOPIC", read_text("topic")),
    )
    return _summarize(options, lambda summary: summary.topics(), columns)


def list_subscribers(options: argparse.Namespace) -> int:
    """Print the subscribers of a topic."""
    from wspubsub.operations.topics import read_subscribers

    columns: tuple[Column, ...] = (
        ("CONNECTION", read_text("connection")),
        ("SHARD", read_text("shard")),
        ("EXPIRES", read_time("expires_at")),
        ("BEHIND FROM", read_text("lost_from")),
    )
    found = read_subscribers(
        open_place(options).access,
        _read_topic(options),
        now=time.time(),
        shards=options.shards,
    )
    rows = sorted(found, key=lambda row: str(row["connection"]))
    show_rows(rows, columns, as_json=options.json)
    return 0


def list_presence(options: argparse.Namespace) -> int:
    """Print who is present in a topic."""
    from wspubsub.operations.topics import read_presence

    columns: tuple[Column, ...] = (
        ("CONNECTION", read_text("connection")),
        ("USER", read_text("user")),
        ("KIND", lambda row: "stay" if row["is_stay"] else "present"),
        ("INFO", lambda row: row.get("topic_info") or row.get("info", "")),
    )
    topic = _read_topic(options)
    rows = read_presence(open_place(options).access, topic, now=time.time())
    show_rows(rows, columns, as_json=options.json)
    return 0


def show_history(options: argparse.Namespace) -> int:
    """Print the log of a topic."""
    from wspubsub.operations.topics import read_after, read_newest

    access, topic = open_place(options).access, _read_topic(options)
    if options.after is not None:
        rows = read_after(access, topic, options.after)
    else:
        rows = read_newest(access, topic, options.last, now=time.time())
    if not rows:
        warn(f"topic {topic!r} has no log, or nothing in it")
    show_rows(rows, _ENTRY, as_json=options.json)
    return 0


def tail(options: argparse.Namespace) -> int:
    """Print the log of a topic as it grows, until interrupted."""
    from wspubsub.operations.topics import follow, read_newest

    access, topic = open_place(options).access, _read_topic(options)
    newest = read_newest(access, topic, max(1, options.last), now=time.time())
    if not newest:
        warn(f"topic {topic!r} has no log yet; waiting for its first message")
    show = print_json if options.json else _print_entry
    for entry in newest if options.last else []:
        show(entry)
    offset = newest[-1]["offset"] if newest else -1
    entries = follow(
        access, topic, offset, every_seconds=options.interval, sleep=wait_for_reader
    )
    for entry in entries:
        show(entry)
    return 0  # pragma: no cover - it follows until it is interrupted


def _summarize(
    options: argparse.Namespace,
    read: "Callable[[Summary], list[dict[str, Any]]]",
    columns: tuple[Column, ...],
) -> int:
    from wspubsub.operations import Summary

    deployment = open_place(options)
    summary = Summary(time.time())
    for page in scan(deployment, is_agreed=options.yes):
        summary.add(page)
    show_rows(read(summary), columns, as_json=options.json)
    return 0


def _print_entry(entry: Row) -> None:
    print_line([make_printable(read(entry)) for _, read in _ENTRY], _ENTRY_WIDTHS)


def _read_topics(row: Row) -> str:
    return ", ".join(row["topics"])


def _read_topic(options: argparse.Namespace) -> str:
    from wspubsub.topics import validate_topic

    return validate_topic(options.topic)
