"""Limits, times and prices of AWS in us-east-1, as published; times are assumptions.

Limits: "Amazon API Gateway quotas", "Using Lambda with Amazon SQS", "DynamoDB
burst and adaptive capacity". Prices: the price pages of the services.
"""

from typing import NamedTuple

MANAGEMENT_REQUESTS_PER_SECOND = 10_000
"""Of an account in a Region, for all its APIs together; can be raised."""
MANAGEMENT_BURST = 5_000

PAGE_BYTES = 1_048_576
SUBSCRIBER_BYTES = 52
"""An item with a topic of 10 characters, as DynamoDB counts it."""
BYTES_PER_READ_UNIT = 2 * 4_096
"""Of an eventually consistent read."""
PARTITION_READ_UNITS_PER_SECOND = 3_000

QUEUE_FIRST_CONCURRENCY = 5
QUEUE_CONCURRENCY_PER_SECOND = 5.0
"""Pollers begin with 5 batches and grow by 300 a minute."""
QUEUE_MAX_CONCURRENCY = 1_000

POLL_SECONDS = 0.25
"""Lambda looks into a stream's shard four times a second ("Using AWS Lambda with Amazon
DynamoDB"), and at once where it has just processed records."""
STREAM_BATCH = 100
"""Records of a batch, as `wspubsub template` sets it."""

LAMBDA_SECONDS = 29.0
LAMBDA_GIB = 1_769 / 1_024
"""With this memory a function has one whole virtual CPU."""


class Times(NamedTuple):
    """How long things take; assumptions, to be replaced by what you measure.

    Attributes:
        post_median_seconds: Half the posts are answered in this time.
        post_sigma: Spread of the logarithm of that time.
        post_cpu_seconds: What a post costs the function's processor.
        page_seconds: A page of 1 MB from DynamoDB, with parsing.
        send_seconds: A request to SQS.
        receive_seconds: From the queue to the start of the function.
        cold_start_seconds: A function that was not running.
        query_seconds: A page of a few hundred subscribers from DynamoDB.
        stream_seconds: From a write to the record in the table's stream.
        invoke_seconds: From a poll of the stream to the start of the function.
    """

    post_median_seconds: float = 0.012
    post_sigma: float = 0.6
    post_cpu_seconds: float = 80e-6
    page_seconds: float = 0.08
    send_seconds: float = 0.008
    receive_seconds: float = 0.05
    cold_start_seconds: float = 0.35
    query_seconds: float = 0.015
    stream_seconds: float = 0.1
    invoke_seconds: float = 0.02


class Usage:
    """What a publish consumed.

    Attributes:
        posts: Answered requests to the Management API, throttled ones too.
        messages: Posts that are paid for.
        queue_requests: Requests to SQS, of 64 KB each.
        invocations: Runs of the function.
        function_seconds: How long they ran together.
        read_units: Of DynamoDB.
    """

    def __init__(self) -> None:
        self.posts = self.messages = 0
        self.queue_requests = self.invocations = 0
        self.function_seconds = self.read_units = 0.0

    @property
    def throttled(self) -> int:
        """How many posts were answered with 429."""
        return self.posts - self.messages

    def dollars(self) -> float:
        """Return what it costs, beyond all free tiers."""
        return (
            self.messages * 1.00e-6
            + self.queue_requests * 0.40e-6
            + self.invocations * 0.20e-6
            + self.function_seconds * LAMBDA_GIB * 0.0000166667
            + self.read_units * 0.125e-6
        )
