"""What the operations are called that can fail."""

from wspubsub.faults.rules import Service
from wspubsub.log.memory import MemoryTopicLog
from wspubsub.subscriptions.memory_members import MemoryMemberStore


def list_operations(cls: type) -> tuple[str, ...]:
    """Return the names of a class's public methods."""
    public = [name for name in dir(cls) if not name.startswith("_")]
    return tuple(each for each in public if callable(getattr(cls, each)))


STORE_OPERATIONS = (
    *list_operations(MemoryMemberStore),
    *list_operations(MemoryTopicLog),
)
"""What a store and a log in memory do."""

OPERATIONS = {
    Service.MANAGEMENT: ("post", "get", "delete"),
    Service.DYNAMODB: (
        "BatchGetItem",
        "BatchWriteItem",
        "DeleteItem",
        "DescribeTable",
        "ExecuteStatement",
        "ExecuteTransaction",
        "BatchExecuteStatement",
        "GetItem",
        "PutItem",
        "Query",
        "Scan",
        "TransactGetItems",
        "TransactWriteItems",
        "UpdateItem",
    ),
    Service.FUNCTION: ("connect", "message", "disconnect", "stream", "queue"),
    Service.AUTHORIZER: (),
}
"""What each service does."""
