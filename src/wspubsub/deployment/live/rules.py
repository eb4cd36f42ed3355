"""Rules about what only a live account shows."""

from collections.abc import Callable, Iterator

from wspubsub.deployment.checking.findings import Finding
from wspubsub.deployment.description.deployment import Deployment
from wspubsub.deployment.description.unknown import UNKNOWN
from wspubsub.deployment.live.account import MAX_SKEW_SECONDS
from wspubsub.deployment.live.network import Reach
from wspubsub.deployment.live.vitals import Vitals

_DYNAMODB = "dynamodb"

Rule = Callable[[Deployment, Vitals], Iterator[Finding]]


def judge(deployment: Deployment, vitals: Vitals) -> list[Finding]:
    """Return what is wrong with a live deployment beside what a template shows."""
    found = [finding for rule in _RULES for finding in rule(deployment, vitals)]
    return [*found, *check_clock(vitals)]


def _check_stages(_: Deployment, vitals: Vitals) -> Iterator[Finding]:
    for stage in vitals.stages:
        if stage.failure is not None:
            yield Finding(
                "stage-failed",
                stage.name,
                f"its last deployment failed, so it serves an older one or none: "
                f"{_clean(stage.failure)}: correct that, and deploy again",
            )
        if stage.newer:
            yield Finding(
                "stage-stale",
                stage.name,
                f"its deployment is older than {', '.join(stage.newer)}, so clients "
                "do not get these: make a new deployment, or set AutoDeploy to true",
            )


def _check_functions(deployment: Deployment, vitals: Vitals) -> Iterator[Finding]:
    working = {each.name for each in (*deployment.running, *deployment.own_workers)} | {
        each.name for each in deployment.invoked_functions
    }
    for function in vitals.functions:
        if function.name not in working:
            continue
        if function.failure is not None:
            yield Finding(
                "function-failed",
                function.name,
                "does not run, or not as it was last updated: "
                f"{_clean(function.failure)}: correct that, and deploy it again",
            )
        if isinstance(function.reach, Reach):
            yield from _check_reach(function.name, function.reach)


def _check_reach(name: str, reach: Reach) -> Iterator[Finding]:
    if reach.shadows_apis:
        yield Finding(
            "network-private-dns",
            name,
            "its VPC has an endpoint for execute-api with private DNS, which leads to "
            "private APIs only, so posts are answered with 403: turn off private DNS "
            "of the endpoint, or post to a custom domain",
        )
    if reach.is_closed and _DYNAMODB in reach.services:
        yield Finding(
            "network-posts",
            name,
            "its subnets have no route to a NAT gateway, so it reaches DynamoDB by the "
            "VPC endpoint but cannot post to clients: add a NAT gateway, or remove "
            "VpcConfig",
        )
    if reach.closed_subnets and not reach.is_closed:
        yield Finding(
            "network-subnet",
            name,
            f"{', '.join(reach.closed_subnets)} has no route to a NAT gateway as the "
            "other subnets have, so some environments of the function reach nothing: "
            "add one, or take it out of VpcConfig",
        )


def _check_sources(deployment: Deployment, vitals: Vitals) -> Iterator[Finding]:
    working = [*deployment.running, *deployment.own_workers]
    names = {
        source.name for source, function in deployment.workers if function in working
    }
    for source in vitals.sources:
        if source.name not in names:
            continue
        if source.problem is not None:
            yield Finding(
                "mapping-problem",
                source.name,
                f"its last batch failed ({_clean(source.problem)}): read the "
                "function's log",
            )
        if source.is_stale:
            yield Finding(
                "stream-stale",
                source.name,
                "reads a stream that the table no longer writes to, since its stream "
                "was turned off and on again: make the mapping again with the "
                "table's LatestStreamArn",
            )


def _check_absences(_: Deployment, vitals: Vitals) -> Iterator[Finding]:
    # Several functions have the same variables.
    found = {(each.variable, each.value): each for each in reversed(vitals.absences)}
    for each in reversed(found.values()):
        if each.region is not None:
            text = (
                f"{each.variable} names a {each.kind} in {each.region}, but the "
                f"function runs in {vitals.region}: name the one of its own Region"
            )
        else:
            text = (
                f"{each.variable} names the {each.kind} {each.value}, which is not "
                f"there in {vitals.region}: make it, or correct the variable"
            )
        yield Finding(
            "region" if each.region is not None else f"{each.kind}-missing",
            each.function,
            text,
        )


def _check_dead_letters(_: Deployment, vitals: Vitals) -> Iterator[Finding]:
    for each in vitals.dead_letters:
        if each.messages:
            yield Finding(
                "dead-letters",
                each.name,
                f"holds {each.messages} that could not be handled: read the function's "
                "log, and redrive or delete them",
            )


def _check_quotas(_: Deployment, vitals: Vitals) -> Iterator[Finding]:
    for each in vitals.quotas:
        if each.value < each.default:
            yield Finding(
                "quota",
                vitals.region,
                f'the quota "{each.name}" is {each.value:,.0f}, while accounts have '
                f"{each.default:,.0f} by default; what exceeds it is refused with 429: "
                "ask for more in Service Quotas",
            )


def check_clock(vitals: Vitals) -> Iterator[Finding]:
    """Yield whether this machine's clock is wrong."""
    skew = vitals.clock_skew_seconds
    if skew is not UNKNOWN and abs(skew) > MAX_SKEW_SECONDS:
        yield Finding(
            "clock",
            "this machine",
            f"its clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} "
            "that of AWS, which refuses requests and tokens from another time: set "
            "the clock",
        )


def _clean(text: str) -> str:
    return text.strip().rstrip(".")


_RULES: tuple[Rule, ...] = (
    _check_stages,
    _check_functions,
    _check_sources,
    _check_absences,
    _check_dead_letters,
    _check_quotas,
)
