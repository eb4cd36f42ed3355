"""Gateways that several files of tests share, each started once; slow tests' time."""

import importlib.util
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest
from hypothesis import HealthCheck, settings

from tests.support.servers.gateways import APPS, CHAT, CREDENTIALS, DevGateway, dev

PROBE_TIMEOUT_SECONDS = 1.5

SLOW_SECONDS = 600
"""The timeout of a slow test, which coverage and a busy machine make slower still."""

# The same examples each time, and as long as a busy machine takes for them.
settings.register_profile(
    "steady",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("steady")

if threading.current_thread() is threading.main_thread():
    # A shell has its jobs in the background ignore Ctrl-C, and what tests start would.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SLOW_SECONDS))


@pytest.fixture(scope="session")
def chat() -> Iterator[DevGateway]:
    """The chat example, with the embedded DynamoDB."""
    with dev(f"{CHAT}:handler", "--environments", "2") as gateway:
        yield gateway


@pytest.fixture(scope="session")
def probe(chat: DevGateway) -> Iterator[DevGateway]:
    """A handler that does what it is asked for."""
    with _probe(chat) as gateway:
        yield gateway


@pytest.fixture(scope="session", params=["builtin", "awslambdaric"])
def function(request: pytest.FixtureRequest, chat: DevGateway) -> Iterator[DevGateway]:
    """The same under each runtime client."""
    if request.param == "builtin":
        yield request.getfixturevalue("probe")
        return
    if importlib.util.find_spec("awslambdaric") is None and "CI" not in os.environ:
        pytest.skip("awslambdaric is not installed")
    with _probe(chat, "--runtime", "awslambdaric") as gateway:
        yield gateway


def _probe(chat: DevGateway, *arguments: str) -> AbstractContextManager[DevGateway]:
    return dev(
        f"{APPS / 'probe.py'}:handler",
        "--two-way",
        *("--environments", "2"),
        *("--timeout", str(PROBE_TIMEOUT_SECONDS)),
        *("--dynamodb", chat.dynamodb_url),
        *arguments,
        environ={"TZ": "Asia/Tokyo", **CREDENTIALS},
    )
