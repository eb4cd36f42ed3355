"""The chat's authorizer: who gets in, and who does not."""

import json
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
from websockets.exceptions import InvalidStatus

from tests.support import example_tokens
from tests.support.example_apps import imported
from tests.support.example_tokens import AUDIENCE, EC, ISSUER, OTHER_RSA, RSA, claims
from tests.support.servers.gateways import CHAT, dev
from tests.support.servers.jwks import Provider, provider
from wspubsub import ConnectEvent, Router
from wspubsub.testing import HandshakeRefused, InProcessGateway

PAGE = "https://app.example.com"
QUERY = "route.request.querystring.token"

Door = Callable[..., int]


@pytest.fixture
def idp() -> Iterator[Provider]:
    """A provider with one key of each kind."""
    with provider() as running:
        running.keys = {"rsa": RSA, "ec": EC}
        yield running


@pytest.fixture
def entered() -> list[ConnectEvent]:
    """The handshakes that have reached the application."""
    return []


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time by which keys are kept, to be changed."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def door(
    idp: Provider, entered: list[ConnectEvent], monkeypatch: pytest.MonkeyPatch
) -> Door:
    """Knocks with a query, and says with which status it is answered."""
    for name, value in {
        "JWKS_URL": idp.url,
        "JWT_ISSUER": ISSUER,
        "JWT_AUDIENCE": AUDIENCE,
        "ALLOWED_ORIGINS": f"{PAGE}, http://localhost:8000,",
    }.items():
        monkeypatch.setenv(name, value)
    router = Router()
    router.connect(entered.append)
    authorizer = imported("chat/authorizer.py").handler
    gateway = InProcessGateway(router, authorizer=authorizer, raise_errors=False)

    def knock(token: str | list[str] | None, **headers: str) -> int:
        query = {} if token is None else {"token": token}
        try:
            gateway.connect(query=query, headers=headers)
        except HandshakeRefused as refused:
            return refused.status
        return 101

    return knock


@pytest.mark.parametrize("kid", ["rsa", "ec"])
def test_who_has_a_good_token_gets_in_and_is_known(
    door: Door, idp: Provider, entered: list[ConnectEvent], kid: str
) -> None:
    status = door(idp.token(kid, claims(scope="read write")), Origin=PAGE)

    assert status == 101
    (event,) = entered
    assert event.principal == "alice"
    assert event.connection.principal == "alice"
    assert event.authorizer["scope"] == "read write"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"exp": int(time.time()) - 60}, id="over"),
        pytest.param({"nbf": int(time.time()) + 600}, id="not yet valid"),
        pytest.param({"iss": "https://evil.example.net/"}, id="another issuer"),
        pytest.param({"aud": "mail"}, id="another audience"),
        pytest.param({"aud": None}, id="no audience"),
        pytest.param({"iss": None}, id="no issuer"),
        pytest.param({"exp": None}, id="never over"),
        pytest.param({"sub": None}, id="of nobody"),
        pytest.param({"sub": ""}, id="of an empty name"),
    ],
)
def test_a_token_that_is_not_right_is_answered_with_401(
    door: Door, idp: Provider, entered: list[ConnectEvent], changes: dict[str, Any]
) -> None:
    assert door(idp.token("rsa", claims(**changes))) == 401
    assert entered == []


@pytest.mark.parametrize(
    "forged",
    [
        example_tokens.unsigned,
        example_tokens.signed_with_what_is_public,
        example_tokens.signed_with_another_key,
        example_tokens.of_another_algorithm,
        example_tokens.that_names_another_kind_of_key,
        example_tokens.that_names_no_key,
        example_tokens.with_other_claims,
        pytest.param(lambda _idp: "garbage", id="garbage"),
        pytest.param(lambda _idp: "a.b.c", id="three parts"),
        pytest.param(lambda _idp: "....", id="dots"),
        pytest.param(lambda _idp: "é" * 200, id="not ASCII"),
        pytest.param(lambda idp: [idp.token("rsa", claims())] * 2, id="two"),
        pytest.param(lambda _idp: "", id="empty"),
        pytest.param(lambda _idp: None, id="none"),
    ],
)
def test_a_forged_token_is_answered_with_401(
    door: Door,
    idp: Provider,
    entered: list[ConnectEvent],
    forged: Callable[[Provider], Any],
) -> None:
    assert door(forged(idp)) == 401
    assert entered == []


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (PAGE, 101),
        ("http://localhost:8000", 101),
        ("https://evil.example.net", 403),
        (f"{PAGE}.evil.example.net", 403),
        (f"{PAGE}:8443", 403),
        ("null", 403),
        ("", 403),
    ],
)
def test_pages_that_are_not_allowed_are_answered_with_403(
    door: Door, idp: Provider, origin: str, status: int
) -> None:
    assert door(idp.token("rsa", claims()), Origin=origin) == status


def test_a_program_sends_no_origin_and_gets_in(door: Door, idp: Provider) -> None:
    assert door(idp.token("rsa", claims())) == 101


def test_without_a_list_of_origins_every_page_gets_in(
    door: Door, idp: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLOWED_ORIGINS", "")

    assert door(idp.token("rsa", claims()), Origin="https://any.example.net") == 101


def test_a_new_key_is_found_and_an_old_one_that_is_gone_ends(
    clock: list[float], door: Door, idp: Provider
) -> None:
    old = idp.token("rsa", claims())
    assert door(old) == 101
    idp.keys = {"new": OTHER_RSA}
    new = idp.token("new", claims())
    clock[0] += 31

    statuses = door(new), door(old)

    assert statuses == (101, 401)


def test_a_key_that_is_gone_ends_after_five_minutes_though_no_new_one_is_used(
    clock: list[float], door: Door, idp: Provider
) -> None:
    token = idp.token("rsa", claims())
    assert door(token) == 101
    idp.keys = {"new": OTHER_RSA}
    clock[0] += 299
    assert door(token) == 101

    clock[0] += 2

    assert door(token) == 401


def test_tokens_that_name_unknown_keys_do_not_make_as_many_requests(
    door: Door, idp: Provider
) -> None:
    door(idp.token("rsa", claims()))
    asked = idp.requests

    for number in range(50):
        forged = jwt.encode(claims(), RSA, "RS256", headers={"kid": f"k{number}"})
        assert door(forged) == 401

    assert (asked, idp.requests) == (1, 1)


GARBAGE = [b"", b"[]", b"{}", b'{"keys": []}', b"\xff", b"<html>"]


@pytest.mark.parametrize("garbage", GARBAGE)
def test_nobody_gets_in_while_the_keys_cannot_be_had(
    clock: list[float],
    door: Door,
    idp: Provider,
    entered: list[ConnectEvent],
    garbage: bytes,
) -> None:
    token = idp.token("rsa", claims())
    idp.garbage = garbage

    assert (door(token), door(token)) == (500, 500)
    assert (entered, idp.requests) == ([], 1)

    idp.garbage = None
    clock[0] += 6
    assert door(token) == 101


@pytest.mark.parametrize("garbage", GARBAGE)
def test_a_provider_that_fails_is_not_asked_for_each_token_that_is_forged(
    clock: list[float], door: Door, idp: Provider, garbage: bytes
) -> None:
    good = idp.token("rsa", claims())
    unknown = jwt.encode(claims(), OTHER_RSA, "RS256", headers={"kid": "new"})
    assert door(good) == 101
    idp.garbage = garbage
    clock[0] += 31

    statuses = {door(unknown) for _ in range(50)}

    assert statuses == {500}
    assert idp.requests == 2
    assert door(good) == 101


def test_nobody_gets_in_by_a_key_that_is_not_for_signing(
    door: Door, idp: Provider, entered: list[ConnectEvent]
) -> None:
    idp.use = "enc"

    assert door(idp.token("rsa", claims())) == 500
    assert entered == []


def test_nobody_gets_in_where_no_provider_is(
    door: Door, idp: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    with provider() as gone:
        monkeypatch.setenv("JWKS_URL", gone.url)

    assert door(idp.token("rsa", claims())) == 500


def test_no_other_algorithm_is_taken_though_the_provider_publishes_it(
    door: Door, idp: Provider
) -> None:
    idp.algorithms["RSA"] = "RS512"

    assert door(idp.token("rsa", claims())) == 401


@pytest.mark.parametrize(
    "url",
    [
        # The provider of the test, by a name that is not among those of loopback.
        pytest.param("http://127.1:{port}/jwks.json", id="in the clear"),
        "file:///etc/passwd",
        "file://localhost/etc/passwd",
        "jwks.json",
    ],
)
def test_keys_are_taken_from_nowhere_that_could_be_somebody_else(
    door: Door,
    idp: Provider,
    entered: list[ConnectEvent],
    monkeypatch: pytest.MonkeyPatch,
    url: str,
) -> None:
    monkeypatch.setenv("JWKS_URL", url.format(port=urlsplit(idp.url).port))

    assert door(idp.token("rsa", claims())) == 500
    assert (entered, idp.requests) == ([], 0)


def test_no_token_is_logged(
    door: Door, idp: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    good, bad = idp.token("rsa", claims()), idp.token("rsa", claims(aud="mail"))
    unknown = jwt.encode(claims(), RSA, "RS256", headers={"kid": "5ecret"})

    assert (door(good), door(bad), door(unknown)) == (101, 401, 401)

    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert "InvalidAudienceError" in logged
    assert "5ecret" not in logged
    for token in (good, bad, unknown):
        assert not any(part in logged for part in token.split("."))


@pytest.mark.integration
def test_behind_the_local_gateway_the_chat_is_told_who_it_is(idp: Provider) -> None:
    variables = {
        "JWKS_URL": idp.url,
        "JWT_ISSUER": ISSUER,
        "JWT_AUDIENCE": AUDIENCE,
        "ALLOWED_ORIGINS": PAGE,
    }
    with dev(
        f"{CHAT}:handler",
        *("--authorizer", f"{CHAT.with_name('authorizer.py')}:handler"),
        *("--identity-source", QUERY),
        environ=variables,
    ) as gateway:
        token = idp.token("ec", claims())
        with gateway.client(f"?token={token}", origin=PAGE) as client:
            client.send('{"type": "subscribe", "topic": "t"}')
            answer = json.loads(client.recv(20))
        statuses = []
        for query, origin in (
            ("?token=garbage", PAGE),
            ("", PAGE),
            (f"?token={token}&token={token}", PAGE),
            (f"?token={token}", "https://evil.example.net"),
        ):
            with pytest.raises(InvalidStatus) as refused:
                gateway.client(query, origin=origin)
            statuses.append(refused.value.response.status_code)

    assert answer == {"type": "subscribed", "topic": "t"}
    assert statuses == [401, 401, 401, 403]
