"""Options that several commands share, so that they mean the same everywhere."""

import argparse
import os
import re
from collections.abc import Mapping
from pathlib import Path

from wspubsub.cli.env_file import read_env_file
from wspubsub.handlers.application import SOURCE_VARIABLES, Application

_FILE = re.compile(r"\.py(:\w+)?$")
_ALL = ""
"""Stands for every route that messages take."""


def add_handler(
    group: argparse._ActionsContainer, *, is_optional: bool = False
) -> None:
    """Add the argument that names the handler."""
    group.add_argument(
        "target",
        nargs="?" if is_optional else None,
        metavar="HANDLER",
        help="the handler: app.py or app.py:handler for a file, app:handler for a "
        "module, or app.handler as Lambda is configured",
    )


def add_env_file(group: argparse._ActionsContainer) -> None:
    """Add the option that names a file of environment variables."""
    group.add_argument(
        "--env-file",
        metavar="FILE",
        help="a file of environment variables for the handler, NAME=VALUE in each "
        "line; a variable that is already set keeps its value",
    )


def read_environ(options: argparse.Namespace) -> dict[str, str]:
    """Return the environment that the handler should find.

    Raises:
        UsageError: The file of variables cannot be read.
    """
    found = read_env_file(Path(options.env_file)) if options.env_file else {}
    return {**found, **os.environ}


def add_stage(group: argparse._ArgumentGroup, default: str) -> None:
    """Add the option that names the stage."""
    group.add_argument(
        "--stage",
        default=default,
        help="name of the stage (default: %(default)s)",
    )


def route_key(text: str) -> str:
    """Return a route key, and refuse what is meant to be the handler."""
    if _FILE.search(text):
        raise argparse.ArgumentTypeError(
            f"{text} is a file, not a route key; write the handler before the options"
        )
    return text


def add_two_way(group: argparse._ArgumentGroup) -> None:
    """Add the option that gives routes a route response."""
    group.add_argument(
        "--two-way",
        action="append",
        nargs="?",
        const=_ALL,
        type=route_key,
        metavar="KEY",
        help="a route key with a route response, so that the body that its handler "
        "returns is sent to the client; without a KEY, all message routes; may be "
        "repeated (default: those that the router declares)",
    )


def read_two_way(options: argparse.Namespace) -> frozenset[str] | None:
    """Return the keys that the option names; empty for all, None if it is absent."""
    named = options.two_way
    return None if named is None else frozenset(set(named) - {_ALL})


def add_need(
    group: argparse._ActionsContainer, name: str, *, need: str, help_text: str
) -> None:
    """Add an option that turns on or off what a handler may need.

    Args:
        group: Where to add it.
        name: The option, such as `--streams`.
        need: An event source or a use of the table, such as `stream` or `history`; the
            option's attribute is `needs_NEED`.
        help_text: What it does.
    """
    group.add_argument(
        name,
        dest=f"needs_{need}",
        action=argparse.BooleanOptionalAction,
        help=f"{help_text} (default: if the handler declares it)",
    )


def is_needed(options: argparse.Namespace, need: str, application: Application) -> bool:
    """Return whether something is needed: as chosen, else as declared."""
    chosen: bool | None = getattr(options, f"needs_{need}")
    if chosen is not None:
        return chosen
    return need in application.needed_sources | application.table_uses


def read_sources(
    options: argparse.Namespace, *, declined: bool = False
) -> frozenset[str]:
    """Return the event sources that the user has asked for, or has declined."""
    return frozenset(
        each
        for each in SOURCE_VARIABLES
        if getattr(options, f"needs_{each}") is (not declined)
    )


def add_authorizer(group: argparse._ArgumentGroup) -> None:
    """Add the options of a Lambda authorizer."""
    group.add_argument(
        "--authorizer",
        metavar="HANDLER",
        help="a Lambda REQUEST authorizer, named as the handler is",
    )
    group.add_argument(
        "--identity-source",
        action="append",
        default=[],
        metavar="SOURCE",
        help="an identity source that the authorizer needs, such as "
        "route.request.querystring.token; may be repeated",
    )


def read_region(
    options: argparse.Namespace, environ: Mapping[str, str] | None = None
) -> str | None:
    """Return the Region that the user has chosen, or None."""
    # Lambda and newer SDKs read the one variable, boto3 the other.
    environ = os.environ if environ is None else environ
    found: str | None = options.region or environ.get("AWS_REGION")
    return found or environ.get("AWS_DEFAULT_REGION")
