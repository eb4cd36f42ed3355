"""What API Gateway accepts as names and numbers of a WebSocket API.

The limits are those of "Quotas for configuring and running a WebSocket API". A gateway
and a template check against the same.
"""

import re
from collections.abc import Collection, Mapping

from wspubsub.errors import UsageError
from wspubsub.selection import PREDEFINED

MAX_ROUTES = 300

MIN_TIMEOUT_SECONDS, MAX_TIMEOUT_SECONDS = 0.05, 29
"""How long an integration may take."""

_STAGE = re.compile(r"[A-Za-z0-9_-]{1,128}")
_VARIABLE_NAME = re.compile(r"[A-Za-z0-9_]+")
_VARIABLE_VALUE = re.compile(r"[A-Za-z0-9\-._~:/?#&=,]+")
_IDENTITY_SOURCE = re.compile(
    r"route\.request\.(header|querystring)\.[\w.$-]+|(stageVariables|context)\.[\w.]+",
    re.ASCII,
)


def check_stage(stage: str) -> None:
    """Check the name of a stage.

    Raises:
        UsageError: It is not one.
    """
    if not _STAGE.fullmatch(stage):
        raise UsageError(
            f"{stage!r} is not a stage name of a WebSocket API: use 1 to 128 letters, "
            "digits, - and _ (only HTTP APIs have $default)"
        )


def check_route_keys(route_keys: Collection[str]) -> None:
    """Check the routes of an API.

    Raises:
        UsageError: There are too many, or one cannot be the key of a route.
    """
    if len(route_keys) > MAX_ROUTES:
        raise UsageError(
            f"a WebSocket API has at most {MAX_ROUTES} routes, including $connect "
            f"and the like, not {len(route_keys)}; let $default handle the others"
        )
    if "" in route_keys:
        raise UsageError("a route key must not be empty")
    for key in route_keys:
        if key.startswith("$") and key not in PREDEFINED:
            raise UsageError(
                f"{key!r} is not a route key: only $connect, $disconnect and $default "
                "start with $; rename the route"
            )


def check_stage_variables(variables: Mapping[str, str]) -> None:
    """Check the variables of a stage.

    "API Gateway stage variables reference for HTTP and WebSocket APIs".

    Raises:
        UsageError: A name or a value has a character that API Gateway does not take.
    """
    for name, value in variables.items():
        if not _VARIABLE_NAME.fullmatch(name):
            raise UsageError(
                f"{name!r} is not the name of a stage variable: use letters, digits "
                "and _"
            )
        if not _VARIABLE_VALUE.fullmatch(value):
            raise UsageError(
                f"stage variable {name} must not be {value!r}: use letters, digits "
                "and -._~:/?#&=, without blanks"
            )


def check_identity_sources(sources: Collection[str]) -> None:
    """Check what a Lambda authorizer requires.

    Raises:
        UsageError: One cannot be an identity source.
    """
    for source in sources:
        if "," in source:
            raise UsageError(
                f"{source!r} is more than one identity source: name each of them "
                "separately"
            )
        if not _IDENTITY_SOURCE.fullmatch(source):
            raise UsageError(
                f"{source!r} is not an identity source of a WebSocket API: write "
                "route.request.header.NAME, route.request.querystring.NAME, "
                "stageVariables.NAME or context.NAME"
            )
