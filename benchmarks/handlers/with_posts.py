"""A handler that answers by posting, as an application does: to one, or to many."""

import os
import time

from wspubsub import Router
from wspubsub.aws import ManagementApi
from wspubsub.events import ConnectEvent, DisconnectEvent, MessageEvent

handler = Router()
connections = ManagementApi(os.environ["WSPUBSUB_ENDPOINT"])


@handler.connect
def accept(_event: ConnectEvent) -> None:
    """Accept everybody."""


@handler.disconnect
def forget(_event: DisconnectEvent) -> None:
    """Do nothing: nothing is kept."""


@handler.route("answer", two_way=True)
def answer(event: MessageEvent) -> str:
    """Answer with the ID of the connection that asks."""
    return event.connection_id


@handler.route("echo")
def echo(event: MessageEvent) -> None:
    """Post its ID to the connection that asks."""
    connections.post(event.connection_id, event.connection_id.encode())


@handler.route("all")
def post_to_all(event: MessageEvent) -> None:
    """Post a text to the connections that are named."""
    ids, text = event.fields(ids=list[str], text=str)
    deadline = time.monotonic() + event.remaining_seconds()
    for _ in connections.post_many(ids, text.encode(), deadline=deadline):
        pass
