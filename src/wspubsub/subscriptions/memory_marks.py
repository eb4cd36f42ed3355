"""What publishers and whoever lets a client in say about a subscriber, in memory."""

from threading import Lock

from wspubsub.subscriptions.memory_commands import MemoryCommands
from wspubsub.subscriptions.port import check_connection_id
from wspubsub.subscriptions.sessions import (
    Member,
    check_offset,
    check_told,
    check_traces,
)
from wspubsub.topics import validate_topic


class MemoryMarks:
    """The part of a `MemoryMemberStore` that marks and releases subscribers."""

    _lock: Lock
    _commands: MemoryCommands

    def mark_lost(
        self,
        topic: str,
        connection_id: str,
        offset: int,
        *,
        timeout_seconds: float | None = None,  # noqa: ARG002 - it takes no time
    ) -> bool:
        """See `MemberStore.mark_lost`."""
        connection_id = check_connection_id(connection_id)
        topic, offset = validate_topic(topic), check_offset(offset)
        with self._lock:
            return self._commands.mark(connection_id, topic, offset)

    def trace(
        self,
        topic: str,
        connection_id: str,
        *,
        timeout_seconds: float | None = None,  # noqa: ARG002 - it takes no time
    ) -> Member | None:
        """See `MemberStore.trace`."""
        connection_id, topic = check_ids(connection_id, topic)
        with self._lock:
            return self._commands.trace(connection_id, topic)

    def release(
        self,
        connection_id: str,
        topic: str,
        *,
        number: int,
        traces: int,
        told: tuple[str, int],
    ) -> int | None:
        """See `MemberStore.release`."""
        connection_id, topic = check_ids(connection_id, topic)
        traces, told = check_traces(traces), check_told(told)
        with self._lock:
            return self._commands.release(connection_id, topic, number, traces, told)


def check_ids(connection_id: str, topic: str) -> tuple[str, str]:
    """Return a connection ID and a topic if both are legal."""
    return check_connection_id(connection_id), validate_topic(topic)
