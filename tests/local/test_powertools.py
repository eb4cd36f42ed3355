"""Powertools for AWS Lambda between the gateway and the handler."""

import json
import runpy

import pytest

from tests.support.servers.gateways import APPS, DevGateway, dev
from wspubsub.testing import GatewayConfig, InProcessGateway

pytest.importorskip("aws_lambda_powertools")

APP = APPS / "instrumented.py"
ECHO = {"echo": {"a": 1}, "has_time": True}


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["builtin", "awslambdaric"])
def test_a_handler_in_its_decorators_runs_as_on_lambda(
    chat: DevGateway, runtime: str
) -> None:
    arguments = ["--two-way", "--runtime", runtime, "--environments", "1"]
    with dev(f"{APP}:handler", *arguments, "--dynamodb", chat.dynamodb_url) as gateway:
        with gateway.client("?token=1") as client:
            client.send(json.dumps({"a": 1}))
            assert json.loads(client.recv(10)) == ECHO
        gateway.wait_for(lambda each: each.get("route_key") == "$disconnect")

        invoked = [each for each in gateway.records if each["kind"] == "invoked"]
        assert [(each["route_key"], each["outcome"]) for each in invoked] == [
            ("$connect", "200"),
            ("$default", "200"),
            ("$disconnect", "200"),
        ]
        # The models have accepted each event, and the log has the connection ID.
        logged = [json.loads(line) for line in gateway.lines('"PARSED"')]
        assert [each["kind"] for each in logged] == ["CONNECT", "MESSAGE", "DISCONNECT"]
        (id_,) = {each["correlation_id"] for each in logged}
        assert id_ == invoked[0]["connection_id"]
        assert [json.loads(line)["Echoed"] for line in gateway.lines("Echoed")] == [[1]]
        assert not gateway.lines("Traceback")
        assert not [each for each in gateway.records if each["kind"] == "warning"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:No application metrics to publish")
def test_a_handler_in_its_decorators_runs_in_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("POWERTOOLS_TRACE_DISABLED", "true")
    handler = runpy.run_path(str(APP))["handler"]
    gateway = InProcessGateway(handler, config=GatewayConfig(two_way={"$default"}))

    with gateway.connect() as client:
        client.send({"a": 1})

        assert json.loads(client.receive()) == ECHO
    assert not gateway.errors
