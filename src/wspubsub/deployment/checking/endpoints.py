"""Rules about the address that messages are posted to."""

import re
from collections.abc import Iterator

from wspubsub.deployment.checking.findings import Finding
from wspubsub.deployment.description.deployment import (
    ENDPOINT_VARIABLE,
    Deployment,
    find_variable,
    names_stage,
)
from wspubsub.deployment.description.parts import Function
from wspubsub.deployment.description.texts import (
    find_regions,
    is_known,
    is_literal,
    may_equal,
    split_text,
)
from wspubsub.deployment.description.unknown import UNKNOWN

_ADDRESS = re.compile(r"(\w+)://([^/]*)/?(.*)")
# `ManagementApi` takes the addresses that clients use, too.
_SCHEMES = ("https", "wss")
_EXECUTE_API = ".execute-api."


def check_endpoints(deployment: Deployment) -> Iterator[Finding]:
    """Yield what is wrong with the endpoints of an application's functions."""
    for function in deployment.running:
        text = find_variable(function, ENDPOINT_VARIABLE)
        if text is UNKNOWN or text is None:
            continue
        for rule, problem in _find_problems(deployment, text):
            yield _report(deployment, function, rule, problem)


def is_own_endpoint(deployment: Deployment, function: Function) -> bool:
    """Return whether a function certainly posts to the deployment's API."""
    text = find_variable(function, ENDPOINT_VARIABLE)
    if text is UNKNOWN or text is None:
        return False
    match = _ADDRESS.fullmatch(text)
    host = match[2] if match else ""
    is_api = split_text(host, ".")[0] == deployment.api.api_id
    return is_api or any(host == each.domain for each in deployment.api.domains)


def _report(
    deployment: Deployment, function: Function, rule: str, problem: str
) -> Finding:
    api, stages = deployment.api, deployment.api.stages
    names = [each.stage_name for each in stages if is_literal(each.stage_name)]
    right = f"https://{api.host}/{names[0] if names else 'STAGE'}"
    how = "" if is_literal(right) else " (Fn::Sub)"
    advice = "" if rule in _ADVISED else f": set it to {right}{how}"
    return Finding(rule, function.name, f"{ENDPOINT_VARIABLE} {problem}{advice}")


# What these say contains what to do.
_ADVISED = ("endpoint-disabled", "endpoint-mapping")


def _find_problems(deployment: Deployment, text: str) -> Iterator[tuple[str, str]]:
    match = _ADDRESS.fullmatch(text)
    if match is None:
        if is_known(text):
            yield "endpoint-url", f"is {text}, which is not a URL"
        return
    scheme, host, path = match.groups()
    if scheme not in _SCHEMES:
        yield "endpoint-url", f"begins with {scheme}://, but posts need https"
    if _EXECUTE_API in host:
        yield from _find_problems_of_api(deployment, host, path)
    else:
        yield from _find_problems_of_domain(deployment, host, path)


def _find_problems_of_api(
    deployment: Deployment, host: str, path: str
) -> Iterator[tuple[str, str]]:
    api = deployment.api
    owner, _, place = host.partition(_EXECUTE_API)
    if not may_equal(owner, api.api_id):
        yield "endpoint-api", f"is not the endpoint of {api.name}"
        return
    if owner != api.api_id:
        return  # an ID that was written down may be that of this API, or another
    if api.is_endpoint_disabled is True:
        yield (
            "endpoint-disabled",
            f"is the address of {api.name} itself, which answers 403 because its "
            "DisableExecuteApiEndpoint is true: set it to the custom domain and the "
            "key of its mapping",
        )
    for region in find_regions(place):
        if deployment.regions & {region, "*"}:
            continue
        yield "endpoint-region", _say_region(deployment, region)
    yield from _check_stage(deployment, path)


def _say_region(deployment: Deployment, region: str) -> str:
    found = find_regions(deployment.api.host)
    where = f"but the API in {found[0]}" if found else "whatever Region the stack is in"
    return f"is in {region}, {where}"


def _check_stage(deployment: Deployment, path: str) -> Iterator[tuple[str, str]]:
    api = deployment.api
    named = path.strip("/")
    if not api.stages or (named and names_stage(named, api)):
        return
    names = [each.stage_name for each in api.stages if is_literal(each.stage_name)]
    said = f"names the stage {named}" if named else "has no stage"
    yield "endpoint-stage", f"{said}, but the stage is {' or '.join(names) or 'there'}"


def _find_problems_of_domain(
    deployment: Deployment, host: str, path: str
) -> Iterator[tuple[str, str]]:
    api = deployment.api
    if host in api.foreign_domains:
        yield "endpoint-api", f"is {host}, which has no mapping to {api.name}"
    keys = [each.key for each in api.domains if each.domain == host]
    named = path.strip("/")
    if not keys or api.has_other_domains or any(may_equal(named, k) for k in keys):
        return
    path = f"/{keys[0]}" if keys[0] else " without a path"
    yield (
        "endpoint-mapping",
        f"has the path /{named}, but the domain's mapping leads to {api.name} from "
        f"another one, so posts are answered with 403: set it to https://{host}{path}",
    )
