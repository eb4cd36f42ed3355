"""A DynamoDB client that counts what it costs, and fails when told to."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError, ConnectionClosedError
from moto import mock_aws

from tests.contracts.tables import boto3_client
from tests.support.late_reads import LateReads
from wspubsub.dynamodb import create_table

Call = Callable[..., dict[str, Any]]


def refusal(code: str, **details: Any) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}, **details}, "Some")


def cancelled(*codes: str) -> ClientError:
    """Return how DynamoDB cancels a transaction, with a reason for each item."""
    reasons = [{"Code": code} for code in codes]
    return refusal("TransactionCanceledException", CancellationReasons=reasons)


def lost_answer() -> ConnectionClosedError:
    return ConnectionClosedError(endpoint_url="http://127.0.0.1")


class FaultyDynamoDB:
    """Stands before another client; each call takes the next fault planned for it.

    Attributes:
        client: The other client.
        calls: Operations that were called.
        requests: What they were called with.
        units: Capacity units that they consumed.
        has_old_items: Whether errors hold the item that a condition failed on.
    """

    def __init__(self, client: Any) -> None:
        self.client = client
        self.calls: list[str] = []
        self.requests: list[dict[str, Any]] = []
        self.units = 0.0
        self.has_old_items = True
        self._faults: dict[str, list[Call]] = {}

    def fail(self, operation: str, error: Exception, times: int = 1) -> None:
        """Refuse an operation, so that it has no effect."""

        def refuse(**_request: Any) -> dict[str, Any]:
            raise error

        self.plan(operation, [refuse] * times)

    def lose_answer(self, operation: str) -> None:
        """Carry an operation out, and then lose the connection."""

        def lose(**request: Any) -> dict[str, Any]:
            self._carry_out(operation, request)
            raise lost_answer()

        self.plan(operation, [lose])

    def carry_out_twice(self, operation: str) -> None:
        """Do as an SDK does that has no answer to its first attempt."""

        def repeat(**request: Any) -> dict[str, Any]:
            self._carry_out(operation, request)
            return self._carry_out(operation, request)

        self.plan(operation, [repeat])

    def before(self, operation: str, act: Callable[[], object]) -> None:
        """Do something just before an operation takes effect."""

        def act_first(**request: Any) -> dict[str, Any]:
            act()
            return self._carry_out(operation, request)

        self.plan(operation, [act_first])

    def plan(self, operation: str, calls: Iterable[Call]) -> None:
        self._faults.setdefault(operation, []).extend(calls)

    def __getattr__(self, operation: str) -> Call:
        def call(**request: Any) -> dict[str, Any]:
            self.calls.append(operation)
            self.requests.append(request)
            planned = self._faults.get(operation)
            if planned:
                return planned.pop(0)(**request)
            return self._carry_out(operation, request)

        return call

    def _carry_out(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self.client, operation)(
                **request, ReturnConsumedCapacity="TOTAL"
            )
        except ClientError as error:
            if not self.has_old_items:
                _forget_items(error.response)
            raise
        consumed = answer.get("ConsumedCapacity") or []
        for capacity in consumed if isinstance(consumed, list) else [consumed]:
            self.units += capacity["CapacityUnits"]
        return answer


class Stopped(BaseException):
    """The function is gone."""


class StopsAfter:
    """A client whose process dies after so many requests."""

    def __init__(self, client: Any, requests: int) -> None:
        self.client = client
        self.requests = requests

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            if not self.requests:
                raise Stopped
            self.requests -= 1
            return getattr(self.client, operation)(**request)

        return call


def _forget_items(response: Any) -> None:
    response.pop("Item", None)
    for reason in response.get("CancellationReasons", []):
        reason.pop("Item", None)


@contextmanager
def faulty_moto(table: str) -> Iterator[FaultyDynamoDB]:
    """Give a client of an account of its own with an empty table."""
    with mock_aws():
        create_table(table, client=boto3_client())
        yield FaultyDynamoDB(LateReads(boto3_client()))
