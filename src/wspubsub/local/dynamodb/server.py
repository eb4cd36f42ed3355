"""moto's server, with its corrections, on a socket that listens already."""

import logging
import socket
import sys
import threading

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import BaseWSGIServer, make_server

from wspubsub.dynamodb import create_table
from wspubsub.errors import WspubsubError
from wspubsub.faults import Faults
from wspubsub.local.dynamodb.control import Control
from wspubsub.local.dynamodb.faulty import Faulty
from wspubsub.local.dynamodb.guard import Application, Guard
from wspubsub.local.dynamodb.metered import Metered
from wspubsub.local.dynamodb.moto_corrections import OneAtATime, correct_tables


def serve(listening: socket.socket, control: Control, arguments: list[str]) -> None:
    """Serve until the process is ended from outside.

    Args:
        listening: The socket; this closes it.
        control: Hears when the table is there, and about faults.
        arguments: A table to make, and whether it has a stream.
    """
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    correct_tables()
    application = OneAtATime(DomainDispatcherApplication(create_backend_app))
    faults = Faults(on_fault=lambda fault: control.send({"fault": fault.to_json()}))
    control.on("faults", faults.set_rules)
    if arguments:
        table, *options = arguments
        # At a port of its own: nobody is served before there is a table.
        _make_table(application, table, has_stream="--stream" in options)
    metered = Metered(application)
    control.on("measure", lambda _value: control.send({"units": metered.read()}))
    server = _make_server(Faulty(metered, faults), listening)
    control.send({"ready": True})
    server.serve_forever()


def _make_server(application: Application, listening: socket.socket) -> BaseWSGIServer:
    server = make_server(
        "127.0.0.1",
        0,
        application,
        threaded=True,
        request_handler=MotoRequestHandler,
        fd=listening.fileno(),
    )
    listening.close()  # the server has a descriptor of its own
    server.app = Guard(application, port=server.port)
    return server


def _make_table(application: Application, table: str, *, has_stream: bool) -> None:
    server = _make_server(application, socket.create_server(("127.0.0.1", 0)))
    threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
    ).start()
    url = f"http://127.0.0.1:{server.port}"
    client = boto3.client("dynamodb", endpoint_url=url)
    try:
        create_table(table, client=client, stream=has_stream)
    except (WspubsubError, BotoCoreError, ClientError) as error:
        sys.exit(str(error))
    server.shutdown()
    server.server_close()
