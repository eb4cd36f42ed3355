"""Tokens as Centrifugo has them, for connecting and for subscribing."""

import sys
import warnings
from base64 import urlsafe_b64encode
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.pubsub_clients import World
from wspubsub import UsageError
from wspubsub.pubsub import ConnectRequest, SubscribeRequest, User
from wspubsub.pubsub.jwt import Tokens

SECRET = "0123456789abcdef0123456789abcdef"
NOW = 1_767_225_600  # where the gateway's clock begins
LATER = 4_102_444_800


def sign(key: Any = SECRET, algorithm: str = "HS256", **claims: Any) -> str:
    return jwt.encode(claims, key, algorithm)


def _encode(part: bytes) -> str:
    return urlsafe_b64encode(part).decode().rstrip("=")


def make_world(tokens: Tokens) -> World:
    world = World()

    @world.pubsub.connect
    def connect(request: ConnectRequest) -> User:
        return tokens.user(request, subscribe=["user:x"], data={"hello": 1})

    world.pubsub.topic("user:{user}")
    room = world.pubsub.topic("room:{room_id}", presence=True)

    @room.subscribe
    def enter(request: SubscribeRequest, room_id: str) -> object:
        return tokens.subscription(request, {"room": room_id})

    return world


def test_a_token_says_who_the_user_is() -> None:
    world = make_world(Tokens(SECRET))
    client = world.open()

    reply = client.connect(sign(sub="ada", info={"name": "Ada"}, exp=LATER))

    assert reply["connect"] == {
        "client": client.id,
        "data": {"hello": 1},
        "expires": True,
        "ttl": LATER - NOW,
        "subs": {"user:x": {}},
    }
    assert world.members.connections_of("ada") == (client.id,)


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("", 101),
        ("forged", 101),
        ("a.b.c", 101),
        (sign("another secret of thirty-two byte", sub="ada"), 101),
        (jwt.encode({"sub": "ada"}, "", algorithm="none"), 101),
        (sign(SECRET * 2, "HS512", sub="ada"), 101),
        (sign(sub="ada", nbf=LATER), 101),
        (sign(sub="x" * 257), 101),
        (sign(sub="\ud800"), 101),
        (sign(sub="ada", exp=f"{LATER}"), 101),
        (sign(sub="ada", exp=10**400), 101),
        (sign(sub="ada", exp=1e999), 101),
        (_encode(b'{"alg":"HS256","x":' + b"[" * 5000) + ".e30.x", 101),
        (sign(sub="ada", exp=NOW - 1_000_000_000), 109),
    ],
)
def test_a_token_that_is_not_valid_is_refused(token: str, code: int) -> None:
    client = make_world(Tokens(SECRET)).open()

    assert client.connect(token)["error"]["code"] == code


def test_a_subscription_token_is_for_one_user_and_one_topic() -> None:
    client = make_world(Tokens(SECRET)).open()
    client.connect(sign(sub="ada"))

    right = client.subscribe("room:1", token=sign(sub="ada", channel="room:1"))
    assert right["subscribe"] == {"data": {"room": "1"}}
    told = sign(sub="ada", channel="room:1", info={"role": "host"})
    assert "subscribe" in client.subscribe("room:1", token=told)
    found = client.ask(presence={"channel": "room:1"})["presence"]["presence"]
    assert found[client.id]["chan_info"] == {"role": "host"}
    for claims, code in (
        ({"sub": "bob", "channel": "room:1"}, 103),
        ({"sub": "ada", "channel": "room:2"}, 103),
        ({"sub": "ada"}, 103),
        ({"sub": "ada", "channel": "room:1", "exp": 1_000_000_000}, 109),
    ):
        reply = client.subscribe("room:1", token=sign(**claims))
        assert reply["error"]["code"] == code
    assert client.subscribe("room:1")["error"]["code"] == 101


def test_audience_and_issuer_are_checked_where_they_are_given() -> None:
    tokens = Tokens(SECRET, audience="chat", issuer="login")

    assert tokens.verify(sign(sub="ada", aud="chat", iss="login"))["sub"] == "ada"
    for claims in ({"aud": "chat"}, {"iss": "login"}, {"aud": "x", "iss": "login"}):
        client = make_world(tokens).open()
        assert client.connect(sign(sub="ada", **claims))["error"]["code"] == 101
    assert Tokens(SECRET).verify(sign(sub="ada", aud="whatever"))


def test_a_public_key_verifies_what_its_private_key_signed() -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    token = sign(private, "RS256", sub="ada")

    assert Tokens(public).verify(token)["sub"] == "ada"
    assert Tokens(public.decode()).verify(token)["sub"] == "ada"
    assert Tokens(lambda _: public).verify(token)["sub"] == "ada"
    # Whoever knows the public key could sign with it as if it were a secret.
    forged = make_world(Tokens(public)).open()
    assert forged.connect(sign("x" * 32, sub="ada"))["error"]["code"] == 101


@pytest.mark.parametrize(
    ("key", "options", "complaint"),
    [
        ("", {}, "must not be empty"),
        (b"", {}, "must not be empty"),
        (SECRET, {"algorithms": "HS256"}, "must be a list of HS256"),
        (SECRET, {"algorithms": []}, "must be a list of HS256"),
        (SECRET, {"algorithms": ["RS256"]}, "must be a list of HS256"),
        (SECRET, {"algorithms": ["none"]}, "must be a list of HS256"),
        ("-----BEGIN PUBLIC KEY-----", {"algorithms": ["HS256"]}, "ES256"),
    ],
)
def test_keys_and_algorithms_that_do_not_go_together_are_refused(
    key: Any, options: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(UsageError, match=complaint):
        Tokens(key, **options)


def test_a_key_that_cannot_be_read_is_an_error_of_ours() -> None:
    world = make_world(Tokens("-----BEGIN PUBLIC KEY-----\nnonsense"))
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    reply = world.open().connect(sign(private, "RS256", sub="ada"))

    assert reply["error"] == {
        "code": 100,
        "message": "internal server error",
        "temporary": True,
    }


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("secret", ["secret", b"secret"], ids=["text", "bytes"])
def test_a_short_secret_works_and_is_warned_of_once(
    secret: str | bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the test signs with it, too
        token = sign("secret", sub="ada")

    tokens = Tokens(secret)

    assert [tokens.verify(token)["sub"] for _ in range(2)] == ["ada", "ada"]
    (record,) = caplog.records
    assert "has 6 bytes" in record.getMessage()


def test_other_algorithms_can_be_chosen() -> None:
    tokens = Tokens(SECRET.encode() * 2, algorithms=["HS512"])

    assert tokens.verify(sign(SECRET * 2, "HS512", sub="ada"))["sub"] == "ada"


def test_a_missing_package_says_what_to_install(monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "jwt", None)

    with pytest.raises(ImportError, match=r"pip install 'wspubsub\[jwt\]'"):
        Tokens(SECRET).verify("x")
