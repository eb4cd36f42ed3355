"""Tokens and sessions, many of them."""

import pytest

from wspubsub.local.apigateway.hosts import AllowedHosts
from wspubsub.local.inspector.access import MAX_SESSIONS, Access, DeniedError
from wspubsub.local.requests import HttpRequest


def request(**headers: str) -> HttpRequest:
    fields = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return HttpRequest(method="POST", path="/", query="", headers=fields, version="1.1")


@pytest.fixture
def access() -> Access:
    return Access(AllowedHosts("127.0.0.1"))


def is_open(access: Access, session: str) -> bool:
    try:
        access.check_session(request(authorization=f"Bearer {session}"))
    except DeniedError:
        return False
    return True


def test_ten_thousand_logins_leave_the_last_sessions_and_a_token(
    access: Access,
) -> None:
    tokens, sessions = set(), []
    for _ in range(10_000):
        tokens.add(access.token)
        sessions.append(access.open_session(access.token))

    assert len(tokens) == len(set(sessions)) == 10_000
    assert all(is_open(access, each) for each in sessions[-MAX_SESSIONS:])
    assert not any(is_open(access, each) for each in sessions[:-MAX_SESSIONS])


def test_ten_thousand_guesses_change_nothing(access: Access) -> None:
    token, session = access.token, access.open_session(access.token)
    token = access.token

    for number in range(10_000):
        with pytest.raises(DeniedError):
            access.open_session(f"{token}{number}")

    assert access.token == token
    assert is_open(access, session)
    assert is_open(access, access.open_session(token))


def test_a_request_must_name_one_host_and_one_origin(access: Access) -> None:
    twice = HttpRequest(
        method="POST",
        path="/",
        query="",
        headers=(("Host", "127.0.0.1"), ("host", "127.0.0.1")),
        version="1.1",
    )

    with pytest.raises(DeniedError, match="one valid Host"):
        access.check_host(twice)
    with pytest.raises(DeniedError, match="one valid Host"):
        access.check_host(request())


@pytest.mark.parametrize(
    ("origin", "is_tls", "proto", "is_taken"),
    [
        ("http://127.0.0.1:3001", False, None, True),
        ("HTTP://127.0.0.1:3001", False, None, True),
        ("https://127.0.0.1:3001", True, None, True),
        ("http://127.0.0.1:3001", True, None, False),
        # A proxy that speaks TLS says so; no page can without asking first.
        ("https://127.0.0.1:3001", False, "https", True),
        ("https://127.0.0.1:3001", False, None, False),
        ("http://127.0.0.1:3001", False, "https", False),
    ],
)
def test_the_origin_is_the_pages_own_with_its_scheme(
    access: Access, origin: str, *, is_tls: bool, proto: str | None, is_taken: bool
) -> None:
    headers = {"host": "127.0.0.1:3001", "origin": origin}
    if proto:
        headers["x_forwarded_proto"] = proto

    if is_taken:
        access.check_origin(request(**headers), is_tls=is_tls)
    else:
        with pytest.raises(DeniedError, match="only the page"):
            access.check_origin(request(**headers), is_tls=is_tls)
