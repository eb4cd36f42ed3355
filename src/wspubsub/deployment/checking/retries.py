"""Rules about what Lambda retries, gives up on, and stops."""

from collections.abc import Iterator, Mapping
from typing import Any

from wspubsub.deployment.checking.deployment import QUEUE, TABLE, Deployment
from wspubsub.deployment.checking.findings import Finding
from wspubsub.deployment.checking.stack import Resource, as_mapping
from wspubsub.deployment.template.functions import ALLOW_LOOPS
from wspubsub.deployment.template.storage import STREAM_AGE_SECONDS, STREAM_RETRIES

_FOREVER = "-1"


def check_retries(deployment: Deployment, each: Resource) -> Iterator[Finding]:
    """Yield what is wrong with the retries of a stream's mapping."""
    stack = deployment.stack
    source = stack.text(each.properties.get("EventSourceArn")) or ""
    table = stack.resolve(source, TABLE)
    if table is None or table not in map(deployment.find_table, deployment.functions):
        return
    if missing := list(_list_missing(deployment, each.properties)):
        yield Finding(
            each.name,
            "a failing record blocks those behind it for a day, or is dropped "
            f"unnoticed: set {' and '.join(missing)}",
        )
    age = stack.text(each.properties.get("MaximumRecordAgeInSeconds"))
    if age is not None and age.isdecimal() and int(age) < STREAM_AGE_SECONDS:
        yield Finding(
            each.name,
            f"MaximumRecordAgeInSeconds is {age} s, so after an outage Lambda "
            "drops records that it has never tried, while their subscribers are "
            f"still connected: set it to {STREAM_AGE_SECONDS} or more",
        )


def check_loops(
    deployment: Deployment, each: Resource, function: Resource
) -> Iterator[Finding]:
    """Yield what is wrong if a function sends to the queue that invokes it."""
    stack = deployment.stack
    queue = stack.resolve(each.properties.get("EventSourceArn"), QUEUE)
    own = stack.resolve(deployment.find_variable(function, "WSPUBSUB_QUEUE"), QUEUE)
    loop = stack.text(function.properties.get("RecursiveLoop", "Terminate"))
    if queue is None or queue != own or loop in (ALLOW_LOOPS, None):
        return
    yield Finding(
        function.name,
        f"sends to {queue.name}, which invokes it; Lambda stops such a chain after "
        f"about 16 invocations: set RecursiveLoop to {ALLOW_LOOPS}",
    )


def _list_missing(
    deployment: Deployment, properties: Mapping[str, Any]
) -> Iterator[str]:
    text = deployment.stack.text
    if text(properties.get("MaximumRetryAttempts", _FOREVER)) == _FOREVER:
        yield f"MaximumRetryAttempts to {STREAM_RETRIES}"
    if "MaximumRecordAgeInSeconds" not in properties:
        yield f"MaximumRecordAgeInSeconds to {STREAM_AGE_SECONDS}"
    if text(properties.get("BisectBatchOnFunctionError", False)) == "false":
        yield "BisectBatchOnFunctionError to true"
    if not _has_destination(properties.get("DestinationConfig")):
        yield "DestinationConfig.OnFailure.Destination to a queue"


def _has_destination(config: object) -> bool:
    found = as_mapping(config)
    # What only CloudFormation knows, such as Fn::If, may be one.
    is_known = found.keys() <= {"OnFailure", "OnSuccess"}
    return not is_known or bool(as_mapping(found.get("OnFailure")))
