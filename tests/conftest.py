"""Gateways that several files of tests share, each started once."""

import importlib.util
import os
from collections.abc import Iterator

import pytest

from tests.servers.gateways import APPS, CHAT, CREDENTIALS, DevGateway, dev

PROBE_TIMEOUT_SECONDS = 2


@pytest.fixture(scope="session")
def chat() -> Iterator[DevGateway]:
    """The chat example, with the embedded DynamoDB."""
    with dev(f"{CHAT}:handler") as gateway:
        yield gateway


@pytest.fixture(scope="session", params=["builtin", "awslambdaric"])
def probe(request: pytest.FixtureRequest, chat: DevGateway) -> Iterator[DevGateway]:
    """A handler that does what it is asked for, under each runtime client."""
    runtime: str = request.param
    if importlib.util.find_spec("awslambdaric") is None and "CI" not in os.environ:
        pytest.skip("awslambdaric is not installed")
    with dev(
        f"{APPS / 'probe.py'}:handler",
        "--two-way",
        *("--runtime", runtime),
        *("--environments", "2"),
        *("--timeout", str(PROBE_TIMEOUT_SECONDS)),
        *("--dynamodb", chat.dynamodb_url),
        TZ="Asia/Tokyo",
        **CREDENTIALS,
    ) as gateway:
        yield gateway
