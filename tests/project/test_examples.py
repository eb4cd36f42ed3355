"""The examples run as their READMEs say."""

import signal
import subprocess
import sys

import pytest

from tests.support.servers.gateways import CHAT, ROOT, DevGateway

pytestmark = pytest.mark.integration


def test_the_chats_clients_count_and_listen(chat: DevGateway) -> None:
    with subprocess.Popen(
        [sys.executable, CHAT.with_name("client.py"), chat.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as clients:
        assert clients.stdout is not None
        assert clients.stderr is not None
        lines = [clients.stdout.readline().rstrip() for _ in range(5)]
        clients.send_signal(signal.SIGINT)
        complaints = clients.stderr.read()

    assert lines[0] == "was told {'type': 'subscribed', 'topic': 'general'}"
    assert sorted(lines[1:]) == ["received 1", "received 2", "sent 1", "sent 2"]
    assert (clients.returncode, complaints) == (0, "")
