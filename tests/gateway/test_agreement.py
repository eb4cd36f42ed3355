"""Router, gateway and template accept the same: results, route keys, names."""

from collections.abc import Callable
from typing import Any

import pytest

from wspubsub import Router, UsageError
from wspubsub.deployment.template.settings import TemplateSettings
from wspubsub.errors import MessageError
from wspubsub.gateway import GatewayConfig, Returned
from wspubsub.gateway.results import MalformedResultError, ProxyResult, proxy_result
from wspubsub.messages import MAX_MESSAGE_BYTES
from wspubsub.testing import connect_event

OK = {"statusCode": 200}
STATUSES: list[object] = [
    200, 204, 299, 300, 404, 599, "204", "599",
    100, 101, 199, 600, -200, "99", "2000", "0x1", "٢٠٠", "20 ", True, 200.0, None, [],
]  # fmt: skip
TEXTS: list[object] = [
    "", "x", "a b\tc", "\xe9", 1, -1, 1.5, True, False,
    "a\nb", "a\r\nB: c", "\x00", "\x7f", "€", None, [], {},
]  # fmt: skip
NAMES = ["X", "x-1", "!#$%&'*+.^_`|~", "", "a b", "a:", "a\n", "é", "a(b)"]
MAPPINGS: list[object] = [None, {}, {"a": "1", "A": "2"}]
NO_MAPPINGS: list[object] = ["", "x", [], [1], 0, 1, False, True]
BODIES: list[object] = [
    None, "", "x", "é", "x" * MAX_MESSAGE_BYTES,
    "x" * (MAX_MESSAGE_BYTES + 1), "é" * MAX_MESSAGE_BYTES, 1, True, [], {},
]  # fmt: skip
RESULTS: list[Any] = [
    *({"statusCode": status} for status in STATUSES),
    *(OK | {"headers": {"A": text}} for text in TEXTS),
    *(OK | {"headers": {name: "x"}} for name in NAMES),
    *(OK | {"headers": headers} for headers in MAPPINGS),
    *(OK | {"headers": headers} for headers in NO_MAPPINGS),
    *(OK | {"multiValueHeaders": {"A": ["1", text]}} for text in TEXTS),
    *(OK | {"multiValueHeaders": {name: ["x"]}} for name in NAMES),
    *(OK | {"multiValueHeaders": headers} for headers in MAPPINGS[:2]),
    *(OK | {"multiValueHeaders": headers} for headers in NO_MAPPINGS),
    *(OK | {"multiValueHeaders": {"A": text}} for text in TEXTS),
    *(OK | {"body": body} for body in BODIES),
    *(OK | {"isBase64Encoded": encoded} for encoded in [None, False]),
    *(OK | {key: "x"} for key in ["status", "StatusCode", "cookies", ""]),
    *({}, [], [OK], "x", 200, True, {"body": "x"}),
]


def test_the_router_and_the_gateway_agree_about_every_result() -> None:
    differing = [
        f"{result!r:.90}"
        for result in RESULTS
        if through_the_router(result) != as_it_is(result)
    ]

    assert not differing


def test_both_accept_some_and_refuse_some() -> None:
    verdicts = [as_it_is(result) is None for result in RESULTS]

    assert verdicts.count(True) > 40
    assert verdicts.count(False) > 40


@pytest.mark.parametrize(
    ("key", "is_accepted"),
    [("say", True), ("a b/ü", True), ("", False), ("$x", False), ("$Connect", False)],
)
def test_a_route_key_is_accepted_by_both_or_by_neither(
    key: str, is_accepted: bool
) -> None:
    assert accepts(lambda: Router().route(key)) is is_accepted
    assert accepts(lambda: GatewayConfig(routes={key})) is is_accepted


@pytest.mark.parametrize(
    ("stage", "is_accepted"),
    [
        ("prod", True),
        ("A-1_b", True),
        ("x" * 128, True),
        ("x" * 129, False),
        ("$default", False),
        ("a/b", False),
        ("é", False),
        ("", False),
    ],
)
def test_a_stage_is_accepted_by_both_or_by_neither(
    stage: str, is_accepted: bool
) -> None:
    assert accepts(lambda: GatewayConfig(stage=stage)) is is_accepted
    assert accepts(lambda: TemplateSettings(stage=stage)) is is_accepted


@pytest.mark.parametrize(
    ("source", "is_accepted"),
    [
        ("route.request.header.Authorization", True),
        ("route.request.header.X-Token", True),
        ("route.request.querystring.token", True),
        ("stageVariables.key", True),
        ("context.identity.sourceIp", True),
        ("route.request.querystring.a[b]", False),
        ("route.request.header.", False),
        ("route.request.header.a b", False),
        ("route.request.body.token", False),
        ("method.request.header.Auth", False),
        ("context.é", False),
        ("$context.identity", False),
        ("", False),
    ],
)
def test_an_identity_source_is_accepted_by_both_or_by_neither(
    source: str, is_accepted: bool
) -> None:
    given = (source,)

    assert is_accepted is accepts(
        lambda: GatewayConfig(has_authorizer=True, identity_sources=given)
    )
    assert is_accepted is accepts(
        lambda: TemplateSettings(authorizer="a.b", identity_sources=given)
    )


def accepts(make: Callable[[], object]) -> bool:
    try:
        make()
    except UsageError:
        return False
    return True


def as_it_is(result: object) -> ProxyResult | None:
    try:
        return proxy_result(Returned(result), GatewayConfig())
    except MalformedResultError:
        return None


def through_the_router(result: object) -> ProxyResult | None:
    router = Router()
    router.connect(lambda _event: result)
    try:
        made = router(connect_event())
    except (UsageError, MessageError):
        return None
    if made["statusCode"] == 400 and "message" in made.get("body", ""):
        return None  # the router says that it is too large
    # What the router has made is never malformed.
    return proxy_result(Returned(made), GatewayConfig())
