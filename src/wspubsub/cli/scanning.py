"""Says what reading a whole table costs, asks, and shows how far it is."""

import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from wspubsub.errors import UsageError

if TYPE_CHECKING:
    from wspubsub.dynamodb.items import Item
    from wspubsub.operations.deployments import Deployment

PROGRESS_SECONDS = 1.0
"""How long to wait before, and between, what is said about the progress."""


def scan(deployment: "Deployment", *, is_agreed: bool) -> "Iterator[list[Item]]":
    """Yield the pages of a table, after the user has agreed to the costs.

    Args:
        deployment: Where the table is; nobody is asked about one on this machine.
        is_agreed: Whether the user has agreed already.

    Raises:
        UsageError: The user does not agree, or cannot be asked.
        StoreError: DynamoDB failed.
    """
    from wspubsub.operations.scans import estimate_scan, scan_pages

    table = deployment.require_table()
    estimate = estimate_scan(deployment.client, table)
    if not deployment.is_local:
        _say(
            f"this scans table {table}: about {estimate.items:,} items, "
            f"{estimate.size_bytes / 1e6:,.1f} MB, {estimate.read_units:,} read units, "
            f"${estimate.dollars:.6f} on demand (DynamoDB counts every 6 hours)"
        )
        if not is_agreed:
            _ask()
    said_at, count = time.monotonic(), 0
    for page in scan_pages(deployment.client, table):
        count += len(page)
        if time.monotonic() - said_at >= PROGRESS_SECONDS:
            said_at = time.monotonic()
            _say(f"{count:,} of about {max(count, estimate.items):,} items read")
        yield page


def _ask() -> None:
    if not sys.stdin.isatty():
        raise UsageError("this reads the whole table; add --yes to agree to the costs")
    print("Go on? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise UsageError("nothing was read; add --yes to agree without being asked")


def _say(text: str) -> None:
    print(f"wspubsub: {text}", file=sys.stderr, flush=True)
