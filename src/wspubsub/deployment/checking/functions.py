"""Rules about the functions: whether they run, long enough, with what they read."""

import re
from collections.abc import Iterator

from wspubsub.deployment.checking.findings import Finding
from wspubsub.deployment.description.deployment import (
    Deployment,
    find_variable,
)
from wspubsub.deployment.description.parts import Function
from wspubsub.deployment.description.unknown import UNKNOWN
from wspubsub.deployment.template.functions import ALLOW_LOOPS
from wspubsub.deployment.template.settings import RUNTIMES
from wspubsub.gateway.limits import MAX_TIMEOUT_SECONDS

_PYTHON = re.compile(r"python(\d+)\.(\d+)")


def check_functions(deployment: Deployment) -> Iterator[Finding]:
    """Yield what is wrong with the functions of an application."""
    for function in deployment.running:
        yield from _check_variables(deployment, function)
        yield from _check_timeout(function)
        yield from _check_runtime(function)
        yield from _check_network(function)
    working = [*deployment.running, *deployment.own_workers]
    for function in {each.name: each for each in working}.values():
        yield from _check_concurrency(function)
    for event_source, function in deployment.workers:
        queue = deployment.find_queue(function)
        if queue is not None and event_source.queue == queue.name:
            yield from _check_loop(function, queue.name)
    yield from _check_integrations(deployment)


def _check_variables(deployment: Deployment, function: Function) -> Iterator[Finding]:
    application = deployment.application
    for name in sorted(application.variables):
        if find_variable(function, name) is None:
            yield Finding(
                "variable",
                function.name,
                f"has no environment variable {name}, which {application.handler} "
                "reads: add it to Environment.Variables",
            )


def _check_timeout(function: Function) -> Iterator[Finding]:
    timeout = function.timeout_seconds
    if function.has_other_events or timeout is UNKNOWN:
        return  # records may take longer
    if timeout > MAX_TIMEOUT_SECONDS:
        yield Finding(
            "timeout",
            function.name,
            f"Timeout is {timeout} s, but API Gateway waits {MAX_TIMEOUT_SECONDS} "
            f"s at most, and clients then get an error for what it still does: set it "
            f"to {MAX_TIMEOUT_SECONDS} or less",
        )


def _check_runtime(function: Function) -> Iterator[Finding]:
    match = _PYTHON.fullmatch(str(function.runtime))
    least = _PYTHON.fullmatch(RUNTIMES[0])
    if match and least and _version(match) < _version(least):
        yield Finding(
            "runtime",
            function.name,
            f"Runtime is {function.runtime}, but wspubsub needs {RUNTIMES[0]} or "
            "newer: set it to a newer one",
        )


def _version(match: re.Match[str]) -> tuple[int, ...]:
    return tuple(map(int, match.groups()))


def _check_network(function: Function) -> Iterator[Finding]:
    if function.is_cut_off:
        yield Finding(
            "network",
            function.name,
            "its subnets have no route to a NAT gateway, so it reaches neither "
            "API Gateway nor DynamoDB: add one, or remove VpcConfig",
        )


def _check_concurrency(function: Function) -> Iterator[Finding]:
    if function.concurrency == 0:
        yield Finding(
            "concurrency",
            function.name,
            "ReservedConcurrentExecutions is 0, so it never runs: remove it, or set "
            "how many may run at once",
        )


def _check_loop(function: Function, queue: str) -> Iterator[Finding]:
    if function.recursive_loop in (ALLOW_LOOPS, UNKNOWN):
        return
    yield Finding(
        "loop",
        function.name,
        f"sends to {queue}, which invokes it; Lambda stops such a chain after "
        f"about 16 invocations: set RecursiveLoop to {ALLOW_LOOPS}",
    )


def _check_integrations(deployment: Deployment) -> Iterator[Finding]:
    functions = {each.name: each for each in deployment.running}
    for route in deployment.api.routes:
        integration = route.integration
        if integration is None or integration is UNKNOWN:
            continue
        function = functions.get(str(integration.function))
        waits = integration.timeout_milliseconds
        if function is None or waits is UNKNOWN or function.timeout_seconds is UNKNOWN:
            continue
        timeout = function.timeout_seconds
        # A longer one than API Gateway's own limit is said elsewhere.
        if waits < timeout * 1000 <= MAX_TIMEOUT_SECONDS * 1000:
            yield Finding(
                "integration-timeout",
                integration.name,
                f"TimeoutInMillis is {waits}, but {function.name} may take {timeout} "
                "s, so clients get an error for what it still does: set it to "
                f"{timeout * 1000}, or the function's Timeout to {waits // 1000}",
            )
