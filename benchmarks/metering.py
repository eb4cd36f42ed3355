"""A DynamoDB client that keeps account of what its requests consume."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_WRITES = {"put_item", "delete_item", "update_item", "batch_write_item"}


@dataclass(slots=True)
class Account:
    """What was consumed.

    Attributes:
        requests: HTTP requests, each a round trip.
        read_units: Read request units.
        write_units: Write request units.
    """

    requests: int = 0
    read_units: float = 0.0
    write_units: float = 0.0


class MeteredClient:
    """A `boto3.client("dynamodb")` that asks for the capacity that it consumes.

    Args:
        client: The client.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - boto3 ships no types
        self._client = client
        self.account = Account()

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        operation = getattr(self._client, name)

        def metered(**request: Any) -> dict[str, Any]:
            answer: dict[str, Any]
            answer = operation(**request, ReturnConsumedCapacity="TOTAL")
            self.account.requests += 1
            units = consumed_units(answer)
            if name in _WRITES:
                self.account.write_units += units
            else:
                self.account.read_units += units
            return answer

        return metered


def consumed_units(answer: Mapping[str, Any]) -> float:
    """Return the capacity units that an answer says it cost, of all its tables."""
    consumed = answer.get("ConsumedCapacity", [])
    entries = [consumed] if isinstance(consumed, Mapping) else consumed
    return sum(float(entry["CapacityUnits"]) for entry in entries)
