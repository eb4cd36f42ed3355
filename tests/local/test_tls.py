"""A handler that knows nothing of this project, behind TLS and an authorizer."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection

from tests.support.servers.gateways import (
    APPS,
    CREDENTIALS,
    DevGateway,
    connect_patiently,
    dev,
    make_trust,
)
from tests.support.servers.raw import HANDSHAKE, RawClient

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def guarded(chat: DevGateway) -> Iterator[DevGateway]:
    app = APPS / "plain_boto3.py"
    with dev(
        f"{app}:handler",
        "--tls",
        *("--authorizer", f"{app}:authorize"),
        *("--identity-source", "route.request.querystring.token"),
        *("--host", "localhost", "--dynamodb", chat.dynamodb_url),
        environ={"TABLE_NAME": chat.table, **CREDENTIALS},
    ) as gateway:
        yield gateway


def certificate(gateway: DevGateway) -> str:
    return gateway.connect_command.partition("SSL_CERT_FILE=")[2].split()[0]


def enter(gateway: DevGateway, token: str) -> ClientConnection:
    trust = make_trust(certificate(gateway))
    return connect_patiently(f"{gateway.url}?token={token}", ssl=trust)


@pytest.mark.parametrize("endpoint", ["from the event", "from the environment"])
def test_a_plain_boto3_handler_runs_unmodified(
    guarded: DevGateway, endpoint: str
) -> None:
    text = json.dumps({"hello": "everybody", "endpoint": endpoint})

    with enter(guarded, "friend") as one, enter(guarded, "friend") as other:
        one.send(text)

        assert guarded.url.startswith("wss://localhost:")
        assert one.recv(20) == other.recv(20) == text


@pytest.mark.parametrize(
    ("token", "status"),
    [("", 401), ("nobody", 401), ("enemy", 403), ("malformed", 500)],
)
def test_the_authorizer_decides_who_comes_in(
    guarded: DevGateway, token: str, status: int
) -> None:
    with pytest.raises(InvalidStatus) as caught:
        enter(guarded, token)

    assert caught.value.response.status_code == status


def test_an_invocation_of_the_authorizer_is_logged_as_one(guarded: DevGateway) -> None:
    with enter(guarded, "friend"):
        pass

    record = guarded.wait_for(
        lambda each: each["kind"] == "invoked" and each["function"] == "authorizer"
    )
    assert record["route_key"] == "$connect"


def test_the_line_to_paste_connects(guarded: DevGateway, chat: DevGateway) -> None:
    assert "SSL_CERT_FILE" not in chat.connect_command
    for gateway, query in ((chat, ""), (guarded, "?token=friend")):
        greeted = _paste(gateway.connect_command + query)

        assert f"Connected to {gateway.url}" in greeted


def test_plain_text_to_a_tls_port_learns_what_to_use(guarded: DevGateway) -> None:
    with RawClient(guarded.port) as stranger:
        stranger.send(HANDSHAKE.format(host="localhost", query="").encode())
        assert stranger.status() == 400

    with enter(guarded, "friend") as client:
        client.send('{"still": "here"}')
        assert client.recv(20)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_a_handler_written_for_aws_needs_no_option(
    chat: DevGateway, scheme: str
) -> None:
    app = APPS / "plain_boto3.py"
    with dev(
        f"{app}:handler",
        *("--dynamodb", chat.dynamodb_url),
        environ={"TABLE_NAME": chat.table, **CREDENTIALS},
    ) as gateway:
        text = json.dumps({"hello": "everybody", "endpoint": "from the event"})
        ready = gateway.wait_for(lambda each: each["kind"] == "ready")
        trust = make_trust(ready["certificate"])
        url = gateway.url.replace("ws", scheme, 1)
        options: Any = {"ssl": trust} if scheme == "wss" else {}

        with connect_patiently(url, **options) as client:
            client.send(text)
            assert client.recv(20) == text


@pytest.mark.slow
def test_a_proxy_never_catches_what_is_local(chat: DevGateway) -> None:
    app = APPS / "plain_boto3.py"
    proxies = dict.fromkeys(("HTTP_PROXY", "https_proxy"), "http://127.0.0.1:9")
    with dev(
        f"{app}:handler",
        *("--dynamodb", chat.dynamodb_url, "--host", "0.0.0.0"),  # noqa: S104 - tried on purpose
        environ={"TABLE_NAME": chat.table, **CREDENTIALS, **proxies},
    ) as gateway:
        assert "no_proxy=127.0.0.1 " in gateway.connect_command
        greeted = _paste(gateway.connect_command, proxies)
        assert f"Connected to {gateway.url}" in greeted
        for endpoint in ("from the event", "from the environment"):
            with gateway.client() as client:
                text = json.dumps({"endpoint": endpoint})
                client.send(text)
                assert client.recv(20) == text


def _paste(line: str, variables: Mapping[str, str] = MappingProxyType({})) -> str:
    # As in a terminal, where the input ends at once.
    done: Any = subprocess.run(
        ["/bin/sh", "-c", line.replace("?", r"\?")],
        input="",
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **variables},
    )
    return str(done.stdout + done.stderr)
