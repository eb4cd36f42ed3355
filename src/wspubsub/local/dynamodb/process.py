"""The embedded DynamoDB and SQS, in a process of its own: moto's server.

    python -m wspubsub.local.dynamodb.process [TABLE [--stream]]

It prints the port it listens on when the table is there, and ends when its standard
input does.
"""

import logging
import sys
import threading

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from wspubsub.dynamodb import create_table
from wspubsub.errors import WspubsubError
from wspubsub.faults import Faults
from wspubsub.local.dynamodb.control import Control
from wspubsub.local.dynamodb.faulty import Faulty
from wspubsub.local.dynamodb.guard import Guard
from wspubsub.local.dynamodb.moto_corrections import OneAtATime, correct_tables
from wspubsub.local.dynamodb.recording import Recording
from wspubsub.local.functions.bootstrap import end_with_parent


def main(arguments: list[str]) -> None:
    """Serve until the process is ended from outside."""
    control = Control()
    end_with_parent(control.feed)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    correct_tables()
    application = OneAtATime(DomainDispatcherApplication(create_backend_app))
    server = make_server(
        "127.0.0.1", 0, application, threaded=True, request_handler=MotoRequestHandler
    )
    faults = Faults(on_fault=lambda fault: control.send({"fault": fault.to_json()}))
    control.on("faults", faults.set_rules)
    recording = Recording(
        Faulty(application, faults),
        lambda call: control.send({"call": call}),
    )
    control.on("record", recording.switch)
    server.app = Guard(recording, port=server.port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    if arguments:
        table, *options = arguments
        _make_table(table, port=server.port, stream="--stream" in options)
    # What the gateway waits for.
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    threading.Event().wait()


def _make_table(table: str, *, port: int, stream: bool) -> None:
    client = boto3.client("dynamodb", endpoint_url=f"http://127.0.0.1:{port}")
    try:
        create_table(table, client=client, stream=stream)
    except (WspubsubError, BotoCoreError, ClientError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
