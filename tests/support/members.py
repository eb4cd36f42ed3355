"""Clients of `examples/rooms` that speak its protocol by hand, line by line."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import ClientConnection

from tests.support.sdks.rooms import APP, make_token
from tests.support.servers.gateways import CREDENTIALS, DevGateway, dev

SECRET = "only-for-these-tests-32-bytes-long"


@contextmanager
def serve_rooms(*arguments: str) -> Iterator[DevGateway]:
    """Run the example; clients may come without a token."""
    variables = {"ROOMS_SECRET": SECRET, "ROOMS_ANONYMOUS": "1"}
    environ = {**CREDENTIALS, **variables}
    with dev(f"{APP}:handler", *arguments, environ=environ) as running:
        yield running


class Member:
    """A client of a `PubSub` of some user.

    Args:
        client: Its connection.
        user: The user's ID.
        seconds: How long the token is valid.
    """

    def __init__(
        self, client: ClientConnection, user: str, *, seconds: float = 86_400
    ) -> None:
        self._client = client
        self._id = 0
        info = {"name": user.title()}
        token = make_token(user, seconds=seconds, secret=SECRET, info=info)
        self.ask("connect", token=token)

    def ask(self, command: str, **arguments: Any) -> Any:
        """Send a command and return its reply."""
        self._id += 1
        self._client.send(json.dumps({"id": self._id, command: arguments}))
        return self.receive(lambda each: each.get("id") == self._id)

    def receive(self, is_wanted: Callable[[Any], object]) -> Any:
        """Return the first message that is wanted, once it has come."""
        while True:
            for line in str(self._client.recv()).splitlines():
                if is_wanted(message := json.loads(line)):
                    return message
