"""What the gateway and its embedded DynamoDB say to each other: JSON, line by line.

The gateway writes to the process's standard input, and the process to its standard
output, after the port. So there is no address that anybody else could reach.
"""

import json
import sys
import threading
from collections.abc import Callable
from typing import Any

Message = dict[str, Any]


class Control:
    """The process's end of the conversation."""

    def __init__(self) -> None:
        self._takers: dict[str, Callable[[Any], object]] = {}
        self._untaken: dict[str, Any] = {}
        self._unread = b""
        self._lock = threading.Lock()
        self._at_end: Callable[[], None] | None = None

    def on(self, name: str, take: Callable[[Any], object]) -> None:
        """Have a function take what messages have under a name."""
        with self._lock:
            self._takers[name] = take
            is_late = name in self._untaken
        if is_late:  # the gateway does not wait until this process has started
            take(self._untaken.pop(name))

    def on_end(self, act: Callable[[], None]) -> None:
        """Have a function called when the gateway is gone."""
        self._at_end = act

    def end(self) -> None:
        """Do what is to be done when the gateway is gone."""
        if self._at_end is not None:
            self._at_end()

    def feed(self, data: bytes) -> None:
        """Take what has been read from the gateway."""
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            for name, value in json.loads(line).items():
                with self._lock:
                    take = self._takers.get(name)
                    if take is None:
                        self._untaken[name] = value
                if take is not None:
                    take(value)

    def send(self, message: Message) -> None:
        """Send a message to the gateway."""
        line = json.dumps(message) + "\n"
        with self._lock:
            sys.stdout.write(line)
            sys.stdout.flush()
