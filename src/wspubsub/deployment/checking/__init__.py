"""Where a template or a live account does not match the router that it deploys."""

from wspubsub.deployment.checking.check import (
    check_deployments,
    check_template,
    find_sources,
)
from wspubsub.deployment.checking.findings import LIVE_RULES, RULES, Finding

__all__ = [
    "LIVE_RULES",
    "RULES",
    "Finding",
    "check_deployments",
    "check_template",
    "find_sources",
]
