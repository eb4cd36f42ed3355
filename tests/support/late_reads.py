"""A DynamoDB client for which a read that need not be consistent is late.

DynamoDB may answer such a read from a replica that has not seen the last writes yet
("DynamoDB read consistency"). Doubles have one replica, so they would never show what
comes of a `ConsistentRead` that is missing.
"""

from typing import Any

CONSISTENT = ("C#", "K#", "L#", "P#", "U#")
"""How the partition keys begin whose items are read right after they were written: a
connection's, a message key's, a log's, those of who is present and of a user's
connections. Subscribers of a topic may be seen late, unless the topic has a log."""

EVERYTHING = (*CONSISTENT, "T#")


class LateReads:
    """Stands before another client; its replica has not seen any write.

    Args:
        client: The other client.
        partitions: How the partition keys begin whose items it has not seen.

    Attributes:
        client: The other client.
    """

    def __init__(self, client: Any, partitions: tuple[str, ...] = CONSISTENT) -> None:
        self.client = client
        self._partitions = partitions

    def __getattr__(self, operation: str) -> Any:
        return getattr(self.client, operation)

    def get_item(self, **request: Any) -> dict[str, Any]:
        if is_late(request, request["Key"]["pk"]["S"], self._partitions):
            return {}
        answer: dict[str, Any] = self.client.get_item(**request)
        return answer

    def query(self, **request: Any) -> dict[str, Any]:
        partition = request["ExpressionAttributeValues"][":pk"]["S"]
        if is_late(request, partition, self._partitions):
            return {"Items": [], "Count": 0}
        answer: dict[str, Any] = self.client.query(**request)
        return answer


def is_late(
    request: dict[str, Any],
    partition: str,
    partitions: tuple[str, ...] = CONSISTENT,
) -> bool:
    """Return whether the answer to a read may lack what was just written."""
    return not request.get("ConsistentRead") and partition.startswith(partitions)
