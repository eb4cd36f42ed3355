"""moto's server, with its corrections, on a socket that listens already."""

import logging
import os
import signal
import socket
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
from wspubsub.local.dynamodb.metered import Metered
from wspubsub.local.dynamodb.moto_corrections import OneAtATime, correct_tables
from wspubsub.local.dynamodb.recording import Recording
from wspubsub.local.dynamodb.saved_tables import (
    ChangeWatch,
    SavedTables,
    call_directly,
    keep_saving,
)
from wspubsub.local.dynamodb.time_to_live import ServiceClock, delete_expired


def serve(
    listening: socket.socket,
    control: Control,
    *,
    table: str | None,
    has_stream: bool = False,
    data: Path | None = None,
) -> None:
    """Serve until the process is ended from outside.

    Args:
        listening: The socket; this closes it.
        control: Hears when the table is there, about faults, and about requests.
        table: Name of a table to make; None makes none.
        has_stream: Whether it has a stream.
        data: Where the tables are kept; None keeps none.
    """
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    correct_tables()
    application = OneAtATime(DomainDispatcherApplication(create_backend_app))
    faults = Faults(on_fault=lambda fault: control.send({"fault": fault.to_json()}))
    control.on("faults", faults.set_rules)
    save = None if data is None else _load(data, application)
    if table is not None:
        # At a port of its own: nobody is served before there is a table.
        _make_table(application, table, has_stream=has_stream)
    metered = Metered(application)
    control.on("count", metered.switch)
    control.on("measure", lambda _value: control.send({"units": metered.read()}))
    watch = ChangeWatch(metered)
    clock = ServiceClock()
    recording = Recording(
        Faulty(watch, faults),
        lambda call: control.send({"call": call}),
        clock.real_time,
    )
    control.on("record", recording.switch)
    _take_clock(control, clock, application, watch)
    server = _make_server(recording, listening)
    if save is None:
        control.send({"ready": True})
        server.serve_forever()
        return
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    control.on_end(save)
    for work, arguments in ((server.serve_forever, ()), (keep_saving, (save, watch))):
        threading.Thread(target=work, args=arguments, daemon=True).start()
    control.send({"ready": True})
    ended.wait()
    save()


def _take_clock(
    control: Control, clock: ServiceClock, application: OneAtATime, watch: ChangeWatch
) -> None:
    """Let the gateway advance the clock, and say how many items have expired."""

    def advance(offset: float) -> None:
        with application.paused():
            clock.advance_to(offset)
            deleted = delete_expired()
        watch.changed.set()
        control.send({"clock": offset, "deleted": deleted})

    control.on("clock", advance)


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
