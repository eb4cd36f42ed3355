"""Options that several commands share, so that they mean the same everywhere."""

import argparse
import os


def add_stage(group: argparse._ArgumentGroup, default: str) -> None:
    """Add the option that names the stage."""
    group.add_argument(
        "--stage",
        default=default,
        help="name of the stage (default: %(default)s)",
    )


def add_two_way(group: argparse._ArgumentGroup) -> None:
    """Add the option that gives routes a route response."""
    group.add_argument(
        "--two-way",
        action="store_true",
        help="give the routes a route response: the body that a handler returns is "
        "sent to the client",
    )


def add_authorizer(group: argparse._ArgumentGroup) -> None:
    """Add the options of a Lambda authorizer."""
    group.add_argument(
        "--authorizer",
        metavar="MODULE_OR_FILE:FUNC",
        help="a Lambda REQUEST authorizer",
    )
    group.add_argument(
        "--identity-source",
        action="append",
        default=[],
        metavar="SOURCE",
        help="an identity source that the authorizer needs, such as "
        "route.request.querystring.token; may be repeated",
    )


def read_region(options: argparse.Namespace) -> str | None:
    """Return the Region that the user has chosen, or None."""
    # Lambda and newer SDKs read the one variable, boto3 the other.
    environ = os.environ
    found: str | None = options.region or environ.get("AWS_REGION")
    return found or environ.get("AWS_DEFAULT_REGION")
