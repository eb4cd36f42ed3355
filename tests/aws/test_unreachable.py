"""An endpoint to which there is no way, as from a VPC without NAT: nothing answers."""

import contextlib
import socket
import time
from collections.abc import Iterator

import pytest

from tests.contracts.senders import LAMBDA_ENVIRONMENT
from wspubsub import Connection, MemorySubscriptionStore, Publisher
from wspubsub.aws import ManagementApi

pytestmark = pytest.mark.integration

SUBSCRIBERS = {f"{number:014}A=" for number in range(50)}


@pytest.fixture
def url() -> Iterator[str]:
    """Give the URL of a server whose queue of connections is full."""
    with socket.socket() as hole, contextlib.ExitStack() as fillers:
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        for _ in range(4):
            filler = fillers.enter_context(socket.socket())
            filler.settimeout(0)
            filler.connect_ex(hole.getsockname())
        yield f"http://127.0.0.1:{hole.getsockname()[1]}/prod"


@pytest.mark.parametrize("path", ["engine", "boto3"])
def test_a_publish_ends_in_its_time_prunes_nobody_and_says_why(
    url: str, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    for name, value in LAMBDA_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    if path == "boto3":
        monkeypatch.delenv("AWS_LAMBDA_RUNTIME_API")
    store = MemorySubscriptionStore()
    for connection_id in SUBSCRIBERS:
        store.connect(Connection(id=connection_id, connected_at=0.0))
        store.subscribe(connection_id, "news")
    publisher = Publisher(store, ManagementApi(url))
    begun = time.monotonic()

    report = publisher.publish("news", "hi", timeout_seconds=3)

    assert time.monotonic() - begun < 10  # 3, on a machine that is not busy
    assert not report.is_complete
    assert report.delivered == 0
    assert not report.gone
    assert "no answer" in report.reason or "connect" in report.reason.lower()
    assert set(store.subscribers("news")) == SUBSCRIBERS
