"""The role that SAM makes for a function: "AWS SAM policy templates" and its like."""

from collections.abc import Callable, Mapping
from typing import Any

from wspubsub.deployment.permissions import (
    CONSUMER_ACTIONS,
    LIST_STREAMS,
    STREAM_ACTIONS,
)
from wspubsub.deployment.reading.identities import ARN, HERE
from wspubsub.deployment.reading.stack import (
    NOT_KNOWN,
    as_list,
    as_mapping,
    is_function,
)

_READ = ("GetItem", "Scan", "Query", "BatchGetItem", "DescribeTable")
_WRITE = ("PutItem", "UpdateItem", "BatchWriteItem")
_CRUD = (*_READ, *_WRITE, "DeleteItem", "ConditionCheckItem")
# Of a table and of its indexes.
_TABLE_POLICIES = {
    "DynamoDBCrudPolicy": _CRUD,
    "DynamoDBReadPolicy": _READ,
    "DynamoDBWritePolicy": _WRITE,
}


def make_role(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the role that SAM makes for a function that has none."""
    documents: list[object] = []
    managed: list[object] = []
    for policy in as_list(properties.get("Policies")):
        document = _make_document(policy)
        if document is None:
            managed.append(policy)
        else:
            documents.append({"PolicyDocument": document})
    # SAM grants what reading the events takes.
    documents += [
        {"PolicyDocument": _make_events_document(as_mapping(event))}
        for event in as_mapping(properties.get("Events")).values()
    ]
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {"Policies": documents, "ManagedPolicyArns": managed},
    }


def _make_document(policy: object) -> object:
    """Return the document of an inline policy or of a SAM policy template.

    None for the name or the ARN of a managed policy, and for what is not known.
    """
    if not isinstance(policy, dict) or is_function(policy):
        return None
    if "Statement" in policy:
        return policy
    for name, arguments in policy.items():
        given = as_mapping(arguments)
        if name in _TABLE_POLICIES:
            actions = [f"dynamodb:{action}" for action in _TABLE_POLICIES[name]]
            table = _make_arn("dynamodb", "table/", given.get("TableName"))
            index = {"Fn::Join": ["", [table, "/index/*"]]}
            return {"Statement": _allow(actions, [table, index])}
        if name in _QUEUE_POLICIES:
            return {"Statement": _QUEUE_POLICIES[name](given.get("QueueName"))}
    return NOT_KNOWN


def _make_events_document(event: Mapping[str, Any]) -> dict[str, Any]:
    properties = as_mapping(event.get("Properties"))
    if event.get("Type") == "DynamoDB":
        actions = [*STREAM_ACTIONS, LIST_STREAMS]
        return {"Statement": _allow(actions, properties.get("Stream"))}
    if event.get("Type") == "SQS":
        return {"Statement": _allow([*CONSUMER_ACTIONS], properties.get("Queue"))}
    return {"Statement": []}


def _allow_sending(name: object) -> dict[str, Any]:
    return _allow(["sqs:SendMessage*"], _make_arn("sqs", "", name))


def _allow_polling(name: object) -> dict[str, Any]:
    return _allow([*CONSUMER_ACTIONS], _make_arn("sqs", "", name))


_QUEUE_POLICIES: dict[str, Callable[[object], dict[str, Any]]] = {
    "SQSSendMessagePolicy": _allow_sending,
    "SQSPollerPolicy": _allow_polling,
}


def _make_arn(service: str, prefix: str, name: object) -> dict[str, Any]:
    start = f"{ARN}{service}:{HERE}:{prefix}"
    return {"Fn::Join": ["", [{"Fn::Sub": start}, name]]}


def _allow(actions: list[str], resource: object) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}
