"""Does what EventBridge does on AWS: invokes `app.tick` with orders and minutes.

    python send.py dev.jsonl

`dev.jsonl` is what `wspubsub dev --json-logs` has written; its first line says where
the table and the pages are. A minute lasts five seconds here.
"""

import argparse
import contextlib
import importlib
import json
import os
import random
import time
import uuid
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

MAX_ORDERS_A_MINUTE = 20


def main() -> None:
    parser = argparse.ArgumentParser(description="Sends orders until Ctrl-C.")
    parser.add_argument("log", type=Path, help="what wspubsub dev has written")
    parser.add_argument("--minutes", type=int, help="end after this many")
    parser.add_argument("--minute-seconds", type=float, default=5.0)
    options = parser.parse_args()
    app = local_app(options.log)
    for number in range(1, options.minutes + 1) if options.minutes else count(1):
        orders = random.randint(2, MAX_ORDERS_A_MINUTE)  # noqa: S311 - for show
        for _ in range(orders):
            app.tick(order())
            time.sleep(options.minute_seconds / orders)
        app.tick(event("aws.events", "Scheduled Event", {}))
        print(f"minute {number}: {orders} orders and refunds", flush=True)


def local_app(log: Path) -> ModuleType:
    """Import the application with the environment that it has under wspubsub dev."""
    with log.open() as lines:
        ready = json.loads(next(lines))
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": ready["region"],
        "AWS_DEFAULT_REGION": ready["region"],
        "AWS_ENDPOINT_URL_DYNAMODB": ready["dynamodb_url"],
        "WSPUBSUB_TABLE": ready["table"],
        "WSPUBSUB_ENDPOINT": ready["management_url"],
        **({"WSPUBSUB_STREAM": ready["stream"]} if "stream" in ready else {}),
        **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1"),
    }
    return importlib.import_module("app")


def order() -> dict[str, Any]:
    kind = random.choices(("order placed", "order refunded"), weights=(9, 1))[0]  # noqa: S311 - for show
    cents = round(random.lognormvariate(7.8, 0.6))
    return event("shop", kind, {"cents": cents})


def event(source: str, detail_type: str, detail: dict[str, Any]) -> dict[str, Any]:
    """Return an event as EventBridge gives it to a function."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": source,
        "account": "123456789012",
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": "us-east-1",
        "resources": [],
        "detail": detail,
    }


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
