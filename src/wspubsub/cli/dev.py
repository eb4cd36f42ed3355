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

from wspubsub.cli.options import read_region
from wspubsub.cli.stopping import Stop, run_until_stopped
from wspubsub.errors import UsageError
from wspubsub.gateway import GatewayConfig
from wspubsub.gateway.config import CONNECT, DISCONNECT, PREDEFINED_ROUTES
from wspubsub.local import extras
from wspubsub.selection import RouteSelectionExpression

if TYPE_CHECKING:
    from wspubsub.local.dev import LocalSettings
    from wspubsub.local.eventsources.settings import QueueSettings, StreamSettings

WRONG_USE = 2

_TABLE_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")


def run(options: argparse.Namespace) -> int:
    """Serve a handler until interrupted."""
    extras.require(*extras.GATEWAY_MODULES)
    if options.dynamodb == "embedded" or options.queue:
        extras.require(*extras.DYNAMODB_MODULES)
    if options.tls:
        extras.require(*extras.TLS_MODULES)
    if options.runtime == "awslambdaric":
        extras.require("awslambdaric", install="awslambdaric")
    try:
        settings = _local_settings(options)
    except UsageError as error:
        print(f"wspubsub: error: {error}", file=sys.stderr)
        return WRONG_USE
    _raise_file_limit()
    asyncio.run(
        run_until_stopped(
            lambda stop: _serve(settings, stop, as_json=options.json_logs)
        )
    )
    return 0


async def _serve(settings: "LocalSettings", stop: Stop, *, as_json: bool) -> None:
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
        await asyncio.Event().wait()


def _local_settings(options: argparse.Namespace) -> "LocalSettings":
    from wspubsub.handlers.target import Target
    from wspubsub.local.dev import LocalSettings
    from wspubsub.local.functions.environment import Runtime

    cwd = Path.cwd()
    authorizer = options.authorizer and Target.parse(options.authorizer, cwd=cwd)
    if not options.timeout > 0:
        raise UsageError("--timeout must be greater than 0 seconds")
    if not _TABLE_NAME.fullmatch(options.table):
        raise UsageError(
            f"{options.table!r} is not a table name: use 3 to 255 letters, digits, "
            "-, _ and ."
        )
    stream, queue = _sources(options)
    return LocalSettings(
        config=_config(options),
        target=Target.parse(options.target, cwd=cwd),
        authorizer=authorizer,
        host=options.host,
        port=options.port,
        allowed_hosts=tuple(options.allow_host),
        is_tls=options.tls,
        table=options.table,
        dynamodb_url=None if options.dynamodb == "embedded" else options.dynamodb,
        stream=stream,
        queue=queue,
        max_environments=options.environments,
        timeout_seconds=options.timeout,
        runtime=Runtime(options.runtime),
        reloads=options.reload,
    )


def _sources(
    options: argparse.Namespace,
) -> "tuple[StreamSettings | None, QueueSettings | None]":
    from wspubsub.local.eventsources.settings import (
        QueueSettings,
        StreamSettings,
    )

    visibility_seconds = options.queue_visibility
    if visibility_seconds is None:
        visibility_seconds = max(
            QueueSettings().visibility_timeout_seconds, math.ceil(options.timeout)
        )
    # Both are made, so that no mistake goes unnoticed.
    stream = StreamSettings(
        batch_size=options.stream_batch_size,
        max_retries=options.stream_retries,
        max_record_age_seconds=options.stream_max_age,
        bisects=options.stream_bisect,
    )
    queue = QueueSettings(
        batch_size=options.queue_batch_size,
        visibility_timeout_seconds=visibility_seconds,
        max_receive_count=options.queue_max_receives,
    )
    return stream if options.streams else None, queue if options.queue else None


def _config(options: argparse.Namespace) -> GatewayConfig:
    named = frozenset(options.route)
    routes = named if named & PREDEFINED_ROUTES else named | PREDEFINED_ROUTES
    return GatewayConfig(
        stage=options.stage,
        region=read_region(options) or "us-east-1",
        routes=routes,
        two_way=routes - {CONNECT, DISCONNECT} if options.two_way else frozenset(),
        route_selection_expression=RouteSelectionExpression(
            options.route_selection_expression
        ),
        has_authorizer=options.authorizer is not None,
        identity_sources=tuple(options.identity_source),
        idle_timeout_seconds=options.idle_timeout,
        max_duration_seconds=options.max_duration,
    )


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
