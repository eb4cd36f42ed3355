"""Reads a template as the description of what it deploys."""

from wspubsub.deployment.reading.read import (
    find_sources,
    list_unread_loops,
    read_deployments,
)

__all__ = ["find_sources", "list_unread_loops", "read_deployments"]
