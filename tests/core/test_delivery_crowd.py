"""Thousands of readers of whom some never read: who pays for these, and how much."""

import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import pytest

from tests.contracts.senders import LAMBDA_ENVIRONMENT
from tests.support.servers.crowd import crowd_server
from wspubsub import Connections, MemorySubscriptionStore, Publisher
from wspubsub.aws import ManagementApi
from wspubsub.connections import Outcome, PostOutcome

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with crowd_server() as url:
        yield url


@pytest.fixture(params=["engine", "boto3"])
def api(
    request: pytest.FixtureRequest, url: str, monkeypatch: pytest.MonkeyPatch
) -> ManagementApi:
    for name, value in LAMBDA_ENVIRONMENT.items():
        if request.param == "engine" or name != "AWS_LAMBDA_RUNTIME_API":
            monkeypatch.setenv(name, value)
    return ManagementApi(url)


class Watched:
    """Connections that notice when the last of the healthy has the message."""

    def __init__(self, connections: Connections) -> None:
        self.last_delivery = 0.0
        self._connections = connections

    def post_many(
        self,
        connection_ids: Iterable[str],
        data: bytes,
        *,
        deadline: float,
        patience_seconds: float | None = None,
    ) -> Iterator[PostOutcome]:
        for each in self._connections.post_many(
            connection_ids, data, deadline=deadline, patience_seconds=patience_seconds
        ):
            if each.outcome is Outcome.DELIVERED:
                self.last_delivery = time.monotonic()
            yield each

    def __getattr__(self, name: str) -> object:
        return getattr(self._connections, name)


class Course(NamedTuple):
    """How a publish went: who got the message, until when, and what came after."""

    delivered: int
    seconds_to_last: float
    seconds_after: float


def publish(api: ManagementApi, healthy: int, others: Iterable[str] = ()) -> Course:
    store = MemorySubscriptionStore()
    bad = list(others)
    for number in range(healthy):
        store.subscribe(f"c{number}", "news")
        if bad and number % (healthy // len(bad)) == 0:
            store.subscribe(bad[number * len(bad) // healthy], "news")
    watched = Watched(api)
    publisher = Publisher(store, watched)  # type: ignore[arg-type] # see __getattr__
    begun = time.monotonic()
    report = publisher.publish("news", "x")
    ended = time.monotonic()
    assert report.throttled | report.failed.keys() == set(bad)
    return Course(
        report.delivered, watched.last_delivery - begun, ended - watched.last_delivery
    )


@pytest.mark.parametrize("kind", ["slow", "silent"])
def test_who_takes_no_messages_costs_the_others_nothing(
    api: ManagementApi, kind: str, request: pytest.FixtureRequest
) -> None:
    is_engine = request.node.callspec.params["api"] == "engine"
    healthy = 9_900 if is_engine else 1_980
    bad = [f"{kind}{number}" for number in range(healthy // 99)]
    publish(api, 200)  # connections are made

    alone = publish(api, healthy)
    together = publish(api, healthy, bad)

    # The bar is half as long again, and three seconds; a busy machine may stumble.
    assert together.delivered == alone.delivered == healthy
    assert together.seconds_to_last < 1.5 * alone.seconds_to_last + 2
    assert together.seconds_after < 3 + 2
