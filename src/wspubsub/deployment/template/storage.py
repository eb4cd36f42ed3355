"""The table, the queues, and what Lambda reads from them.

"Using Lambda with Amazon DynamoDB" and "Using Lambda with Amazon SQS": without
retries that end, one bad record blocks its shard for a day.
"""

import json
from collections.abc import Mapping
from typing import Any

from wspubsub.deployment.template.intrinsics import Resources, attribute, ref, resource
from wspubsub.deployment.template.settings import TemplateSettings
from wspubsub.dynamodb.items import (
    CONNECTION_SORT_KEY,
    TTL_ATTRIBUTE,
    connection_partition,
)
from wspubsub.dynamodb.log_items import log_partition
from wspubsub.subscriptions.port import TTL_SECONDS

PARTIAL_RESPONSES = "ReportBatchItemFailures"

_WEEKS_2 = 1_209_600
_STREAM_BATCH = 100
_QUEUE_BATCH = 1
"""Parts of a fan-out are processed side by side, not one after the other."""

_QUEUE_CONCURRENCY = 5
"""So many functions post about as much as an account may by default, 10,000 requests a
second ("Amazon API Gateway quotas"); more would only throttle each other."""

_QUEUE_RECEIVES = 5
STREAM_RETRIES = 10
STREAM_AGE_SECONDS = TTL_SECONDS
"""Nobody who was subscribed when an older message was published is still connected.

With less, an outage or a few records that fail make Lambda drop what it never tried.
"""

_WAKING: tuple[dict[str, Any], ...] = (
    {
        "Keys": {"pk": {"S": [{"prefix": log_partition("")}]}},
        # What begins an epoch of a log has no message, and so no ID. `exists` is for
        # leaves only ("Using event filtering with a DynamoDB event source").
        "NewImage": {"id": {"S": [{"exists": True}]}},
    },
    {
        "Keys": {
            "pk": {"S": [{"prefix": connection_partition("")}]},
            "sk": {"S": [CONNECTION_SORT_KEY]},
        }
    },
)
STREAM_FILTERS: tuple[Mapping[str, Any], ...] = tuple(
    {"eventName": ["INSERT"], "dynamodb": change} for change in _WAKING
)
"""What wakes a function: new log entries and new connections, and nothing else.

Subscriptions, deletions and expiry are most of what the stream carries.
"""


def table(settings: TemplateSettings) -> Resources:
    """Return the table of the store, and of the log.

    Connections end with the stack, so their table may; a history may not be lost.
    """
    keep = "Retain" if settings.history else "Delete"
    properties: dict[str, Any] = {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")
        ],
        "KeySchema": [
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        "TimeToLiveSpecification": {"AttributeName": TTL_ATTRIBUTE, "Enabled": True},
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "SSESpecification": {"SSEEnabled": True},
    }
    if settings.streams:
        properties["StreamSpecification"] = {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    made = resource(
        "AWS::DynamoDB::Table",
        properties,
        DeletionPolicy=keep,
        UpdateReplacePolicy=keep,
    )
    return {"Table": made}


def queues(settings: TemplateSettings) -> Resources:
    """Return the queues: one for work, and one for work that failed."""
    found: Resources = {}
    if settings.streams:
        found["StreamFailures"] = _queue({"MessageRetentionPeriod": _WEEKS_2})
    if settings.queue:
        found["DeadLetters"] = _queue({"MessageRetentionPeriod": _WEEKS_2})
        redrive = {
            "deadLetterTargetArn": attribute("DeadLetters", "Arn"),
            "maxReceiveCount": _QUEUE_RECEIVES,
        }
        found["Queue"] = _queue(
            {
                "VisibilityTimeout": settings.visibility_seconds,
                "RedrivePolicy": redrive,
            }
        )
    return found


def event_source_mappings(settings: TemplateSettings, function: str) -> Resources:
    """Return the mappings that invoke a function for the stream and the queue."""
    found: Resources = {}
    if settings.streams:
        found["StreamMapping"] = _mapping(function, _stream_mapping())
    if settings.queue:
        source = {
            "EventSourceArn": attribute("Queue", "Arn"),
            "BatchSize": _QUEUE_BATCH,
            "ScalingConfig": {"MaximumConcurrency": _QUEUE_CONCURRENCY},
        }
        found["QueueMapping"] = _mapping(function, source)
    return found


def _queue(properties: dict[str, Any]) -> dict[str, Any]:
    return resource(
        "AWS::SQS::Queue",
        {"SqsManagedSseEnabled": True, **properties},
        DeletionPolicy="Delete",
        UpdateReplacePolicy="Delete",
    )


def _mapping(function: str, properties: dict[str, Any]) -> dict[str, Any]:
    return resource(
        "AWS::Lambda::EventSourceMapping",
        {
            "FunctionName": ref(function),
            **properties,
            "FunctionResponseTypes": [PARTIAL_RESPONSES],
        },
    )


def _stream_mapping() -> dict[str, Any]:
    # LATEST may miss what is written while the mapping is being made.
    return {
        "EventSourceArn": attribute("Table", "StreamArn"),
        "StartingPosition": "TRIM_HORIZON",
        "BatchSize": _STREAM_BATCH,
        "BisectBatchOnFunctionError": True,
        "MaximumRetryAttempts": STREAM_RETRIES,
        "MaximumRecordAgeInSeconds": STREAM_AGE_SECONDS,
        "FilterCriteria": {
            "Filters": [
                {"Pattern": json.dumps(pattern, separators=(",", ":"))}
                for pattern in STREAM_FILTERS
            ]
        },
        "DestinationConfig": {
            "OnFailure": {"Destination": attribute("StreamFailures", "Arn")}
        },
    }
