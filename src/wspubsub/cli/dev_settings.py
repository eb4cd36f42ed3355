"""What the options of `wspubsub dev` ask for."""

import argparse
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from wspubsub.cli.complaints import say_if_slow
from wspubsub.cli.options import (
    is_needed,
    read_environ,
    read_region,
    read_sources,
    read_two_way,
)
from wspubsub.cli.terminal import find_terminal
from wspubsub.errors import UsageError
from wspubsub.gateway import GatewayConfig
from wspubsub.gateway.limits import MAX_TIMEOUT_SECONDS
from wspubsub.handlers.application import QUEUE, STREAM
from wspubsub.handlers.target import Target
from wspubsub.local.apigateway.tls import OwnCertificate
from wspubsub.local.declared import ApiChoices, read_served, warn_of_silence
from wspubsub.local.functions.environment import Runtime
from wspubsub.local.settings import LocalSettings, check_function
from wspubsub.mappings.settings import (
    MAX_VISIBILITY_SECONDS,
    QueueSettings,
    StreamSettings,
)
from wspubsub.selection import PREDEFINED, RouteSelectionExpression

_TABLE_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")


def read_settings(options: argparse.Namespace) -> LocalSettings:
    """Return what a local gateway should be set to.

    Raises:
        UsageError: Such a gateway cannot be.
    """
    check_function(options.timeout, options.memory)
    cwd, environ = Path.cwd(), read_environ(options)
    authorizer = options.authorizer and Target.parse(options.authorizer, cwd=cwd)
    if not _TABLE_NAME.fullmatch(options.table):
        raise UsageError(
            f"{options.table!r} is not a table name: use 3 to 255 letters, digits, "
            "-, _ and ."
        )
    # Both are made, so that no mistake goes unnoticed.
    stream, queue = _read_stream(options), _read_queue(options)
    functions = _read_functions(options.function, cwd)
    config, choices = _read_config(options, environ), _read_choices(options, functions)
    target = _find_target(options, functions, cwd)
    with say_if_slow(f"{target.text} is still being imported"):
        application, problem = read_served(target, choices.sources, environ, functions)
    config = choices.configure(config, application)
    warnings = [f"cannot read the routes: {problem}"] if problem else []
    return LocalSettings(
        config=config,
        target=target,
        functions=functions,
        application=application,
        choices=choices,
        warnings=(*warnings, *warn_of_silence(config, application)),
        authorizer=authorizer,
        host=options.host,
        port=options.port,
        allowed_hosts=tuple(options.allow_host),
        is_tls=options.tls,
        certificate=_read_certificate(options),
        table=options.table,
        dynamodb_url=_read_dynamodb_url(options),
        dynamodb_port=options.dynamodb_port,
        data=options.data,
        setup=options.setup,
        stream=stream if is_needed(options, STREAM, application) else None,
        queue=queue if is_needed(options, QUEUE, application) else None,
        max_environments=options.environments,
        timeout_seconds=options.timeout,
        memory_mb=options.memory,
        runtime=Runtime(options.runtime),
        faults=options.faults,
        reloads=options.reload,
        is_debugged=options.debug,
        terminal=find_terminal() if options.debug else None,
        has_inspector=not options.no_inspector,
        environ=environ,
    )


def _read_dynamodb_url(options: argparse.Namespace) -> str | None:
    if options.setup is not None and not options.setup.is_file():
        raise UsageError(f"--setup: {options.setup} is not a file")
    if options.dynamodb == "embedded":
        return None
    if options.data is not None or options.dynamodb_port:
        raise UsageError(
            "--data and --dynamodb-port are for the embedded DynamoDB; leave them out, "
            "or leave out --dynamodb"
        )
    url: str = options.dynamodb
    return url


def _read_certificate(options: argparse.Namespace) -> OwnCertificate | None:
    if options.cert is None:
        if options.key is not None:
            raise UsageError("--key needs the certificate that it is for; add --cert")
        return None
    certificate = OwnCertificate(path=options.cert, key_path=options.key)
    certificate.server_context()  # complains about what cannot be used
    return certificate


def _read_stream(options: argparse.Namespace) -> StreamSettings:
    return StreamSettings(
        batch_size=options.stream_batch_size,
        max_retries=options.stream_retries,
        max_record_age_seconds=options.stream_max_age,
        bisects=options.stream_bisect,
    )


def _read_queue(options: argparse.Namespace) -> QueueSettings:
    visibility_seconds = options.queue_visibility
    if visibility_seconds is None:
        visibility_seconds = max(
            QueueSettings().visibility_timeout_seconds, math.ceil(options.timeout)
        )
    if options.debug:  # a message that somebody looks at is not redelivered
        visibility_seconds = MAX_VISIBILITY_SECONDS
    return QueueSettings(
        batch_size=options.queue_batch_size,
        visibility_timeout_seconds=visibility_seconds,
        max_receive_count=options.queue_max_receives,
    )


def _read_config(
    options: argparse.Namespace, environ: Mapping[str, str]
) -> GatewayConfig:
    return GatewayConfig(
        stage=options.stage,
        region=read_region(options, environ) or "us-east-1",
        routes=_read_routes(options) or frozenset(PREDEFINED),
        has_authorizer=options.authorizer is not None,
        identity_sources=tuple(options.identity_source),
        stage_variables=dict(map(_read_stage_variable, options.stage_variable)),
        idle_timeout_seconds=options.idle_timeout,
        max_duration_seconds=options.max_duration,
        integration_timeout_seconds=(
            math.inf if options.debug else MAX_TIMEOUT_SECONDS
        ),
    )


def _read_choices(
    options: argparse.Namespace, functions: Mapping[str, Target]
) -> ApiChoices:
    expression = options.route_selection_expression
    routes = _read_routes(options)
    if routes is None and options.target is None:
        routes = frozenset(functions) or None
    return ApiChoices(
        routes=routes,
        own_routes=frozenset(functions),
        two_way=read_two_way(options),
        route_selection_expression=None
        if expression is None
        else RouteSelectionExpression(expression),
        sources=read_sources(options),
        declined=read_sources(options, declined=True),
    )


def _find_target(
    options: argparse.Namespace, functions: Mapping[str, Target], cwd: Path
) -> Target:
    if options.target is not None:
        return Target.parse(options.target, cwd=cwd)
    if not functions:
        raise UsageError(
            "name a handler, such as app.py:handler, or those of single routes with "
            "--function KEY=HANDLER"
        )
    if read_sources(options):
        raise UsageError(
            "--streams and --queue need a handler besides those of single routes: "
            "name the one that takes the records"
        )
    return next(iter(functions.values()))


def _read_functions(texts: Iterable[str], cwd: Path) -> dict[str, Target]:
    found: dict[str, Target] = {}
    for text in texts:
        key, equals, handler = text.partition("=")
        if not equals or not key:
            raise UsageError(f"--function takes KEY=HANDLER, not {text!r}")
        if key in found:
            raise UsageError(f"--function names two handlers of {key}; remove one")
        found[key] = Target.parse(handler, cwd=cwd)
    return found


def _read_stage_variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"--stage-variable takes NAME=VALUE, not {text!r}")
    return name, value


def _read_routes(options: argparse.Namespace) -> frozenset[str] | None:
    named = frozenset(options.route)
    if not named or named.intersection(PREDEFINED):
        return named or None
    return named.union(PREDEFINED)
