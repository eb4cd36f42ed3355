"""`wspubsub dev`: a handler behind the local gateway, until interrupted.

What it needs is imported when it runs: `wspubsub --help` must work without the extra
`local`.
"""

import argparse
import asyncio
import contextlib
import math
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from wspubsub.cli.options import (
    is_needed,
    read_region,
    read_sources,
    read_two_way,
)
from wspubsub.cli.stopping import Stop, run_until_stopped
from wspubsub.errors import UsageError
from wspubsub.gateway import GatewayConfig
from wspubsub.handlers.application import QUEUE, STREAM
from wspubsub.local import extras
from wspubsub.selection import PREDEFINED, RouteSelectionExpression

if TYPE_CHECKING:
    from wspubsub.local.declared import ApiChoices
    from wspubsub.local.settings import LocalSettings
    from wspubsub.mappings.settings import QueueSettings, StreamSettings

WRONG_USE = 2

_TABLE_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")


def run(options: argparse.Namespace) -> int:
    """Serve a handler until interrupted."""
    extras.require(*extras.GATEWAY_MODULES)
    if options.tls:
        extras.require(*extras.TLS_MODULES)
    if options.runtime == "awslambdaric":
        extras.require("awslambdaric", install="awslambdaric")
    try:
        settings = _local_settings(options)
    except UsageError as error:
        print(f"wspubsub: error: {error}", file=sys.stderr)
        return WRONG_USE
    except KeyboardInterrupt:
        return 0  # while the handler was read: as it is once the gateway starts
    if settings.dynamodb_url is None or settings.queue is not None:
        extras.require(*extras.DYNAMODB_MODULES)
    _raise_file_limit()
    status = asyncio.run(
        run_until_stopped(
            lambda stop: _serve(settings, stop, as_json=options.json_logs)
        )
    )
    return status or 0


async def _serve(settings: "LocalSettings", stop: Stop, *, as_json: bool) -> int:
    from wspubsub.local.dev import LocalGateway
    from wspubsub.local.journal import Journal

    journal = Journal(
        sys.stdout,
        as_json=as_json,
        is_colored=sys.stdout.isatty() and "NO_COLOR" not in os.environ,
        on_broken=stop,
    )
    async with LocalGateway(settings, journal) as gateway:
        journal.log_ready(gateway.facts())
        return await gateway.run()


def _local_settings(options: argparse.Namespace) -> "LocalSettings":
    from wspubsub.handlers.target import Target
    from wspubsub.local.declared import read_served, warn_of_silence
    from wspubsub.local.functions.environment import Runtime
    from wspubsub.local.settings import LocalSettings, check_function

    check_function(options.timeout, options.memory)
    cwd = Path.cwd()
    authorizer = options.authorizer and Target.parse(options.authorizer, cwd=cwd)
    if not _TABLE_NAME.fullmatch(options.table):
        raise UsageError(
            f"{options.table!r} is not a table name: use 3 to 255 letters, digits, "
            "-, _ and ."
        )
    # Both are made, so that no mistake goes unnoticed.
    stream, queue = _stream(options), _queue(options)
    config, choices = _config(options), _choices(options)
    target = Target.parse(options.target, cwd=cwd)
    application, problem = read_served(target, choices.sources)
    config = choices.configure(config, application)
    warnings = [f"cannot read the routes: {problem}"] if problem else []
    return LocalSettings(
        config=config,
        target=target,
        choices=choices,
        warnings=(*warnings, *warn_of_silence(config, application)),
        authorizer=authorizer,
        host=options.host,
        port=options.port,
        allowed_hosts=tuple(options.allow_host),
        is_tls=options.tls,
        table=options.table,
        dynamodb_url=None if options.dynamodb == "embedded" else options.dynamodb,
        stream=stream if is_needed(options, STREAM, application) else None,
        queue=queue if is_needed(options, QUEUE, application) else None,
        max_environments=options.environments,
        timeout_seconds=options.timeout,
        memory_mb=options.memory,
        runtime=Runtime(options.runtime),
        reloads=options.reload,
    )


def _stream(options: argparse.Namespace) -> "StreamSettings":
    from wspubsub.mappings.settings import StreamSettings

    return StreamSettings(
        batch_size=options.stream_batch_size,
        max_retries=options.stream_retries,
        max_record_age_seconds=options.stream_max_age,
        bisects=options.stream_bisect,
    )


def _queue(options: argparse.Namespace) -> "QueueSettings":
    from wspubsub.mappings.settings import QueueSettings

    visibility_seconds = options.queue_visibility
    if visibility_seconds is None:
        visibility_seconds = max(
            QueueSettings().visibility_timeout_seconds, math.ceil(options.timeout)
        )
    return QueueSettings(
        batch_size=options.queue_batch_size,
        visibility_timeout_seconds=visibility_seconds,
        max_receive_count=options.queue_max_receives,
    )


def _config(options: argparse.Namespace) -> GatewayConfig:
    return GatewayConfig(
        stage=options.stage,
        region=read_region(options) or "us-east-1",
        routes=_read_routes(options) or frozenset(PREDEFINED),
        has_authorizer=options.authorizer is not None,
        identity_sources=tuple(options.identity_source),
        idle_timeout_seconds=options.idle_timeout,
        max_duration_seconds=options.max_duration,
    )


def _choices(options: argparse.Namespace) -> "ApiChoices":
    from wspubsub.local.declared import ApiChoices

    expression = options.route_selection_expression
    return ApiChoices(
        routes=_read_routes(options),
        two_way=read_two_way(options),
        route_selection_expression=None
        if expression is None
        else RouteSelectionExpression(expression),
        sources=read_sources(options),
        declined=read_sources(options, declined=True),
    )


def _read_routes(options: argparse.Namespace) -> frozenset[str] | None:
    named = frozenset(options.route)
    if not named or named.intersection(PREDEFINED):
        return named or None
    return named.union(PREDEFINED)


def _raise_file_limit() -> None:
    # Each client is an open file, and some systems begin with 256.
    try:
        import resource  # POSIX only
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
