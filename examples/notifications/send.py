"""Invokes `app.notify` on this machine, as your own service does on AWS.

    python send.py dev.jsonl alice parcel-17 "Your parcel is here"

`dev.jsonl` is what `wspubsub dev --json-logs` has written; its first line says where
the table and the devices are.
"""

import argparse
import importlib
import json
import os
from pathlib import Path
from types import ModuleType


def main() -> None:
    parser = argparse.ArgumentParser(description="Notifies a user.")
    parser.add_argument("log", type=Path, help="what wspubsub dev has written")
    parser.add_argument("user")
    parser.add_argument("id", help="the same notification has the same one")
    parser.add_argument("title")
    options = parser.parse_args()
    app = local_app(options.log)
    print(
        app.notify({"user": options.user, "id": options.id, "title": options.title}),
        flush=True,
    )


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


if __name__ == "__main__":
    main()
