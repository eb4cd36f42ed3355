"""`wspubsub publish`, `post` and `disconnect`."""

import argparse
import sys
import time
from typing import TYPE_CHECKING, Any

from wspubsub.cli.complaints import complain
from wspubsub.cli.places import open_place
from wspubsub.cli.rows import print_json
from wspubsub.errors import UsageError

if TYPE_CHECKING:
    from wspubsub.operations.acting import Disconnected
    from wspubsub.operations.deployments import Deployment
    from wspubsub.reports import PublishReport

FAILED, PARTLY = 1, 3


def publish(options: argparse.Namespace) -> int:
    """Publish a message to a topic."""
    from wspubsub.operations.acting import publish

    report = publish(
        open_place(options),
        options.topic,
        _read_data(options.data),
        shards=options.shards,
        posts=options.post,
    )
    if options.json:
        print_json(_describe(report))
    else:
        print(_tell(report))
    if report.is_complete:
        return 0
    complain(f"not everybody got the message: {report.describe()}")
    return PARTLY if report.delivered else FAILED


def post(options: argparse.Namespace) -> int:
    """Send a message to one connection."""
    from wspubsub.operations.acting import post

    data = _read_data(options.data)
    post(
        open_place(options),
        options.connection,
        data,
        now=time.time(),
        is_raw=options.raw,
    )
    if options.json:
        print_json({"connection": options.connection, "posted": True})
    return 0


def disconnect(options: argparse.Namespace) -> int:
    """Close a connection, or those of a user."""
    from wspubsub.operations.acting import disconnect

    if (options.connection is None) == (options.user is None):
        raise UsageError("name either a connection or --user USER")
    deployment, now = open_place(options), time.time()
    connections = _find_connections(deployment, options, now)
    if not connections:
        complain(
            f"user {options.user!r} has no connections; only those of a PubSub can be "
            "found by their user"
        )
        return FAILED
    done = disconnect(deployment, connections, now=now)
    _show(done, as_json=options.json)
    if done.failed:
        return PARTLY if done.closed else FAILED
    return 0 if done.closed or options.user else FAILED


def _find_connections(
    deployment: "Deployment", options: argparse.Namespace, now: float
) -> list[str]:
    from wspubsub.operations.topics import read_user

    if options.user is None:
        return [options.connection]
    return read_user(deployment.access, options.user, now=now)


def _show(done: "Disconnected", *, as_json: bool) -> None:
    if as_json:
        print_json(done._asdict())
    else:
        for connection in done.closed:
            print(f"{connection} closed")
        for connection in done.gone:
            print(f"{connection} was gone")
    for connection, reason in done.failed.items():
        complain(f"{connection} was not closed: {reason}")


def _read_data(text: str) -> str:
    if text != "-":
        return text
    try:
        return sys.stdin.buffer.read().decode().removesuffix("\n")
    except UnicodeDecodeError as error:
        raise UsageError(f"the standard input is not UTF-8: {error}") from None


def _tell(report: "PublishReport") -> str:
    position = report.position
    logged = f"offset {position.offset} of the log; " if position else ""
    if report.queued:
        return f"{logged}the table's stream delivers it"
    gone = f", {len(report.gone)} gone" if report.gone else ""
    return f"{logged}{report.delivered} delivered{gone}"


def _describe(report: "PublishReport") -> dict[str, Any]:
    position = report.position
    return {
        "delivered": report.delivered,
        "gone": sorted(report.gone),
        "not_ready": sorted(report.not_ready),
        "throttled": sorted(report.throttled),
        "failed": dict(report.failed),
        "deferred": sorted(report.deferred),
        "position": None if position is None else [*position],
        "queued": report.queued,
        "is_complete": report.is_complete,
    }
