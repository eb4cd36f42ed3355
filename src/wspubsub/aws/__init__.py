"""Talking to AWS."""

import typing

from wspubsub.aws.management import ManagementApi

if typing.TYPE_CHECKING:
    from wspubsub.aws.clients import ManagementClient

__all__ = ["ManagementApi", "ManagementClient"]


def __getattr__(name: str) -> object:
    if name != "ManagementClient":
        raise AttributeError(f"module 'wspubsub.aws' has no attribute {name!r}")
    # Only who types a client of their own needs it: a cold start does without.
    from wspubsub.aws import clients

    found = globals()[name] = clients.ManagementClient
    return found
