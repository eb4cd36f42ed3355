"""What a web page of somebody else's tries, and what it gets.

Each attack is described by the requests that a browser would send for such a page. The
same requests succeed with what the inspector's own page sends, so that each one fails
for the reason that its test names.
"""

import http.client
import json
import select
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.inspector import (
    InspectorClient,
    InspectorError,
    open_inspector,
    use_link,
)
from tests.support.servers.gateways import DevGateway
from tests.support.servers.raw import HANDSHAKE, RawClient

pytestmark = pytest.mark.integration

API = "/.inspector/api/"
JSON = "application/json"


class Reply(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


class Victim:
    """A gateway whose inspector somebody has open."""

    def __init__(self, gateway: DevGateway) -> None:
        self.gateway = gateway
        self.page = open_inspector(gateway)
        self._trace = 0
        self.host = f"127.0.0.1:{gateway.port}"

    @property
    def session(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.page.session}"}

    def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"{}",
        headers: Mapping[str, str | None] | None = None,
    ) -> Reply:
        """Send what the own page would, with other headers; None leaves one out."""
        own = {
            "Host": self.host,
            "Origin": f"http://{self.host}",
            "Content-Type": JSON,
            **self.session,
        }
        sent = {k: v for k, v in {**own, **(headers or {})}.items() if v is not None}
        connection = http.client.HTTPConnection(self.host, timeout=60)
        connection.putrequest(method, path, skip_host=True)
        for name, value in {**sent, "Content-Length": str(len(body))}.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        reply = Reply(response.status, dict(response.getheaders()), response.read())
        connection.close()
        return reply

    def leave_traces(self) -> None:
        with self.gateway.client():
            pass
        entries = self.page.call("follow", after=0, wait=10)["entries"]
        self._trace = entries[-1]["n"]

    @property
    def has_traces(self) -> bool:
        """Whether nobody has cleared what was there; more may come at any time."""
        entries = self.page.call("follow", after=0)["entries"]
        return any(each["n"] <= self._trace for each in entries)


@pytest.fixture
def victim(chat: DevGateway) -> Victim:
    victim = Victim(chat)
    victim.leave_traces()
    return victim


def test_the_own_page_gets_what_it_asks_for(victim: Victim) -> None:
    assert victim.ask("POST", f"{API}clear").status == 200
    assert not victim.has_traces


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:8000"}, 403),
        ({"Origin": "https://{host}"}, 403),
        ({"Origin": "http://{host}.evil.example"}, 403),
        ({"Origin": "http://{host}, http://evil.example"}, 403),
        ({"Origin": None}, 403),
        ({"Origin": None, "Content-Type": "text/plain"}, 403),
        ({"Origin": None, "Content-Type": "application/x-www-form-urlencoded"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
        ({"Content-Type": "text/plain; application/json"}, 415),
        ({"Content-Type": None}, 415),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, 403),
        ({"Host": "evil.example:3001", "Origin": "http://evil.example:3001"}, 403),
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Authorization": None}, 401),
        ({"Authorization": "Bearer "}, 401),
        ({"Authorization": "Bearer guessed"}, 401),
        ({"Authorization": "Basic {session}"}, 401),
        ({"Authorization": None, "Cookie": "session={session}"}, 401),
    ],
)  # fmt: skip
def test_whoever_is_not_the_page_is_refused_and_nothing_happens(
    victim: Victim, headers: Mapping[str, str | None], status: int
) -> None:
    filled = {
        name: value and value.format(host=victim.host, session=victim.page.session)
        for name, value in headers.items()
    }

    reply = victim.ask("POST", f"{API}clear", headers=filled)

    assert reply.status == status
    assert json.loads(reply.body).keys() & {"error", "message"}
    assert "access-control-allow-origin" not in reply.headers
    assert victim.has_traces


@pytest.mark.parametrize(
    "host", ["127.0.0.1:1@evil.example", "localhost;script-src *", "[::1]x", "a b"]
)
def test_a_host_header_cannot_change_the_policy_of_the_page(
    victim: Victim, host: str
) -> None:
    reply = victim.ask("GET", "/", headers={"Host": host})

    assert reply.status in {400, 403}


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", [f"{API}clear", f"{API}clear?after=0"])
def test_only_post_changes_anything(victim: Victim, method: str, path: str) -> None:
    reply = victim.ask(method, path)

    assert reply.status in {404, 405}
    assert victim.has_traces


def test_a_preflight_allows_nothing(victim: Victim) -> None:
    reply = victim.ask(
        "OPTIONS",
        f"{API}clear",
        headers={
            "Origin": "http://evil.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
            "Access-Control-Request-Private-Network": "true",
        },
    )

    assert reply.status == 405
    assert not [name for name in reply.headers if name.startswith("access-control")]


def test_a_link_opens_one_page_and_no_second_one(victim: Victim) -> None:
    with use_link(victim.gateway) as link:
        InspectorClient(link)

        with pytest.raises(InspectorError, match="this link has been used") as caught:
            InspectorClient(link)

        assert caught.value.status == 403


def test_a_token_cannot_be_guessed_and_guessing_locks_nobody_out(
    victim: Victim,
) -> None:
    with use_link(victim.gateway) as link:
        token = link.partition("token=")[2]
        guesses = [b"", token[:-1].encode(), token.upper().encode(), b"null", b"\xff"]

        for guess in guesses:
            body = json.dumps({"token": guess.decode("latin-1")}).encode()
            assert victim.ask("POST", f"{API}login", body).status == 403
        for body in (b"{}", b'{"token": null}', b'{"token": [""]}', b'{"token": true}'):
            assert victim.ask("POST", f"{API}login", body).status == 403

        assert len(token) == 43
        assert InspectorClient(link).session


def test_a_session_of_another_gateway_is_worth_nothing(
    victim: Victim, probe: DevGateway
) -> None:
    elsewhere = open_inspector(probe).session

    reply = victim.ask(
        "POST", f"{API}clear", headers={"Authorization": f"Bearer {elsewhere}"}
    )

    assert reply.status == 401
    assert victim.has_traces


def test_a_foreign_page_cannot_even_use_a_token_that_it_has_learned(
    victim: Victim,
) -> None:
    with use_link(victim.gateway) as link:
        body = json.dumps({"token": link.partition("token=")[2]}).encode()

        reply = victim.ask(
            "POST", f"{API}login", body, {"Origin": "http://evil.example"}
        )

        assert reply.status == 403
        assert InspectorClient(link).session, "the token is not spent by that"


@pytest.mark.parametrize("path", ["/", "/.inspector/feed", f"{API}follow"])
def test_the_inspector_has_no_socket_to_connect_to(victim: Victim, path: str) -> None:
    handshake = HANDSHAKE.format(host=victim.host, query="").replace("/dev", path)
    origin = "Origin: http://evil.example\r\nUpgrade: "
    with RawClient(victim.gateway.port) as client:
        client.send(handshake.replace("Upgrade: ", origin, 1).encode())

        assert client.status() == 403


@pytest.mark.parametrize(
    "name",
    [
        "../inspector.py",
        "..%2finspector.py",
        "%2e%2e/inspector.py",
        "..\\inspector.py",
        "page/../../__init__.py",
        "/etc/passwd",
        "//etc/passwd",
        "index.html/..",
        "index.html%00.js",
        ".",
        "..",
        "",
        "page",
    ],
)
def test_only_the_files_of_the_page_are_served(victim: Victim, name: str) -> None:
    reply = victim.ask("GET", f"/.inspector/{name}")

    assert reply.status == 404


def test_a_file_outside_is_not_served_through_a_folder_or_a_link_of_another_kind(
    victim: Victim,
) -> None:
    for each in Path(__file__).parents[3].joinpath("src/wspubsub/local").glob("*.py"):
        assert victim.ask("GET", f"/.inspector/{each.name}").status == 404


def test_the_page_cannot_be_framed_nor_load_or_run_what_is_foreign(
    victim: Victim,
) -> None:
    reply = victim.ask("GET", "/", headers={"Origin": None, "Authorization": None})

    policy = dict(
        each.strip().partition(" ")[::2]
        for each in reply.headers["content-security-policy"].split(";")
    )
    assert reply.status == 200
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert "*" not in reply.headers["content-security-policy"]
    assert reply.headers["cross-origin-resource-policy"] == "same-origin"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["referrer-policy"] == "no-referrer"
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[]", 400),
        (b"null", 400),
        (b"", 400),
        (b"\xff", 400),
        (b'{"after": ', 400),
        (b"[" * 100_000, 400),
        (b'{"after": "%s"}' % (b"x" * 200_000), 413),
        (b'{"after": -1}', 400),
        (b'{"after": true}', 400),
        (b'{"after": 1e999}', 400),
        (b'{"after": NaN}', 400),
        (b'{"wait": 3600}', 400),
    ],
)
def test_what_is_not_a_sound_call_is_refused(
    victim: Victim, body: bytes, status: int
) -> None:
    assert victim.ask("POST", f"{API}follow", body).status == status
    assert victim.has_traces


@pytest.mark.parametrize("name", ["", "nothing", "Clear", "clear/", "__init__", "a/b"])
def test_what_is_not_a_method_is_not_found(victim: Victim, name: str) -> None:
    assert victim.ask("POST", f"{API}{name}").status == 404


@pytest.fixture
def half_sent(victim: Victim) -> Iterator[list[socket.socket]]:
    """Twenty requests whose bodies never end."""
    head = (
        f"POST {API}login HTTP/1.1\r\nHost: {victim.host}\r\nContent-Length: 9\r\n\r\n"
    )
    sockets = []
    for _ in range(20):
        sockets.append(socket.create_connection(("127.0.0.1", victim.gateway.port)))
        sockets[-1].sendall(head.encode() + b"{")
    yield sockets
    for each in sockets:
        each.close()


@pytest.mark.usefixtures("half_sent")
def test_requests_that_never_end_keep_nobody_waiting(victim: Victim) -> None:
    assert victim.has_traces


def test_pages_that_wait_are_bounded_and_do_not_keep_others_out(
    victim: Victim,
) -> None:
    body = b'{"after": 9007199254740992, "wait": 25}'
    head = (
        f"POST {API}follow HTTP/1.1\r\nHost: {victim.host}\r\n"
        f"Origin: http://{victim.host}\r\nContent-Type: {JSON}\r\n"
        f"Authorization: {victim.session['Authorization']}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )

    def ask() -> RawClient:
        client = RawClient(victim.gateway.port)
        client.send(head.encode() + body)
        return client

    waiting = [ask() for _ in range(40)]
    statuses: list[int] = []
    try:
        while 429 not in statuses:
            # They wait for what never happens, but are answered when anything does:
            # whoever was let in asks again, as pages do.
            clients = {each.socket: each for each in waiting}
            answered, _, _ = select.select([*clients], [], [], 120)
            for each in map(clients.pop, answered):
                statuses.append(each.status())
                each.socket.close()
            waiting = [*clients.values(), *(ask() for _ in answered)]
            assert len(statuses) < 1_000, "nobody was refused"
    finally:
        for client in waiting:
            client.socket.close()

    with victim.gateway.client() as other:
        assert other.ping().wait(60)
