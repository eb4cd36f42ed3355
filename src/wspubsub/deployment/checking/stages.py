"""Rules about stages: whether routes get there, and anybody through."""

from collections.abc import Iterator

from wspubsub.deployment.checking.findings import Finding
from wspubsub.deployment.description.deployment import Deployment
from wspubsub.deployment.description.parts import Stage


def check_stages(deployment: Deployment) -> Iterator[Finding]:
    """Yield what is wrong with the stages of an API."""
    api = deployment.api
    if not api.stages and not api.has_other_stages:
        yield Finding(
            "stage-missing",
            api.name,
            "has no stage, so nobody can connect: add an AWS::ApiGatewayV2::Stage",
        )
    for stage in api.stages:
        yield from _check_routes(stage)
        for setting in stage.refusing:
            yield Finding(
                "stage-throttle",
                stage.name,
                f"{setting} is 0, so every request is refused with 429: set it to "
                "what the API should accept, or remove it",
            )


def _check_routes(stage: Stage) -> Iterator[Finding]:
    if stage.receives_routes is False:
        yield Finding(
            "stage-routes",
            stage.name,
            "never receives the API's routes: set AutoDeploy to true",
        )
    if stage.deployment and stage.early_routes:
        yield Finding(
            "stage-early",
            stage.deployment,
            "this Deployment does not wait for the routes "
            f"{', '.join(stage.early_routes)}, so it may be made without them: name "
            f"them in its DependsOn, or set AutoDeploy of {stage.name} to true instead",
        )
