"""The part of `boto3.client("apigatewaymanagementapi")` that wspubsub uses."""

from collections.abc import Mapping
from typing import Any, Protocol


class ManagementClient(Protocol):
    """The operations of `boto3.client("apigatewaymanagementapi")` that wspubsub uses.

    To type checkers each takes any arguments, so that clients whose arguments are
    typed in detail fit, such as those of `types-boto3`.
    """

    def post_to_connection(self, *args: Any, **request: Any) -> Mapping[str, Any]:
        """Post to a connection."""
        ...

    def get_connection(self, *args: Any, **request: Any) -> Mapping[str, Any]:
        """Describe a connection."""
        ...

    def delete_connection(self, *args: Any, **request: Any) -> Mapping[str, Any]:
        """Close a connection."""
        ...
