"""Live tables and queues."""

import json
from typing import Any

from wspubsub.deployment.description.parts import Queue, Table
from wspubsub.deployment.description.unknown import UNKNOWN, Maybe
from wspubsub.deployment.live.account import Account, Answer
from wspubsub.deployment.live.keys import read_key
from wspubsub.deployment.live.stack import Stack as Resources
from wspubsub.deployment.reading.identities import QUEUE, TABLE

_TTL_ON = ("ENABLED", "ENABLING")


def read_table(account: Account, name: str) -> Maybe[Answer] | None:
    """Return what AWS says about a table; None if it is not there."""
    answer = account.ask("dynamodb", "describe_table", TableName=name)
    if answer is UNKNOWN or answer is None:
        return answer
    found: Answer = answer["Table"]
    return found


def describe_table(account: Account, resources: Resources, found: Answer) -> Table:
    """Return a table as the rules see it."""
    name = found["TableName"]
    ttl = account.ask("dynamodb", "describe_time_to_live", TableName=name)
    has_ttl: Maybe[bool] = UNKNOWN
    attribute: Maybe[str] | None = UNKNOWN
    if ttl is not UNKNOWN and ttl is not None:
        described = ttl["TimeToLiveDescription"]
        has_ttl = described.get("TimeToLiveStatus") in _TTL_ON
        attribute = described.get("AttributeName")
    stream = found.get("StreamSpecification") or {}
    encryption = found.get("SSEDescription") or {}
    return Table(
        name=resources.name(TABLE, name),
        table_name=name,
        arn=found["TableArn"],
        stream_arn=found.get("LatestStreamArn", f"{found['TableArn']}/stream/none"),
        keys=tuple((e["AttributeName"], e["KeyType"]) for e in found["KeySchema"]),
        key_types={
            e["AttributeName"]: e["AttributeType"]
            for e in found["AttributeDefinitions"]
        },
        has_ttl=has_ttl,
        ttl_attribute=attribute,
        stream_view=stream.get("StreamViewType")
        if stream.get("StreamEnabled")
        else None,
        key=read_key(account, resources, encryption.get("KMSMasterKeyArn")),
    )


def may_share_table(account: Account, arn: str) -> bool:
    """Return whether a table's own policy may allow something."""
    return account.ask("dynamodb", "get_resource_policy", ResourceArn=arn) is not None


def read_queue(account: Account, url: str) -> Maybe[Answer] | None:
    """Return the attributes of a queue; None if it is not there."""
    answer = account.ask(
        "sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=["All"]
    )
    if answer is UNKNOWN or answer is None:
        return answer
    found: Answer = {**answer.get("Attributes", {}), "QueueUrl": url}
    return found


def describe_queue(account: Account, resources: Resources, found: Answer) -> Queue:
    """Return a queue as the rules see it."""
    return Queue(
        name=resources.name(QUEUE, found["QueueUrl"]),
        url=found["QueueUrl"],
        arn=found["QueueArn"],
        is_fifo=found["QueueArn"].endswith(".fifo"),
        visibility_seconds=int(found["VisibilityTimeout"]),
        has_dead_letters=find_dead_letters(found) is not None,
        key=read_key(account, resources, found.get("KmsMasterKeyId")),
    )


def find_dead_letters(queue: Answer) -> str | None:
    """Return the ARN of the queue for what could not be handled."""
    policy: dict[str, Any] = json.loads(queue.get("RedrivePolicy") or "{}")
    return policy.get("deadLetterTargetArn")
