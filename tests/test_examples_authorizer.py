"""The chat's authorizer: who gets in, and who does not."""

import base64
import hmac
import json
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from websockets.exceptions import InvalidStatus

from tests.example_apps import imported
from tests.servers.gateways import CHAT, dev
from tests.servers.jwks import Provider, ec_key, provider, rsa_key
from wspubsub import ConnectEvent, Router
from wspubsub.testing import HandshakeRefused, InProcessGateway

ISSUER, AUDIENCE = "https://id.example.com/", "chat"
PAGE = "https://app.example.com"
QUERY = "route.request.querystring.token"

Door = Callable[..., int]


def claims(**changes: Any) -> dict[str, Any]:
    """Return the claims of a good token, or of one that is changed."""
    good = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "alice",
        "exp": int(time.time()) + 60,
    }
    changed = good | changes
    return {name: value for name, value in changed.items() if value is not None}


# Made once: an RSA key takes a while.
RSA, OTHER_RSA, EC = rsa_key(), rsa_key(), ec_key()


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
def door(
    idp: Provider, entered: list[ConnectEvent], monkeypatch: pytest.MonkeyPatch
) -> Door:
    """Knocks with a query, and says with which status it is answered."""
    for name, value in {
        "JWKS_URL": idp.url,
        "JWT_ISSUER": ISSUER,
        "JWT_AUDIENCE": AUDIENCE,
        "ALLOWED_ORIGINS": f"{PAGE}, http://localhost:8000",
    }.items():
        monkeypatch.setenv(name, value)
    router = Router()
    router.connect(entered.append)
    authorizer = imported("chat/authorizer.py").handler
    gateway = InProcessGateway(router, authorizer=authorizer)

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


def unsigned(_idp: Provider) -> str:
    return jwt.encode(claims(), "", "none", headers={"kid": "rsa"})


def signed_with_what_is_public(_idp: Provider) -> str:
    # By hand: PyJWT refuses to sign so.
    public = RSA.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    parts = ({"alg": "HS256", "typ": "JWT", "kid": "rsa"}, claims())
    text = b".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in parts
    )
    signed = hmac.digest(public, text, "sha256")
    return (text + b"." + base64.urlsafe_b64encode(signed).rstrip(b"=")).decode()


def signed_with_another_key(_idp: Provider) -> str:
    return jwt.encode(claims(), OTHER_RSA, "RS256", headers={"kid": "rsa"})


def of_another_algorithm(_idp: Provider) -> str:
    return jwt.encode(claims(), RSA, "RS512", headers={"kid": "rsa"})


def that_names_another_kind_of_key(_idp: Provider) -> str:
    return jwt.encode(claims(), RSA, "RS256", headers={"kid": "ec"})


def that_names_no_key(_idp: Provider) -> str:
    return jwt.encode(claims(), RSA, "RS256")


def with_other_claims(idp: Provider) -> str:
    header, _, signature = idp.token("rsa", claims()).split(".")
    _, payload, _ = idp.token("rsa", claims(sub="admin")).split(".")
    return f"{header}.{payload}.{signature}"


@pytest.mark.parametrize(
    "forged",
    [
        unsigned,
        signed_with_what_is_public,
        signed_with_another_key,
        of_another_algorithm,
        that_names_another_kind_of_key,
        that_names_no_key,
        with_other_claims,
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


def test_a_new_key_is_found_and_an_old_one_ends_with_the_keys_that_are_kept(
    door: Door, idp: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    old = idp.token("rsa", claims())
    assert door(old) == 101
    idp.keys = {"new": OTHER_RSA}
    new = idp.token("new", claims())

    clock[0] += 31

    assert door(new) == 101
    assert door(old) == 401


def test_tokens_that_name_unknown_keys_do_not_make_as_many_requests(
    door: Door, idp: Provider
) -> None:
    door(idp.token("rsa", claims()))
    asked = idp.requests

    for number in range(50):
        forged = jwt.encode(claims(), RSA, "RS256", headers={"kid": f"k{number}"})
        assert door(forged) == 401

    assert (asked, idp.requests) == (1, 1)


@pytest.mark.parametrize("garbage", [b"", b"[]", b"{}", b'{"keys": []}', b"\xff"])
def test_nobody_gets_in_while_the_keys_cannot_be_had(
    door: Door, idp: Provider, entered: list[ConnectEvent], garbage: bytes
) -> None:
    token = idp.token("rsa", claims())
    idp.garbage = garbage

    assert door(token) == 500
    assert entered == []

    idp.garbage = None
    assert door(token) == 101


@pytest.mark.parametrize(
    "url", ["http://id.example.com/jwks.json", "file:///etc/passwd", "jwks.json"]
)
def test_keys_are_taken_from_nowhere_that_could_be_somebody_else(
    door: Door,
    idp: Provider,
    entered: list[ConnectEvent],
    monkeypatch: pytest.MonkeyPatch,
    url: str,
) -> None:
    monkeypatch.setenv("JWKS_URL", url)

    assert door(idp.token("rsa", claims())) == 500
    assert entered == []


def test_no_token_is_logged(
    door: Door, idp: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    good, bad = idp.token("rsa", claims()), idp.token("rsa", claims(aud="mail"))

    assert (door(good), door(bad)) == (101, 401)

    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert "audience" in logged.lower()
    for token in (good, bad):
        assert not any(part in logged for part in token.split("."))


@pytest.mark.integration
def test_behind_the_local_gateway_the_chat_is_told_who_it_is(idp: Provider) -> None:
    variables = {
        "JWKS_URL": idp.url,
        "JWT_ISSUER": ISSUER,
        "JWT_AUDIENCE": AUDIENCE,
        "ALLOWED_ORIGINS": "",
    }
    with dev(
        f"{CHAT}:handler",
        *("--authorizer", f"{CHAT.with_name('authorizer.py')}:handler"),
        *("--identity-source", QUERY),
        environ=variables,
    ) as gateway:
        token = idp.token("ec", claims())
        with gateway.client(f"?token={token}") as client:
            client.send('{"type": "subscribe", "topic": "t"}')
            answer = json.loads(client.recv(20))
        statuses = []
        for query in ("?token=garbage", ""):
            with pytest.raises(InvalidStatus) as refused:
                gateway.client(query)
            statuses.append(refused.value.response.status_code)

    assert answer == {"type": "subscribed", "topic": "t"}
    assert statuses == [401, 401]
