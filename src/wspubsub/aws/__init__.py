"""Talking to AWS."""

from wspubsub.aws.management import ManagementApi

__all__ = ["ManagementApi"]
