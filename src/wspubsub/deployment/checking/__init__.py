"""Where a template does not match the router that it deploys."""

from wspubsub.deployment.checking.check import check_template, find_sources
from wspubsub.deployment.checking.findings import Finding
from wspubsub.deployment.checking.variables import find_variables

__all__ = ["Finding", "check_template", "find_sources", "find_variables"]
