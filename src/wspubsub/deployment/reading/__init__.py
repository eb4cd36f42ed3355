"""Reads a template as the description of what it deploys."""

from wspubsub.deployment.reading.foreach import is_loop
from wspubsub.deployment.reading.read import (
    find_sources,
    list_unread_loops,
    read_deployments,
)
from wspubsub.deployment.reading.variables import find_variables

__all__ = [
    "find_sources",
    "find_variables",
    "is_loop",
    "list_unread_loops",
    "read_deployments",
]
