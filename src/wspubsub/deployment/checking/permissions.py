"""Rules about permissions: whether the functions may do what they need."""

from collections.abc import Iterator

from wspubsub.deployment.checking.endpoints import is_own_endpoint
from wspubsub.deployment.checking.findings import Finding
from wspubsub.deployment.checking.needs import (
    CONNECTION,
    Need,
    list_application_needs,
    list_publisher_needs,
    list_source_needs,
)
from wspubsub.deployment.description.deployment import Deployment
from wspubsub.deployment.description.grants import Grants, Statement
from wspubsub.deployment.description.parts import Function
from wspubsub.deployment.description.unknown import UNKNOWN
from wspubsub.deployment.permissions import MANAGE_CONNECTIONS

_QUERY = "dynamodb:Query"


def check_permissions(deployment: Deployment) -> Iterator[Finding]:
    """Yield which permissions the functions lack, and which are denied."""
    for group in list_groups(deployment):
        yield from _check_group(group)


def list_groups(deployment: Deployment) -> Iterator[list[tuple[Function, list[Need]]]]:
    """Yield what functions need; it is enough if one of a group has it."""
    # Several functions of one handler may have a part of its work each.
    yield [
        (function, list_application_needs(deployment, function))
        for function in deployment.running
    ]
    for function in _list_publishers(deployment):
        yield [(function, list_publisher_needs(deployment, function))]
    for source, function in deployment.workers:
        yield [(function, list(list_source_needs(deployment, source, function)))]


def _list_publishers(deployment: Deployment) -> list[Function]:
    """Return the functions besides that certainly publish.

    A worker of the application's own stream or queue does; one that the user names
    does; and one that reads subscribers and posts.
    """
    found = {
        each.name: each
        for each in deployment.functions
        if each not in deployment.running
        and (
            each in deployment.own_workers
            or deployment.is_publisher(each)
            or _reads_and_posts(deployment, each)
        )
    }
    return list(found.values())


def _reads_and_posts(deployment: Deployment, function: Function) -> bool:
    grants = function.grants
    if grants is UNKNOWN or not is_own_endpoint(deployment, function):
        return False
    wanted = {MANAGE_CONNECTIONS, _QUERY}
    return deployment.find_table(function) is not None and all(
        _is_allowed(grants, need)
        for need in list_publisher_needs(deployment, function)
        if need.action in wanted
    )


def _is_allowed(grants: Grants, need: Need) -> bool:
    return not all(grants.lacks(need.action, each) for each in need.resources)


def _check_group(group: list[tuple[Function, list[Need]]]) -> Iterator[Finding]:
    roles = [function.grants for function, _ in group]
    for function, needs in group:
        missing = []
        for need in needs:
            denial = _find_denial(function, need)
            if denial is not None:
                yield _report_denial(denial, function, need)
            elif all(
                each is not UNKNOWN
                and not _is_allowed(each, need)
                and not _is_allowed_by_key(need)
                for each in roles
            ):
                missing.append(need)
        yield from _report_missing(function, missing)


def _is_allowed_by_key(need: Need) -> bool:
    return need.key is not None and not need.key.policy.lacks(
        need.action, need.resources[0]
    )


def _find_denial(function: Function, need: Need) -> Statement | None:
    grants = function.grants
    if grants is UNKNOWN:
        return None
    found = [grants.find_denial(need.action, each) for each in need.resources]
    return found[0] if None not in found else None


def _report_denial(denial: Statement, function: Function, need: Need) -> Finding:
    what = f"{need.verb} of connections" if need.verb else need.action
    on = "" if need.verb else f" on {need.what}"
    advice = (
        "allow it there"
        if denial.is_limit
        else "take it out of the statement with Effect Deny"
    )
    return Finding(
        "denied",
        denial.owner,
        f"denies {what}{on}, which {function.name} needs: {advice}",
    )


def _report_missing(function: Function, missing: list[Need]) -> Iterator[Finding]:
    if function.grants is UNKNOWN:
        return
    role = function.grants.role
    verbs = [need for need in missing if need.verb]
    if verbs:
        where = verbs[0].resources[0].removesuffix(CONNECTION)
        yield Finding(
            "posts",
            role,
            f"{function.name} may not {', '.join(str(need.verb) for need in verbs)} "
            f"connections: allow {MANAGE_CONNECTIONS} on {where}*"
            + (" and so on" if len(verbs) > 1 else ""),
        )
    for need in missing:
        if not need.verb:
            yield Finding(
                "key" if need.key else "actions",
                role,
                f"does not allow {need.action} on {need.what}: add it",
            )
