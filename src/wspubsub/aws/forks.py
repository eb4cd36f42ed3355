"""boto3's clients in a process that was forked.

A client keeps its connections, and a child process inherits them: parent and child
would read each other's answers, and a 410 meant for one would prune the other's
subscriber. The engine's connections know their process (`engine/channel.py`).
"""

import os
import sys
import threading
from typing import Any, TypeAlias, TypeVar

Boto3Client: TypeAlias = Any
"""boto3 makes its clients while it runs, and ships no types of them."""

Boto3Session: TypeAlias = Any

ClientT = TypeVar("ClientT")


def reconnect_after_fork(client: ClientT) -> ClientT:
    """Make a boto3 client open connections of its own in each child process.

    Anything else, such as a double in a test, is left as it is.
    """
    botocore = sys.modules.get("botocore.client")
    if botocore is not None and isinstance(client, botocore.BaseClient):
        client.meta.events.register_first(
            "before-call", _Reconnection(client), unique_id="wspubsub-reconnect"
        )
    return client


class _Reconnection:
    """Closes the connections that a client inherited, before its first request."""

    def __init__(self, client: Boto3Client) -> None:
        self._client = client
        self._process = os.getpid()
        self._lock = threading.Lock()

    def __call__(self, **_event: object) -> None:
        if self._process == os.getpid():
            return
        with self._lock:
            if self._process != os.getpid():
                # Closes this process's copies only; the client opens new ones.
                self._client.close()
                self._process = os.getpid()
