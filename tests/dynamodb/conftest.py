"""The client and the clock of most tests of what is stored in DynamoDB."""

from collections.abc import Iterator

import pytest

from tests.support.faulty_dynamodb import FaultyDynamoDB, faulty_moto
from tests.support.virtual_time import Clock


@pytest.fixture
def client(request: pytest.FixtureRequest) -> Iterator[FaultyDynamoDB]:
    """A client of an empty table, named as the `TABLE` of the test's module."""
    with faulty_moto(getattr(request.module, "TABLE", "t")) as client:
        yield client


@pytest.fixture
def clock() -> Clock:
    return Clock()
