"""Where a template does not match the router that it deploys."""

from wspubsub.deployment.checking.check import (
    check_deployments,
    check_template,
    find_sources,
)
from wspubsub.deployment.checking.findings import RULES, Finding

__all__ = ["RULES", "Finding", "check_deployments", "check_template", "find_sources"]
