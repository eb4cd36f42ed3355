"""Talking to AWS."""

from wspubsub.aws.clients import ManagementClient
from wspubsub.aws.management import ManagementApi

__all__ = ["ManagementApi", "ManagementClient"]
