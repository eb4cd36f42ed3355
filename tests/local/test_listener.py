"""One port for TLS and plain text, on every address of a host."""

import asyncio
import io
import json
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.servers.raw import HANDSHAKE
from wspubsub.errors import UsageError
from wspubsub.gateway import GatewayConfig
from wspubsub.local.apigateway.certificate import Certificate
from wspubsub.local.apigateway.hosts import AllowedHosts, find_own_names
from wspubsub.local.apigateway.listener import Listener, explain_bind
from wspubsub.local.apigateway.server import GatewayServer
from wspubsub.local.apigateway.shell import GatewayShell
from wspubsub.local.apigateway.tls import OwnCertificate, Tls
from wspubsub.local.functions.deployed import DeployedFunctions
from wspubsub.local.inspector.recorder import Recorder
from wspubsub.local.journal import Journal

UPGRADE = HANDSHAKE.format(host="localhost", query="").encode()
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    made = Tls.prepare(
        tmp_path_factory.mktemp("tls"),
        ["localhost", "127.0.0.1", "::1"],
        own=None,
        environ={"AWS_CONFIG_FILE": "/nowhere"},
    )
    assert made is not None
    return made


class Served:
    """A gateway that serves, and its log."""

    def __init__(self) -> None:
        self.log = io.StringIO()
        self.port = 0

    async def ask(self, host: str = "127.0.0.1", **options: Any) -> bytes:
        """Return what is answered to a request."""
        reader, writer = await asyncio.open_connection(host, self.port, **options)
        writer.write(REQUEST)
        try:
            return await reader.read()
        finally:
            writer.close()

    async def rejection(self) -> dict[str, Any]:
        """Return the first client that the log says was refused."""
        while True:
            for line in self.log.getvalue().splitlines():
                record: dict[str, Any] = json.loads(line)
                if record["kind"] == "rejected":
                    return record
            await asyncio.sleep(0)


@asynccontextmanager
async def serving(
    tls: Tls | None, *, host: str = "127.0.0.1", is_tls_only: bool = False
) -> AsyncIterator[Served]:
    served = Served()
    journal = Journal(served.log, as_json=True)
    server = GatewayServer(
        GatewayShell(GatewayConfig(), DeployedFunctions(), journal, Recorder()),
        journal,
        Recorder(),
        hosts=AllowedHosts(host),
        tls=tls,
        is_tls_only=is_tls_only,
        max_buffer_bytes=1000,
    )
    served.port = await server.bind(host, 0)
    server.serve()
    try:
        yield served
    finally:
        await server.close()


def run(main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return asyncio.run(asyncio.wait_for(main(), 20))


def test_a_port_speaks_tls_and_plain_text(tls: Tls) -> None:
    trusting = ssl.create_default_context(cafile=str(tls.trusted))

    async def main() -> list[bytes]:
        async with serving(tls) as served:
            return [
                await served.ask(),
                await served.ask(ssl=trusting),
                await served.ask(ssl=trusting, server_hostname="localhost"),
            ]

    assert all(answer.startswith(b"HTTP/1.1 403 ") for answer in run(main))


def test_a_port_may_speak_tls_only(tls: Tls) -> None:
    trusting = ssl.create_default_context(cafile=str(tls.trusted))

    async def main() -> tuple[bytes, bytes, dict[str, Any]]:
        async with serving(tls, is_tls_only=True) as served:
            plain = await served.ask()
            encrypted = await served.ask(ssl=trusting)
            return plain, encrypted, await served.rejection()

    plain, encrypted, record = run(main)

    assert plain.startswith(b"HTTP/1.1 400 ")
    assert encrypted.startswith(b"HTTP/1.1 403 ")
    assert "use wss:// and https://" in record["detail"]


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_a_client_that_does_not_trust_the_certificate_is_in_the_log(
    tls: Tls, version: str
) -> None:
    distrusting = ssl.create_default_context()
    distrusting.maximum_version = ssl.TLSVersion[version]

    async def main() -> dict[str, Any]:
        async with serving(tls) as served:
            with pytest.raises(ssl.SSLCertVerificationError):
                await served.ask(ssl=distrusting)
            return await served.rejection()

    detail = run(main)["detail"]

    assert "must trust the certificates in" in detail
    assert str(tls.trusted) in detail


def test_tls_without_its_package_is_refused_with_what_to_install() -> None:
    async def main() -> dict[str, Any]:
        async with serving(None) as served:
            with pytest.raises(OSError):  # noqa: PT011 - how it ends depends on the system
                await served.ask(ssl=ssl.create_default_context())
            return await served.rejection()

    assert "pip install 'wspubsub[local]'" in run(main)["detail"]


@pytest.mark.parametrize("host", ["::", "localhost"])
def test_every_address_of_a_host_has_the_same_port(host: str) -> None:
    reachable = ["127.0.0.1", "::1"]
    if host == "localhost":
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        reachable = [str(each[4][0]) for each in found]
    elif not socket.has_ipv6:
        pytest.skip("there is no IPv6")

    async def main() -> list[bytes]:
        async with serving(None, host=host) as served:
            return [await served.ask(each) for each in reachable]

    assert all(answer.startswith(b"HTTP/1.1 403 ") for answer in run(main))


def test_a_port_that_is_in_use_is_refused_with_a_reason() -> None:
    async def main() -> str:
        async with serving(None) as served:
            listener = Listener(lambda *_: asyncio.sleep(0), print, None)
            with pytest.raises(OSError) as caught:  # noqa: PT011 - the system words it
                await listener.bind("127.0.0.1", served.port)
            return explain_bind("127.0.0.1", served.port, caught.value)

    assert "is in use; choose another port" in run(main)
    assert "cannot listen on port 80 of x: no" in explain_bind("x", 80, OSError("no"))


@pytest.mark.parametrize(
    "sent", [REQUEST, UPGRADE, b"\x16"], ids=["request", "handshake", "tls"]
)
def test_a_client_that_vanishes_at_once_is_not_reported(sent: bytes) -> None:
    async def main() -> str:
        async with serving(None) as served:
            for _ in range(20):
                with socket.create_connection(("127.0.0.1", served.port)) as client:
                    client.sendall(sent)
                    linger = struct.pack("ii", 1, 0)
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            await served.ask()
            return served.log.getvalue()

    assert '"status": 500' not in run(main)


def test_a_client_that_says_nothing_and_leaves_is_not_reported() -> None:
    async def main() -> str:
        async with serving(None) as served:
            with socket.create_connection(("127.0.0.1", served.port)):
                pass
            await served.ask()
            return served.log.getvalue()

    assert "rejected" not in run(main)


def test_a_certificate_of_ones_own_is_served(tmp_path: Path) -> None:
    made = Certificate.make(tmp_path, ["localhost"])
    both = tmp_path / "both.pem"
    both.write_bytes(made.path.read_bytes() + made.key_path.read_bytes())
    trusting = ssl.create_default_context(cafile=str(made.path))

    async def main() -> list[bytes]:
        answers = []
        for own in (
            OwnCertificate(path=made.path, key_path=made.key_path),
            OwnCertificate(path=both),
        ):
            tls = Tls.prepare(tmp_path, [], own=own, environ={})
            async with serving(tls) as served:
                answers.append(
                    await served.ask(ssl=trusting, server_hostname="localhost")
                )
        return answers

    assert all(answer.startswith(b"HTTP/1.1 403 ") for answer in run(main))


def test_a_certificate_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    made = Certificate.make(tmp_path, ["localhost"])

    for own in (
        OwnCertificate(path=made.path),
        OwnCertificate(path=tmp_path / "missing.pem", key_path=made.key_path),
    ):
        with pytest.raises(UsageError, match="cannot use the certificate"):
            own.server_context()


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "config"])
def test_workers_go_on_trusting_whom_the_user_has_told_sdks_to_trust(
    tmp_path: Path, variable: str
) -> None:
    known = tmp_path / "company.pem"
    known.write_text("the company's\n")
    config = tmp_path / "config"
    if variable == "config":
        config.write_text(f"[default]\nca_bundle = {known}\n")

    tls = Tls.prepare(
        tmp_path,
        ["localhost"],
        own=None,
        environ={variable: str(known), "AWS_CONFIG_FILE": str(config)},
    )

    assert tls is not None
    text = tls.bundle.read_text()
    assert text.startswith("the company's\n")
    assert tls.trusted.read_text() in text


def test_a_bundle_that_is_not_there_is_named(tmp_path: Path) -> None:
    environ = {"AWS_CA_BUNDLE": "/nowhere.pem"}

    with pytest.raises(UsageError, match=r"/nowhere\.pem"):
        Tls.prepare(tmp_path, ["localhost"], own=None, environ=environ)


def test_the_names_of_a_machine_are_those_it_is_reached_by() -> None:
    assert {"localhost", "127.0.0.1", "::1"} < {*find_own_names("192.0.2.2")}
    assert "192.0.2.2" in find_own_names("192.0.2.2")
    assert socket.gethostname() in find_own_names("::")
    assert "::" not in find_own_names("::")
