"""Rules about permissions: enough to work, and no more than that."""

from collections.abc import Iterator

from wspubsub.deployment.checking.deployment import FUNCTION, QUEUE, TABLE, Deployment
from wspubsub.deployment.checking.findings import Finding
from wspubsub.deployment.checking.grants import (
    Grants,
    Statement,
    read_grants,
    strip_place,
)
from wspubsub.deployment.checking.stack import Resource
from wspubsub.deployment.permissions import (
    LIST_STREAMS,
    MANAGE_CONNECTIONS,
    SEND_MESSAGE,
    VERBS,
    table_actions,
)
from wspubsub.dynamodb.log_items import log_partition

_SERVICES = ("dynamodb", "execute-api", "logs", "sqs")
_CONNECTION = "connection-id"


def check_permissions(
    deployment: Deployment, *, history: bool, members: bool
) -> Iterator[Finding]:
    """Yield which permissions are missing, and which are too wide."""
    yield from _check_invocable(deployment)
    for function in deployment.functions:
        found = read_grants(deployment.stack, function)
        if found is not None:
            yield from _check_connections(deployment, function, found)
            yield from _check_table(
                deployment, function, found, history=history, members=members
            )
            yield from _check_queue(deployment, function, found)
    for role in _find_roles(deployment):
        for statement in role.statements:
            yield from _check_width(statement)


def _check_invocable(deployment: Deployment) -> Iterator[Finding]:
    api, stages = f"${{{deployment.api.name}}}", deployment.stage_names
    done = set()
    for route in deployment.routes:
        if route.function is None or not stages:
            continue
        name = route.function.name
        if name not in done and not any(
            _may_invoke(deployment, name, f"{api}/{stage}/{route.key}")
            for stage in stages
        ):
            done.add(name)
            yield Finding(
                name,
                f"API Gateway may not invoke it for route {route.key}: add an "
                "AWS::Lambda::Permission for apigateway.amazonaws.com with this API's "
                "SourceArn",
            )
    yield from _check_authorizers(deployment)


def _check_authorizers(deployment: Deployment) -> Iterator[Finding]:
    stack = deployment.stack
    for authorizer in stack.of_kind("AWS::ApiGatewayV2::Authorizer"):
        uri = authorizer.properties.get("AuthorizerUri")
        function = stack.resolve(uri, FUNCTION)
        path = f"${{{deployment.api.name}}}/authorizers/${{{authorizer.name}}}"
        if (
            function is not None
            and "AuthorizerCredentialsArn" not in authorizer.properties
            and not _may_invoke(deployment, function.name, path)
        ):
            yield Finding(
                function.name,
                f"API Gateway may not invoke it for {authorizer.name}: add an "
                "AWS::Lambda::Permission whose SourceArn ends in "
                f"authorizers/${{{authorizer.name}}}",
            )


def _may_invoke(deployment: Deployment, function: str, path: str) -> bool:
    stack = deployment.stack
    for each in stack.of_kind("AWS::Lambda::Permission"):
        allowed = stack.resolve(each.properties.get("FunctionName"), FUNCTION)
        source = each.properties.get("SourceArn")
        statement = Statement(
            each.name,
            (stack.text(each.properties.get("Action")),),
            ("*",) if source is None else (stack.text(source),),
        )
        principal = stack.text(each.properties.get("Principal"))
        if (
            allowed is not None
            and allowed.name == function
            and principal in (None, "apigateway.amazonaws.com")
            and statement.allows("lambda:InvokeFunction", f"execute-api:{path}")
        ):
            return True
    return False


def _check_connections(
    deployment: Deployment, function: Resource, found: Grants
) -> Iterator[Finding]:
    stages = deployment.stage_names
    missing = [
        verb
        for verb in VERBS
        if stages
        and all(
            found.lacks(
                MANAGE_CONNECTIONS,
                f"execute-api:${{{deployment.api.name}}}/{stage}/{verb}/"
                f"@connections/{_CONNECTION}",
            )
            for stage in stages
        )
    ]
    if missing:
        yield Finding(
            found.role,
            f"{function.name} may not {_join(missing)} connections: allow "
            f"{MANAGE_CONNECTIONS} on arn:${{AWS::Partition}}:execute-api:"
            f"${{AWS::Region}}:${{AWS::AccountId}}:${{{deployment.api.name}}}/"
            f"{stages[0]}/{missing[0]}/@connections/*"
            + (" and so on" if len(missing) > 1 else ""),
        )


def _check_table(
    deployment: Deployment,
    function: Resource,
    found: Grants,
    *,
    history: bool,
    members: bool,
) -> Iterator[Finding]:
    table = deployment.find_table(function)
    if table is None:
        return
    name = deployment.stack.text(table.properties.get("TableName"))
    names = [f"${{{table.name}.Arn}}", f"dynamodb:table/${{{table.name}}}"]
    names += [f"dynamodb:table/{name}"] if name else []
    is_logged = history or _carries_log(deployment, table)
    for action in table_actions(history=is_logged, members=members):
        if found.lacks(action, *names):
            yield report_lacking(found, action, f"{table.name} for {function.name}")


def _carries_log(deployment: Deployment, table: Resource) -> bool:
    """Whether a table's stream brings log entries, by the filter of a mapping."""
    return any(
        log_partition("") in str(each.properties.get("FilterCriteria"))
        and deployment.stack.resolve(each.properties.get("EventSourceArn"), TABLE)
        == table
        for each, _ in deployment.find_mappings()
    )


def _check_queue(
    deployment: Deployment, function: Resource, found: Grants
) -> Iterator[Finding]:
    value = deployment.find_variable(function, "WSPUBSUB_QUEUE")
    queue = deployment.stack.resolve(value, QUEUE)
    if queue is not None and found.lacks(
        SEND_MESSAGE, *list_queue_names(deployment, queue)
    ):
        yield report_lacking(found, SEND_MESSAGE, f"{queue.name} for {function.name}")


def list_queue_names(deployment: Deployment, queue: Resource) -> list[str]:
    """Return the names that a statement may use for a queue."""
    name = deployment.stack.text(queue.properties.get("QueueName"))
    names = [f"${{{queue.name}.Arn}}", f"sqs:${{{queue.name}.QueueName}}"]
    return [*names, f"sqs:{name}"] if name else names


def _find_roles(deployment: Deployment) -> Iterator[Grants]:
    invoked = [function for _, function in deployment.find_mappings() if function]
    seen = set()
    for function in [*deployment.functions, *invoked]:
        found = read_grants(deployment.stack, function)
        if found is not None and found.role not in seen:
            seen.add(found.role)
            yield found


def _check_width(statement: Statement) -> Iterator[Finding]:
    actions = [each for each in statement.actions if each and _is_ours(each)]
    for action in actions:
        if action == "*" or action.endswith(":*"):
            yield Finding(
                statement.owner,
                f"allows {action}, which is too much: name only the actions "
                "that are used",
            )
    # "Actions, resources, and condition keys for Amazon DynamoDB" has none for it.
    placed = [each for each in actions if each != LIST_STREAMS]
    for resource in statement.resources:
        if placed and resource is not None and _is_everything(resource):
            yield Finding(
                statement.owner,
                f"allows {_join(placed)} on {resource}, which is too much: "
                "name only the resource that is used",
            )


def _is_ours(action: str) -> bool:
    return action == "*" or action.partition(":")[0].lower() in _SERVICES


def _is_everything(resource: str) -> bool:
    if resource == "*":
        return True
    service, _, rest = strip_place(resource).partition(":")
    owner = rest.partition("/")[0]
    if service in ("execute-api", "sqs"):
        return bool(owner) and set(owner) == {"*"}
    return service == "dynamodb" and (rest == "*" or rest.startswith("table/*"))


def report_lacking(found: Grants, action: str, what: str) -> Finding:
    """Return the finding that a role does not allow an action."""
    return Finding(found.role, f"does not allow {action} on {what}: add it")


def _join(words: list[str]) -> str:
    return ", ".join(words)
