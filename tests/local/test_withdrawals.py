"""What nobody waits for any more is not begun."""

import json
from pathlib import Path

import pytest

from tests.support.servers.gateways import APPS, dev
from tests.support.servers.raw import HANDSHAKE, RawClient

pytestmark = pytest.mark.integration

PROBE = f"{APPS / 'probe.py'}:handler"


@pytest.mark.slow
def test_a_handshake_that_was_abandoned_is_not_handled_any_more(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    options = ("--two-way", "--environments", "1")
    with dev(PROBE, *options) as gateway, gateway.client() as client:
        client.send(json.dumps({"action": "wait", "path": str(flag)}))
        for _ in range(3):
            with RawClient(gateway.port) as leaver:
                leaver.send(HANDSHAKE.format(host="localhost", query="").encode())

        gateway.wait_for(lambda each: each["kind"] == "withdrawn", count=3)
        flag.touch()
        assert client.recv(10) == "waited"
        client.close()
        gateway.wait_for(lambda each: each.get("route_key") == "$disconnect")

        connects = [
            each
            for each in gateway.records
            if each["kind"] == "invoked" and each["route_key"] == "$connect"
        ]
        assert len(connects) == 1
