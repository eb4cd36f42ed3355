"""Rules about event source mappings: streams and queues that invoke a function."""

from collections.abc import Iterator

from wspubsub.deployment.checking.findings import Finding
from wspubsub.deployment.checking.tables import find_queue
from wspubsub.deployment.description.deployment import Deployment
from wspubsub.deployment.description.parts import EventSource, Function
from wspubsub.deployment.description.unknown import UNKNOWN
from wspubsub.deployment.template.settings import VISIBILITY_TIMEOUTS
from wspubsub.deployment.template.storage import (
    PARTIAL_RESPONSES,
    STREAM_AGE_SECONDS,
    STREAM_RETRIES,
)
from wspubsub.handlers.application import QUEUE, STREAM

_FOREVER = -1


def check_mappings(deployment: Deployment) -> Iterator[Finding]:
    """Yield what is wrong with the event source mappings of an application."""
    for each, function in deployment.workers:
        is_own = _is_own(deployment, each, function)
        if not is_own and function not in deployment.running:
            continue
        yield from _check_enabled(each)
        yield from _check_responses(each)
        yield from _check_view(deployment, each)
        if is_own:
            yield from _check_retries(each)
            yield from _check_dead_letters(deployment, each)
        yield from _check_visibility(deployment, each, function)
        yield from _check_taken(deployment, each, function)
    yield from _check_missing(deployment)


def _is_own(deployment: Deployment, each: EventSource, function: Function) -> bool:
    """Whether the records are those of the application's table or queue."""
    return any(
        deployment.is_own_source(each, one) for one in [function, *deployment.running]
    )


def _find_source(each: EventSource) -> str | None:
    if isinstance(each.table, str):
        return STREAM
    return QUEUE if isinstance(each.queue, str) else None


def _check_enabled(each: EventSource) -> Iterator[Finding]:
    if each.is_enabled is False and _find_source(each):
        yield Finding(
            "mapping-disabled",
            each.name,
            "is switched off, so nothing reads the records: set Enabled to true",
        )


def _check_responses(each: EventSource) -> Iterator[Finding]:
    if each.reports_failures is False and _find_source(each):
        yield Finding(
            "partial-responses",
            each.name,
            "a single failed record fails its whole batch: set FunctionResponseTypes "
            f"to [{PARTIAL_RESPONSES}]",
        )


def _check_taken(
    deployment: Deployment, each: EventSource, function: Function
) -> Iterator[Finding]:
    source = _find_source(each)
    application = deployment.application
    is_running = function in deployment.running
    if source is not None and is_running and not application.may_take(source):
        yield Finding(
            "records-untaken",
            each.name,
            f"{application.handler} cannot handle records of the {source}: pass "
            f"{source}= to EventSources, or use a function with another handler "
            "for the mapping",
        )


def _check_missing(deployment: Deployment) -> Iterator[Finding]:
    application = deployment.application
    mapped = {_find_source(each) for each in deployment.event_sources}
    if None in mapped or deployment.is_open:
        return  # it may be the one that is missing
    for source in sorted((application.event_sources or set()) - mapped):
        for function in deployment.running:
            yield Finding(
                "records-missing",
                function.name,
                f"{application.handler} handles records of the {source}, but "
                "nothing invokes it with them: add an "
                "AWS::Lambda::EventSourceMapping of the "
                f"{'table' if source == STREAM else 'queue'} with its FunctionName",
            )


def _check_view(deployment: Deployment, each: EventSource) -> Iterator[Finding]:
    tables = [table for table in deployment.tables if table.name == each.table]
    for table in tables:
        if table.stream_view is None:
            yield Finding(
                "stream-view",
                table.name,
                f"has no stream, but {each.name} reads it: set StreamSpecification to "
                "StreamViewType NEW_AND_OLD_IMAGES",
            )
        elif table.stream_view in ("KEYS_ONLY", "OLD_IMAGE"):
            yield Finding(
                "stream-view",
                table.name,
                f"StreamViewType {table.stream_view} leaves out what {each.name} "
                "needs: set it to NEW_AND_OLD_IMAGES",
            )


def _check_retries(each: EventSource) -> Iterator[Finding]:
    if not isinstance(each.table, str):
        return
    if missing := list(_list_missing(each)):
        yield Finding(
            "stream-retries",
            each.name,
            "a failing record blocks those behind it for a day, or is dropped "
            f"unnoticed: set {' and '.join(missing)}",
        )
    age = each.record_age_seconds
    if age not in (None, UNKNOWN, _FOREVER) and age < STREAM_AGE_SECONDS:
        yield Finding(
            "stream-age",
            each.name,
            f"MaximumRecordAgeInSeconds is {age} s, so after an outage Lambda "
            "drops records that it has never tried, while their subscribers are "
            f"still connected: set it to {STREAM_AGE_SECONDS} or more",
        )


def _list_missing(each: EventSource) -> Iterator[str]:
    if each.retries == _FOREVER:
        yield f"MaximumRetryAttempts to {STREAM_RETRIES}"
    if each.record_age_seconds is None:
        yield f"MaximumRecordAgeInSeconds to {STREAM_AGE_SECONDS}"
    if each.bisects is False:
        yield "BisectBatchOnFunctionError to true"
    if each.has_destination is False:
        yield "DestinationConfig.OnFailure.Destination to a queue"


def _check_dead_letters(deployment: Deployment, each: EventSource) -> Iterator[Finding]:
    queue = find_queue(deployment, each.queue)
    if queue is not None and queue.has_dead_letters is False:
        yield Finding(
            "queue-dead-letters",
            queue.name,
            "a message that always fails is redelivered until it expires, and is then "
            "lost unnoticed: set RedrivePolicy to a queue for such messages",
        )


def _check_visibility(
    deployment: Deployment, each: EventSource, function: Function
) -> Iterator[Finding]:
    queue = find_queue(deployment, each.queue)
    timeout, window = function.timeout_seconds, each.window_seconds
    visible = UNKNOWN if queue is None else queue.visibility_seconds
    if timeout is UNKNOWN or window is UNKNOWN or queue is None or visible is UNKNOWN:
        return
    least = VISIBILITY_TIMEOUTS * timeout + window
    if visible < least:
        yield Finding(
            "queue-visibility",
            queue.name,
            f"VisibilityTimeout is {visible} s, so messages are redelivered while "
            f"{function.name} is still handling them: set it to {least} or more "
            f"({VISIBILITY_TIMEOUTS} times the function's Timeout, plus the batching "
            "window)",
        )
