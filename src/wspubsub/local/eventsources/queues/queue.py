"""The queue that functions send to, and its dead-letter queue."""

import json
from dataclasses import dataclass

from wspubsub.mappings.clients import SourceQueueClient
from wspubsub.mappings.settings import QueueSettings

DEAD_LETTER_SUFFIX = "-dead"
RETENTION_SECONDS = 14 * 86_400
"""As long as SQS can keep a message, so that somebody can look at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalQueue:
    """An existing queue.

    Attributes:
        url: Where messages are sent to.
        arn: Its ARN.
        dead_letter_url: Where those end up that cannot be handled.
    """

    url: str
    arn: str
    dead_letter_url: str


def make_queue(client: SourceQueueClient, settings: QueueSettings) -> LocalQueue:
    """Create a queue with a dead-letter queue."""
    dead_letter_url = client.create_queue(
        QueueName=settings.name + DEAD_LETTER_SUFFIX,
        Attributes={"MessageRetentionPeriod": str(RETENTION_SECONDS)},
    )["QueueUrl"]
    redrive = {
        "deadLetterTargetArn": _arn(client, dead_letter_url),
        "maxReceiveCount": settings.max_receive_count,
    }
    url = client.create_queue(
        QueueName=settings.name,
        Attributes={
            "VisibilityTimeout": str(settings.visibility_timeout_seconds),
            "RedrivePolicy": json.dumps(redrive),
        },
    )["QueueUrl"]
    return LocalQueue(url=url, arn=_arn(client, url), dead_letter_url=dead_letter_url)


def _arn(client: SourceQueueClient, url: str) -> str:
    answer = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(answer["Attributes"]["QueueArn"])
