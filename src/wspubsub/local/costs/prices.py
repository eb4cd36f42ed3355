"""AWS's prices on one day, the only place that has them."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Prices in US dollars, on demand, without free tiers.

    Attributes:
        as_of: Month.
        region: Region.
        source: Where they are from.
        message: A message of up to 32 KB to or from a client.
        connection_minute: A minute of a connection.
        invocation: A Lambda request.
        gb_second: A GB-second of Lambda.
        read_unit: A read request unit of DynamoDB.
        write_unit: A write request unit of DynamoDB.
        stream_read: A GetRecords of DynamoDB Streams that Lambda does not make.
        queue_request: A request to SQS.
        fifo_request: A request to SQS for the messages of a FIFO queue.
    """

    as_of: str
    region: str
    source: str
    message: float
    connection_minute: float
    invocation: float
    gb_second: float
    read_unit: float
    write_unit: float
    stream_read: float
    queue_request: float
    fifo_request: float

    def to_json(self) -> dict[str, Any]:
        """Return them by name."""
        return asdict(self)


PRICES = Prices(
    as_of="2026-11",
    region="us-east-1",
    source="the pricing pages of Amazon API Gateway, AWS Lambda (arm64), Amazon "
    "DynamoDB (on demand) and Amazon SQS; docs/explanation/pubsub-costs.md",
    message=1.00e-6,
    connection_minute=0.25e-6,
    invocation=0.20e-6,
    gb_second=0.0000133334,
    read_unit=0.125e-6,
    write_unit=0.625e-6,
    stream_read=0.20e-6,
    queue_request=0.40e-6,
    fifo_request=0.50e-6,
)

REQUESTS_PER_SECOND = 10_000
"""An account's quota in a Region ("API Gateway account-level quotas")."""
