"""The engine over TLS: always verified, and resumed."""

import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contracts.senders import LAMBDA_ENVIRONMENT
from tests.servers.misbehaving import MisbehavingServer, misbehaving_server
from wspubsub import ManagementError, Outcome
from wspubsub.aws.engine_connections import EngineConnections
from wspubsub.aws.http_channel import Channel, Endpoint
from wspubsub.aws.tls import Trust
from wspubsub.local.certificate import Certificate


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


def test_of_a_long_list_of_authorities_only_amazons_are_loaded_at_first(
    certificate: Certificate,
) -> None:
    trust = Trust(str(certificate.bundle(None)))

    found = trust.context.get_ca_certs()

    assert 4 <= len(found) <= 5
    assert all("Amazon" in str(each) or "Starfield" in str(each) for each in found)


def test_nothing_is_trusted_that_the_bundle_lacks(certificate: Certificate) -> None:
    trust = Trust(str(certificate.path))

    [found] = trust.context.get_ca_certs()

    assert "wspubsub local gateway" in str(found)
    assert trust.widen(trust.context) is False


def test_a_bundle_with_a_damaged_part_is_read_past_it(
    certificate: Certificate, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_text(
        "-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n"
        + certificate.bundle(None).read_text()
    )

    trust = Trust(str(bundle))

    assert 4 <= len(trust.context.get_ca_certs()) <= 5


def test_without_a_file_of_the_system_openssl_finds_its_authorities_itself(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))

    trust = Trust(None)

    assert trust.context.verify_mode is ssl.CERT_REQUIRED
    assert trust.context.check_hostname


def test_a_host_that_tls_does_not_take_is_a_failure(certificate: Certificate) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
        endpoint = Endpoint(".localhost", port, Trust(str(certificate.path)))
        channel = Channel(endpoint, address, None)

        with pytest.raises(OSError, match="cannot speak TLS"):
            channel.proceed()
        channel.close()
