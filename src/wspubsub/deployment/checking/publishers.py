"""Rules about the functions that the user says publish."""

from collections.abc import Iterator

from wspubsub.deployment.checking.findings import Finding
from wspubsub.deployment.description.deployment import Deployment
from wspubsub.deployment.description.unknown import UNKNOWN


def check_publishers(deployment: Deployment) -> Iterator[Finding]:
    """Yield which publishers are not there."""
    if deployment.is_open or any(f.handler is UNKNOWN for f in deployment.functions):
        return
    for handler in deployment.publishers:
        if not deployment.find_handlers(handler):
            yield Finding(
                "publisher",
                deployment.api.name,
                f"no function runs the publisher {handler}: add an "
                "AWS::Lambda::Function with that Handler",
            )
