"""What the server does on its own: it announces, writes to users, and bans them.

    python moderate.py dev.jsonl announce "Maintenance tonight at ten"
    python moderate.py dev.jsonl tell alice "Your parcel is here"
    python moderate.py dev.jsonl remove alice room:lobby
    python moderate.py dev.jsonl ban alice

`dev.jsonl` is what `wspubsub dev --json-logs` has written; its first line says where
the table and the connections are. On AWS a function that has the two variables of the
template, and its permissions, calls the same methods.
"""

import argparse
import importlib
import json
import os
from pathlib import Path
from types import ModuleType


def main() -> None:
    parser = argparse.ArgumentParser(description="Acts as the server.")
    parser.add_argument("log", type=Path, help="what wspubsub dev has written")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, arguments in {
        "announce": ["text"],
        "tell": ["user", "text"],
        "remove": ["user", "topic"],
        "ban": ["user"],
    }.items():
        command = commands.add_parser(name)
        for argument in arguments:
            command.add_argument(argument)
    options = parser.parse_args()
    pubsub = local_app(options.log).pubsub
    if options.command == "announce":
        pubsub.publish("news", {"text": options.text})
    elif options.command == "tell":
        pubsub.publish(f"user:{options.user}", {"text": options.text})
    elif options.command == "remove":
        pubsub.unsubscribe(options.user, options.topic)
    else:
        pubsub.disconnect(options.user, reason="banned")


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
