"""What every sink is: a server that takes posts and knows how many came."""

from typing import NamedTuple, Protocol


class Arrived(NamedTuple):
    """What arrived since it was last asked for.

    Attributes:
        requests: How many requests.
        connections: How many different connections were posted to.
    """

    requests: int
    connections: int


class Sink(Protocol):
    """A server that takes posts.

    Attributes:
        name: What it is.
        plain_port: Where it speaks HTTP.
        tls_port: Where it speaks HTTPS.
    """

    name: str
    plain_port: int
    tls_port: int

    def arrived(self, expected: int) -> Arrived:
        """Return what arrived since the last call, when that many did."""
        ...
