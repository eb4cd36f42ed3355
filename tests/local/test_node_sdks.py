"""Independent callers of the Management API: AWS's SDKs for JavaScript."""

import pytest

from tests.support.javascript import run_node
from tests.support.sdks.driver import find_modules
from tests.support.servers.clients import closed_with, connection_id
from tests.support.servers.gateways import ROOT, DevGateway

pytestmark = [pytest.mark.integration, pytest.mark.slow]

SCRIPT = ROOT / "tests" / "support" / "sdks" / "management_sdks.cjs"


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_an_sdk_for_javascript_is_answered_as_by_aws(
    monkeypatch: pytest.MonkeyPatch, probe: DevGateway, version: str
) -> None:
    modules = find_modules()
    certificate = probe.wait_for(lambda each: each["kind"] == "ready")["certificate"]
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", certificate)
    endpoint = probe.management_url
    secure_endpoint = endpoint.replace("http:", "https:")

    with probe.client(f"?sdk={version}", user_agent_header=None) as client:
        id_ = connection_id(probe, f'"sdk": "{version}"')
        outcomes = run_node(SCRIPT, modules, version, endpoint, secure_endpoint, id_)

        assert [client.recv(10), client.recv(10)] == ["grüße €", "over TLS"]
        assert closed_with(client) == 1000
    assert outcomes == {
        "post": "posted",
        "post over TLS": "posted",
        "get": {"sourceIp": "127.0.0.1", "userAgent": None, "isDate": True},
        "unknown": "GoneException 410",
        "malformed": "BadRequestException 400",
        "too large": "PayloadTooLargeException 413",
        "without a stage": "ForbiddenException 403",
        "delete": "deleted",
        "deleted": "GoneException 410",
    }
