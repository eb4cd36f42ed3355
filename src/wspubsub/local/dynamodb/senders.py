"""Who besides the application makes requests to the embedded services."""

from enum import Enum
from functools import partial
from typing import Any

from wspubsub.aws.forks import Boto3Client

SENDER = "HTTP_X_WSPUBSUB_SENDER"
"""The header that names the sender, among the variables of a WSGI request."""

_HEADER = "X-Wspubsub-Sender"


class Sender(Enum):
    """A part of the gateway."""

    INSPECTOR = "inspector"
    """The inspector, which looks at what is there."""
    EVENT_SOURCE = "event-source"
    """A stream or a queue, which asks for what Lambda asks for on AWS."""


def mark_requests(client: Boto3Client, sender: Sender) -> None:
    """Have a client name its sender with each request."""
    client.meta.events.register("before-call", partial(_mark, sender))


def _mark(sender: Sender, params: dict[str, Any], **_others: object) -> None:
    params["headers"][_HEADER] = sender.value
