"""The embedded DynamoDB and SQS, in a process of its own: moto's server.

    python -m wspubsub.local.dynamodb.process
        [TABLE [--stream]] [--port N] [--data DIR]

It prints the port it listens on when the table is there, and ends when its standard
input does.
"""

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import BaseWSGIServer, make_server

from wspubsub.dynamodb import create_table
from wspubsub.errors import UsageError, WspubsubError
from wspubsub.faults import Faults
from wspubsub.local.dynamodb.control import Control
from wspubsub.local.dynamodb.faulty import Faulty
from wspubsub.local.dynamodb.guard import Application, Guard
from wspubsub.local.dynamodb.moto_corrections import OneAtATime, correct_tables
from wspubsub.local.dynamodb.saved_tables import (
    ChangeWatch,
    SavedTables,
    call_directly,
    keep_saving,
)
from wspubsub.local.functions.bootstrap import end_with_parent


def main(arguments: list[str]) -> None:
    """Serve until the process is ended from outside."""
    options = _parse(arguments)
    control = Control()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    correct_tables()
    application = OneAtATime(DomainDispatcherApplication(create_backend_app))
    save = _load(options.data, application) if options.data else _save_nothing
    end_with_parent(control.feed, before=save)
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    faults = Faults(on_fault=lambda fault: control.send({"fault": fault.to_json()}))
    control.on("faults", faults.set_rules)
    watch = ChangeWatch(application)
    server = _make_server(options.port, Faulty(watch, faults))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    if options.table:
        _make_table(options.table, port=server.port, stream=options.stream)
    if options.data:
        saving = threading.Thread(
            target=keep_saving, args=(save, watch.changed), daemon=True
        )
        saving.start()
    # What the gateway waits for.
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    ended.wait()
    save()


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("table", nargs="?")
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--data", type=Path)
    return parser.parse_args(arguments)


def _make_server(port: int, application: Application) -> BaseWSGIServer:
    try:
        server = make_server(
            "127.0.0.1",
            port,
            application,
            threaded=True,
            request_handler=MotoRequestHandler,
        )
    except (OSError, SystemExit) as error:
        # werkzeug prints what is wrong, in words that are for its own users.
        sys.exit(f"cannot listen on port {port}, is it in use? ({error})")
    server.app = Guard(application, port=server.port)
    return server


def _save_nothing() -> None:
    return


def _load(folder: Path, application: OneAtATime) -> Callable[[], None]:
    """Create the tables that were saved, and return what saves them."""
    region = os.environ["AWS_REGION"]
    try:
        saved = SavedTables(folder)
        with application.paused() as inner:
            saved.load(call_directly(inner, region))
    except UsageError as error:
        sys.exit(str(error))

    def save() -> None:
        # Nothing changes meanwhile, so what is saved has been true at one moment.
        with application.paused() as inner:
            saved.save(call_directly(inner, region))

    return save


def _make_table(table: str, *, port: int, stream: bool) -> None:
    client = boto3.client("dynamodb", endpoint_url=f"http://127.0.0.1:{port}")
    try:
        create_table(table, client=client, stream=stream)
    except (WspubsubError, BotoCoreError, ClientError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
