"""Which certificates the engine trusts."""

import importlib.util
import ssl
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import botocore
import pytest

from tests.contracts.senders import LAMBDA_ENVIRONMENT
from tests.support.servers.authorities import Authority
from wspubsub import UsageError
from wspubsub.aws.engine_connections import EngineConnections
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
def authority(tmp_path: Path) -> Authority:
    return Authority("Company", tmp_path)


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


@pytest.fixture
def no_system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An image without certificates of its own."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "missing"))


def bundle_of_certifi(monkeypatch: pytest.MonkeyPatch, bundle: object) -> None:
    certifi = ModuleType("certifi")
    vars(certifi)["where"] = lambda: bundle
    monkeypatch.setitem(sys.modules, "certifi", certifi)


@pytest.mark.usefixtures("no_system")
@pytest.mark.parametrize("has_certifi", [True, False])
def test_without_certificates_of_the_system_those_of_botocore_are_used(
    monkeypatch: pytest.MonkeyPatch,
    has_certifi: bool,
) -> None:
    if has_certifi:
        bundle_of_certifi(monkeypatch, Path(botocore.__file__).parent / "cacert.pem")
    else:
        monkeypatch.setitem(sys.modules, "certifi", None)
    trust = Trust(None)

    at_first = len(trust.context.get_ca_certs())
    is_wider = trust.widen(trust.context)

    assert 4 <= at_first <= 5
    assert is_wider is True
    assert len(trust.context.get_ca_certs()) > 100


@pytest.mark.usefixtures("no_system")
def test_without_any_certificates_nobody_is_trusted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "certifi", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)

    trust = Trust(None)

    assert trust.context.get_ca_certs() == []
    assert trust.context.verify_mode is ssl.CERT_REQUIRED
    assert trust.context.check_hostname


def test_certificates_of_the_system_that_cannot_be_read_are_left_out(
    monkeypatch: pytest.MonkeyPatch, authority: Authority, tmp_path: Path
) -> None:
    bundle = tmp_path / "mine.pem"
    bundle.write_bytes(authority.pem)
    bundle_of_certifi(monkeypatch, bundle)
    paths = SimpleNamespace(cafile=str(tmp_path))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)

    found = Trust(None).context.get_ca_certs()

    assert "Company" in str(found)


def test_what_boto3_trusts_is_trusted_though_the_system_does_not(
    monkeypatch: pytest.MonkeyPatch, authority: Authority, tmp_path: Path
) -> None:
    bundle = tmp_path / "mine.pem"
    bundle.write_bytes(authority.pem)
    bundle_of_certifi(monkeypatch, bundle)
    trust = Trust(None)
    at_first = trust.context

    assert "Company" not in str(at_first.get_ca_certs())
    assert trust.widen(at_first) is True
    assert "Company" in str(trust.context.get_ca_certs())


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
@pytest.mark.parametrize("content", [None, "", "nonsense", "a folder"])
def test_a_bundle_that_cannot_be_used_is_an_error_that_names_it(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    variable: str,
    content: str | None,
) -> None:
    bundle = tmp_path / "bundle.pem"
    if content == "a folder":
        bundle.mkdir()
    elif content is not None:
        bundle.write_text(content)
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(variable, str(bundle))

    with pytest.raises(UsageError, match=rf"{bundle}, which {variable} names"):
        EngineConnections("https://localhost:1/prod", "us-east-1")


def test_without_tls_no_bundle_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", "/missing.pem")

    EngineConnections("http://localhost:1/prod", "us-east-1")


def test_a_bundle_that_has_gone_meanwhile_trusts_nobody_else(
    certificate: Certificate, tmp_path: Path
) -> None:
    bundle = tmp_path / "gone.pem"
    bundle.write_bytes(certificate.bundle(None).read_bytes())
    trust = Trust(str(bundle))
    bundle.unlink()
    at_first = trust.context

    assert trust.widen(at_first) is False
    assert trust.context is at_first
