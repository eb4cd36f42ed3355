"""The engine over TLS: always verified, and resumed."""

import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contracts.senders import LAMBDA_ENVIRONMENT
from tests.support.servers.authorities import Authority
from tests.support.servers.misbehaving import MisbehavingServer, misbehaving_server
from wspubsub import ManagementError, Outcome
from wspubsub.aws.engine_connections import EngineConnections
from wspubsub.engine import tls
from wspubsub.engine.channel import Channel, Endpoint
from wspubsub.engine.exchange import Verdict
from wspubsub.engine.multiplexer import Multiplexer
from wspubsub.engine.pool import ChannelPool
from wspubsub.engine.tls import Trust
from wspubsub.local.apigateway.certificate import Certificate


@pytest.fixture(autouse=True)
def _lambda_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in LAMBDA_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate.make(tmp_path_factory.mktemp("tls"), ["localhost"])


@pytest.fixture
def server(certificate: Certificate) -> Iterator[MisbehavingServer]:
    with misbehaving_server(certificate.server_context()) as running:
        yield running


def soon(seconds: float = 20.0) -> float:
    return time.monotonic() + seconds


def connections(
    server: MisbehavingServer, monkeypatch: pytest.MonkeyPatch, bundle: Path | None
) -> EngineConnections:
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    if bundle is not None:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    return EngineConnections(server.url, "us-east-1")


def test_a_trusted_server_gets_the_messages(
    server: MisbehavingServer,
    certificate: Certificate,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = connections(server, monkeypatch, certificate.path)
    ids = [f"c{number}" for number in range(60)]
    server.plans = {"c3": ["ok with Connection: close"], "c4": ["cut in the head"]}

    for _ in range(2):
        results = list(engine.post_many(ids, b"x" * 50_000, deadline=soon()))
        assert {each.outcome for each in results} == {Outcome.DELIVERED}

    assert sum(server.received.values()) == 120


def test_a_server_that_is_not_trusted_gets_nothing(
    server: MisbehavingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = connections(server, monkeypatch, None)

    [result] = engine.post_many(["a"], b"x", deadline=soon())

    assert result.outcome is Outcome.FAILED
    assert "CERTIFICATE_VERIFY_FAILED" in result.reason
    assert server.heads == []


def test_a_certificate_for_another_name_is_refused(
    server: MisbehavingServer, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.url = server.url.replace("localhost", "127.0.0.1")
    engine = connections(server, monkeypatch, certificate.path)

    with pytest.raises(ManagementError, match=r"127\.0\.0\.1"):
        engine.post("a", b"x", deadline=soon())

    assert server.heads == []


def test_a_server_that_speaks_no_tls_is_a_failure(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    with misbehaving_server() as plain:
        plain.url = plain.url.replace("http:", "https:")
        engine = connections(plain, monkeypatch, certificate.path)

        with pytest.raises(ManagementError):
            engine.post("a", b"x", deadline=soon(0.2))


def test_authorities_that_aws_does_not_use_are_loaded_when_they_are_needed(
    server: MisbehavingServer,
    certificate: Certificate,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # botocore's certificates and this one: those of Amazon are tried first.
    engine = connections(server, monkeypatch, certificate.bundle(None))
    ids = [f"c{number}" for number in range(60)]

    results = list(engine.post_many(ids, b"x", deadline=soon()))

    assert {each.outcome for each in results} == {Outcome.DELIVERED}
    assert sum(server.received.values()) == 60


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority("Company", tmp_path)


def test_the_certificates_of_a_private_authority_are_taken_on_every_python(
    monkeypatch: pytest.MonkeyPatch, authority: Authority, tmp_path: Path
) -> None:
    bundle = tmp_path / "company.pem"
    bundle.write_bytes(authority.pem)
    with misbehaving_server(authority.server_context()) as server:
        engine = connections(server, monkeypatch, bundle)

        engine.post("a", b"x", deadline=soon())

    assert server.received == {"a": 1}
    assert not Trust(str(bundle)).context.verify_flags & ssl.VERIFY_X509_STRICT


def test_a_session_is_not_resumed_with_other_settings(
    monkeypatch: pytest.MonkeyPatch, authority: Authority, tmp_path: Path
) -> None:
    # Amazon's stand-in is trusted from the start; the other when it is met.
    amazon = Authority("Amazon", tmp_path)
    monkeypatch.setattr(tls, "_AMAZON", frozenset({amazon.fingerprint}))
    bundle = tmp_path / "both.pem"
    bundle.write_bytes(amazon.pem + authority.pem)
    with (
        misbehaving_server(amazon.server_context()) as one,
        misbehaving_server(authority.server_context()) as two,
    ):
        first = connections(one, monkeypatch, bundle)
        one.plans = {"a": ["ok, then closed without a word"]}

        first.post("a", b"x", deadline=soon())
        connections(two, monkeypatch, bundle).post("b", b"x", deadline=soon())
        first.post("c", b"x", deadline=soon())

    assert (one.received, two.received) == ({"a": 1, "c": 1}, {"b": 1})
    assert one.accepted == 2


def test_of_a_damaged_bundle_the_rest_is_trusted(
    monkeypatch: pytest.MonkeyPatch,
    authority: Authority,
    certificate: Certificate,
    tmp_path: Path,
) -> None:
    bundle = tmp_path / "damaged.pem"
    damaged = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    bundle.write_bytes(certificate.bundle(None).read_bytes() + damaged + authority.pem)
    with misbehaving_server(authority.server_context()) as server:
        engine = connections(server, monkeypatch, bundle)

        engine.post("a", b"x", deadline=soon())

    assert server.received == {"a": 1}


def test_the_dot_of_an_absolute_name_is_not_in_certificates(
    server: MisbehavingServer, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(server.url.split(":")[2].partition("/")[0])
    address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [address])
    server.url = server.url.replace("localhost", "localhost.")

    connections(server, monkeypatch, certificate.path).post("a", b"x", deadline=soon())

    [head] = server.heads
    assert b"host: localhost.:" in head


def test_a_host_that_tls_does_not_take_is_a_failure(certificate: Certificate) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
        endpoint = Endpoint(".localhost", port, Trust(str(certificate.path)))
        channel = Channel(endpoint, address, None)

        with pytest.raises(OSError, match="cannot start TLS"):
            channel.proceed()
        channel.close()


def count_resumed(context: ssl.SSLContext) -> int:
    return context.session_stats()["hits"]


def test_a_session_is_resumed_in_the_same_run(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundle = tmp_path / "company.pem"
    bundle.write_bytes(authority.pem)
    context = authority.server_context()
    with misbehaving_server(context) as server:
        server.plans = {"a": ["ok with Connection: close"]}
        monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
        engine = EngineConnections(server.url, "us-east-1", max_in_flight=1)

        results = list(engine.post_many(["a", "b"], b"x", deadline=soon()))

    assert [each.outcome for each in results] == [Outcome.DELIVERED] * 2
    assert server.accepted == 2
    assert count_resumed(context) == 1


def test_a_newer_session_is_resumed_after_a_minute(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # The server at the name is replaced by one that does not know the old session.
    bundle = tmp_path / "company.pem"
    bundle.write_bytes(authority.pem)
    contexts = [authority.server_context(), authority.server_context()]
    now = [0.0]
    addresses: list[tuple[object, ...]] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: list(addresses))
    with misbehaving_server(contexts[0]) as old, misbehaving_server(contexts[1]) as new:
        pool = ChannelPool(
            Endpoint("localhost", 1, Trust(str(bundle))), clock=lambda: now[0]
        )
        multiplexer = Multiplexer(pool)

        def resumed(server: MisbehavingServer, instant: float) -> int:
            now[0] = instant
            port = int(server.url.split(":")[2].partition("/")[0])
            addresses[:] = [
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
            ]
            server.plans = {"a": ["ok with Connection: close"]}
            [result] = multiplexer.run(
                ["a"],
                build=lambda _tag: b"POST /a HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
                judge=lambda _response: Verdict.FINAL,
                deadline=soon(),
            )
            assert result.response is not None
            return count_resumed(contexts[0 if server is old else 1])

        assert resumed(old, 0.0) == 0
        assert resumed(old, 29.0) == 1
        assert resumed(new, 59.0) == 0
        assert resumed(new, 60.0) == 0
        assert resumed(new, 61.0) == 1
