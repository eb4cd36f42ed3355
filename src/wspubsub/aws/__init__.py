"""Talking to AWS."""

from typing import TYPE_CHECKING

from wspubsub.aws.management import ManagementApi

if TYPE_CHECKING:
    from wspubsub.aws.clients import ManagementClient

__all__ = ["ManagementApi", "ManagementClient"]


def __getattr__(name: str) -> object:
    # A port that only those who write a client need: a cold start does without.
    if name == "ManagementClient":
        from wspubsub.aws.clients import ManagementClient

        return ManagementClient
    raise AttributeError(f"module 'wspubsub.aws' has no attribute {name!r}")
