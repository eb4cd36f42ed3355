"""What in a template does not fit the router that it deploys."""

from wspubsub.infra.checking.check import check_template
from wspubsub.infra.checking.findings import Finding

__all__ = ["Finding", "check_template"]
