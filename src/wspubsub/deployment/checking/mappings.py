"""Rules about event source mappings: streams and queues that invoke a function."""

from collections.abc import Iterator

from wspubsub.deployment.checking.deployment import (
    DEFAULT_TIMEOUT_SECONDS,
    QUEUE as SQS_QUEUE,
    TABLE,
    Deployment,
)
from wspubsub.deployment.checking.findings import Finding
from wspubsub.deployment.checking.grants import read_grants
from wspubsub.deployment.checking.permissions import list_queue_names, report_lacking
from wspubsub.deployment.checking.retries import check_loops, check_retries
from wspubsub.deployment.checking.stack import Resource, as_list, as_mapping
from wspubsub.deployment.permissions import (
    CONSUMER_ACTIONS,
    LIST_STREAMS,
    STREAM_ACTIONS,
)
from wspubsub.deployment.template.settings import VISIBILITY_TIMEOUTS
from wspubsub.deployment.template.storage import PARTIAL_RESPONSES
from wspubsub.handlers.application import QUEUE, STREAM, Application

# Of a queue that has none in the template.
_VISIBILITY_TIMEOUT = 30


def check_mappings(
    deployment: Deployment, application: Application
) -> Iterator[Finding]:
    """Yield what is wrong with the mappings of a template."""
    for each, function in deployment.find_mappings():
        yield from _check_mapping(deployment, application, each, function)
    yield from _check_missing(deployment, application)


def _check_mapping(
    deployment: Deployment,
    application: Application,
    each: Resource,
    function: Resource | None,
) -> Iterator[Finding]:
    types = as_list(each.properties.get("FunctionResponseTypes"))
    if not {PARTIAL_RESPONSES, None} & set(deployment.stack.texts(types)):
        yield Finding(
            each.name,
            "a single failed record fails its whole batch: set FunctionResponseTypes "
            f"to [{PARTIAL_RESPONSES}]",
        )
    yield from _check_stream(deployment, each)
    yield from check_retries(deployment, each)
    if function is None:
        return
    yield from check_loops(deployment, each, function)
    yield from _check_permissions(deployment, each, function)
    yield from _check_visibility(deployment, each, function)
    source = _find_source(deployment, each)
    is_ours = deployment.runs_application(function)
    if source is not None and is_ours and not application.may_take(source):
        yield Finding(
            each.name,
            f"{application.handler} cannot handle records of the {source}: pass "
            f"{source}= to EventSources, or use a function with another handler "
            "for the mapping",
        )


def _find_source(deployment: Deployment, mapping: Resource) -> str | None:
    arn = mapping.properties.get("EventSourceArn")
    if deployment.stack.resolve(arn, TABLE) is not None:
        return STREAM
    return QUEUE if deployment.stack.resolve(arn, SQS_QUEUE) is not None else None


def _check_missing(
    deployment: Deployment, application: Application
) -> Iterator[Finding]:
    mapped = [_find_source(deployment, each) for each, _ in deployment.find_mappings()]
    if None in mapped:
        return  # it may be the one that is missing
    for source in sorted((application.event_sources or set()) - set(mapped)):
        for function in deployment.functions:
            yield Finding(
                function.name,
                f"{application.handler} handles records of the {source}, but "
                "nothing invokes it with them: add an "
                "AWS::Lambda::EventSourceMapping of the "
                f"{'table' if source == STREAM else 'queue'} with its FunctionName",
            )


def _check_stream(deployment: Deployment, each: Resource) -> Iterator[Finding]:
    source = deployment.stack.text(each.properties.get("EventSourceArn")) or ""
    table = deployment.stack.resolve(source, TABLE)
    if table is None:
        return
    stream = as_mapping(table.properties.get("StreamSpecification"))
    view = deployment.stack.text(stream.get("StreamViewType"))
    if not stream:
        yield Finding(
            table.name,
            f"has no stream, but {each.name} reads it: set StreamSpecification to "
            "StreamViewType NEW_AND_OLD_IMAGES",
        )
    elif view in ("KEYS_ONLY", "OLD_IMAGE"):
        yield Finding(
            table.name,
            f"StreamViewType {view} leaves out what {each.name} needs: set it to "
            "NEW_AND_OLD_IMAGES",
        )


def _check_visibility(
    deployment: Deployment, each: Resource, function: Resource
) -> Iterator[Finding]:
    stack = deployment.stack
    queue = stack.resolve(each.properties.get("EventSourceArn"), SQS_QUEUE)
    if queue is None:
        return
    timeout = stack.number(function.properties.get("Timeout"), DEFAULT_TIMEOUT_SECONDS)
    window = stack.number(each.properties.get("MaximumBatchingWindowInSeconds"), 0)
    visible = stack.number(
        queue.properties.get("VisibilityTimeout"), _VISIBILITY_TIMEOUT
    )
    if timeout is None or window is None or visible is None:
        return
    least = VISIBILITY_TIMEOUTS * timeout + window
    if visible < least:
        yield Finding(
            queue.name,
            f"VisibilityTimeout is {visible} s, so messages are redelivered while "
            f"{function.name} is still handling them: set it to {least} or more "
            f"({VISIBILITY_TIMEOUTS} times the function's Timeout, plus the batching "
            "window)",
        )


def _check_permissions(
    deployment: Deployment, each: Resource, function: Resource
) -> Iterator[Finding]:
    found = read_grants(deployment.stack, function)
    source = deployment.stack.text(each.properties.get("EventSourceArn"))
    if found is None or source is None:
        return
    queue = deployment.stack.resolve(source, SQS_QUEUE)
    if queue is not None:
        wanted = {
            action: list_queue_names(deployment, queue) for action in CONSUMER_ACTIONS
        }
    elif source.endswith(".StreamArn}"):
        table = source.removeprefix("${").removesuffix(".StreamArn}")
        streams = [
            f"${{{table}.Arn}}/stream/x",
            f"dynamodb:table/${{{table}}}/stream/x",
        ]
        wanted = {action: [source, *streams] for action in STREAM_ACTIONS}
        wanted[LIST_STREAMS] = [source, *streams]
    else:
        return
    for action, names in wanted.items():
        if found.lacks(action, *names):
            yield report_lacking(
                found, action, f"what {each.name} reads for {function.name}"
            )
