"""Rules about permissions that allow much more than is needed."""

from collections.abc import Iterator

from wspubsub.deployment.checking.findings import Finding
from wspubsub.deployment.description.deployment import Deployment
from wspubsub.deployment.description.grants import Statement
from wspubsub.deployment.description.texts import must_match, split_text
from wspubsub.deployment.description.unknown import UNKNOWN

# Two things that have nothing in common: what covers both, covers everything.
_ANY_ACTIONS = ("q", "zx")
_ANY_RESOURCES = {
    "dynamodb": ("table/q", "table/zx-0"),
    "execute-api": ("q1/w/POST/@connections/e", "zx2/c/POST/@connections/v"),
    "sqs": ("q", "zx-0"),
}
# "Actions, resources, and condition keys" of DynamoDB and SQS: these have no resource.
_UNPLACED = {
    f"{service}:{name}".lower()
    for service, names in {
        "dynamodb": (
            "DescribeEndpoints DescribeLimits DescribeReservedCapacity "
            "DescribeReservedCapacityOfferings ListBackups ListContributorInsights "
            "ListExports ListGlobalTables ListImports ListStreams ListTables "
            "PurchaseReservedCapacityOfferings"
        ),
        "sqs": "ListQueues",
    }.items()
    for name in names.split()
}
# "AWS managed policy reference": each allows everything in at least one service.
_WIDE_POLICIES = frozenset(
    {
        "AdministratorAccess",
        "PowerUserAccess",
        "AmazonDynamoDBFullAccess",
        "AmazonDynamoDBFullAccess_v2",
        "AmazonSQSFullAccess",
        "AmazonAPIGatewayInvokeFullAccess",
    }
)
_ARN_FIELDS = 6


def check_widths(deployment: Deployment) -> Iterator[Finding]:
    """Yield what the roles allow without need."""
    functions = [*deployment.running, *(each for _, each in deployment.workers)]
    roles = {
        each.grants.role: each.grants
        for each in functions
        if each.grants is not UNKNOWN
    }
    for role, grants in roles.items():
        for statement in grants.statements:
            if statement.is_allowing is True and statement.is_whole:
                yield from _check_statement(statement)
        for policy in grants.managed:
            name = policy.rpartition("/")[2]
            if name in _WIDE_POLICIES:
                yield Finding(
                    "too-wide",
                    role,
                    f"has the policy {name}, which is too much: allow only the actions "
                    "that are used",
                )


def _check_statement(statement: Statement) -> Iterator[Finding]:
    ours = [each for each in statement.actions if _is_ours(each)]
    for action in ours:
        if _is_every_action(action):
            yield Finding(
                "too-wide",
                statement.owner,
                f"allows {action}, which is too much: name only the actions "
                "that are used",
            )
    placed = [each for each in ours if each.lower() not in _UNPLACED]
    for resource in statement.resources:
        if placed and _is_everything(resource):
            yield Finding(
                "too-wide",
                statement.owner,
                f"allows {', '.join(placed)} on {resource}, which is too much: "
                "name only the resource that is used",
            )


def _is_ours(action: str) -> bool:
    service = action.partition(":")[0].lower()
    return service in _ANY_RESOURCES or _is_every_action(action)


def _is_every_action(action: str) -> bool:
    return any(
        all(must_match(action.lower(), f"{service}:{name}") for name in _ANY_ACTIONS)
        for service in _ANY_RESOURCES
    )


def _is_everything(resource: str) -> bool:
    fields = split_text(resource, ":")
    rest = ":".join(fields[_ARN_FIELDS - 1 :])
    if len(fields) < _ARN_FIELDS:
        return must_match(resource, "arn:q:dynamodb:w:1:table/e") and must_match(
            resource, "arn:a:sqs:s:2:d"
        )
    return any(
        must_match(fields[2], service) and all(must_match(rest, each) for each in names)
        for service, names in _ANY_RESOURCES.items()
    )
