"""Reads what only a live account shows."""

from collections.abc import Iterable, Iterator

from wspubsub.deployment.description.unknown import UNKNOWN
from wspubsub.deployment.live.account import Account, Answer, join
from wspubsub.deployment.live.apis import LiveApi
from wspubsub.deployment.live.arns import find_table
from wspubsub.deployment.live.functions import LiveFunction
from wspubsub.deployment.live.gathering import Gathering
from wspubsub.deployment.live.network import read_reach
from wspubsub.deployment.live.stack import Stack as Resources
from wspubsub.deployment.live.vitals import (
    DeadLetters,
    FunctionState,
    Quota,
    SourceState,
    StageState,
    Vitals,
)
from wspubsub.deployment.reading.functions import MAPPING
from wspubsub.deployment.reading.identities import QUEUE, STAGE

# "Lambda quotas", "Amazon API Gateway quotas" and "Quotas for configuring and running a
# WebSocket API", as Service Quotas numbers them: how many functions run at once, how
# many requests a second all APIs take together, and how many new connections.
_QUOTAS = (
    ("lambda", "L-B99A9384"),
    ("apigateway", "L-8A5B8E43"),
    ("apigateway", "L-9ED1E49A"),
)
_V2 = "AWS::ApiGatewayV2::"
_FAILED = "fail"
_PROBLEM = "PROBLEM"


def read_vitals(
    account: Account, resources: Resources, api: LiveApi, found: Gathering
) -> Vitals:
    """Return what only a live account shows.

    Args:
        account: The account.
        resources: The stack that names what is in it.
        api: The API.
        found: All that works with it.
    """
    return Vitals(
        region=account.region,
        stages=tuple(_read_stages(account, resources, api)),
        functions=tuple(_read_function(account, e) for e in found.functions.values()),
        sources=tuple(_read_sources(resources, found)),
        absences=tuple(found.absences),
        dead_letters=tuple(_read_dead_letters(resources, found)),
        quotas=tuple(_read_quotas(account)),
        clock_skew_seconds=account.clock_skew_seconds,
    )


def _read_stages(
    account: Account, resources: Resources, api: LiveApi
) -> Iterator[StageState]:
    """Yield what became of an API's stages."""
    deployments = {each["DeploymentId"]: each for each in join(api.deployments)}
    for stage in join(api.stages):
        name = stage["StageName"]
        deployment = deployments.get(stage.get("DeploymentId"), {})
        newer: tuple[str, ...] = ()
        if deployment and not stage.get("AutoDeploy"):
            if resources.is_empty:
                account.note(
                    f"whether stage {name} serves the newest routes is only known for "
                    "an API of a stack"
                )
            newer = tuple(_list_newer(resources, api, deployment))
        yield StageState(
            name=resources.name(STAGE, name),
            failure=_find_failure(stage, deployment),
            newer=newer,
        )


def _find_failure(stage: Answer, deployment: Answer) -> str | None:
    said = stage.get("LastDeploymentStatusMessage") or ""
    if stage.get("AutoDeploy") and _FAILED in said.lower():
        return str(said)
    if deployment.get("DeploymentStatus") == "FAILED":
        return str(deployment.get("DeploymentStatusMessage") or "no reason is given")
    return None


def _list_newer(
    resources: Resources, api: LiveApi, deployment: Answer
) -> Iterator[str]:
    parts = [
        *(("Route", each["RouteId"]) for each in join(api.routes)),
        *(("Integration", each["IntegrationId"]) for each in join(api.integrations)),
    ]
    for kind, part in parts:
        updated = resources.find_update(f"{_V2}{kind}", part)
        if updated is not None and updated > deployment["CreatedDate"]:
            yield resources.name(f"{_V2}{kind}", part)


def _read_function(account: Account, function: LiveFunction) -> FunctionState:
    """Return what became of a function."""
    found = function.configuration
    if found is None:
        return FunctionState(name=function.name, failure="it is not there")
    if found is UNKNOWN:
        return FunctionState(name=function.name)
    failure = None
    if found.get("State") == "Failed":
        failure = found.get("StateReason") or "no reason is given"
    elif found.get("LastUpdateStatus") == "Failed":
        failure = found.get("LastUpdateStatusReason") or "no reason is given"
    return FunctionState(
        name=function.name, failure=failure, reach=read_reach(account, found)
    )


def _read_sources(resources: Resources, gathering: Gathering) -> Iterator[SourceState]:
    """Yield what became of the event source mappings."""
    for each in gathering.event_sources.values():
        result = str(each.get("LastProcessingResult") or "")
        source = each.get("EventSourceArn", "")
        table = gathering.tables.get(find_table(source) or "", {})
        yield SourceState(
            name=resources.name(MAPPING, each["UUID"]),
            problem=result if result.startswith(_PROBLEM) else None,
            is_stale=bool(table) and source != table.get("LatestStreamArn", source),
        )


def _read_dead_letters(
    resources: Resources, gathering: Gathering
) -> Iterator[DeadLetters]:
    """Yield the queues for what could not be handled."""
    for url, found in gathering.read_dead_letters():
        yield DeadLetters(
            name=resources.name(QUEUE, url),
            messages=int(found.get("ApproximateNumberOfMessages", 0)),
        )


def _read_quotas(account: Account) -> Iterator[Quota]:
    """Yield the quotas that count for all that the account runs."""
    for service, code in _QUOTAS:
        answers = [
            account.ask(
                "service-quotas", operation, ServiceCode=service, QuotaCode=code
            )
            for operation in ("get_service_quota", "get_aws_default_service_quota")
        ]
        yield from _compare(answers)


def _compare(answers: Iterable[object]) -> Iterator[Quota]:
    match [*answers]:
        case [
            {"Quota": {"QuotaName": name, "Value": value}},
            {"Quota": {"Value": default}},
        ]:
            yield Quota(name=name, value=value, default=default)
        case _:
            pass  # not known here
