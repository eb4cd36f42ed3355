"""The context object that Lambda passes to a handler as its second argument."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class CognitoIdentity:
    """Empty, as API Gateway invokes Lambda without one."""

    cognito_identity_id: None = None
    cognito_identity_pool_id: None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaContext:
    """The context of one invocation in a test.

    It has what "Using the Lambda context object to retrieve Python function
    information" lists.

    Attributes:
        aws_request_id: ID of the invocation; it is not the event's `requestId`.
        invoked_function_arn: ARN of the function.
        remaining: Returns the seconds left.
    """

    aws_request_id: str
    invoked_function_arn: str
    remaining: Callable[[], float] = field(repr=False)
    function_version: str = "$LATEST"
    memory_limit_in_mb: str = "128"
    log_stream_name: str = "2026/01/01/[$LATEST]00000000000000000000000000000000"
    identity: CognitoIdentity = field(default_factory=CognitoIdentity)
    client_context: None = None

    @property
    def function_name(self) -> str:
        """Name of the function."""
        return self.invoked_function_arn.rpartition(":")[2]

    @property
    def log_group_name(self) -> str:
        """CloudWatch log group of the function."""
        return f"/aws/lambda/{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds left until the invocation times out."""
        return max(0, round(self.remaining() * 1000))
