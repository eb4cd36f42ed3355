"""The part of `boto3.client("apigatewaymanagementapi")` that is used."""

from typing import Any, Protocol


class ManagementClient(Protocol):
    """The operations of `boto3.client("apigatewaymanagementapi")` that are used."""

    def post_to_connection(self, **request: Any) -> Any:  # noqa: ANN401 - as boto3
        """Post to a connection."""
        ...

    def get_connection(self, **request: Any) -> Any:  # noqa: ANN401 - as boto3
        """Describe a connection."""
        ...

    def delete_connection(self, **request: Any) -> Any:  # noqa: ANN401 - as boto3
        """Close a connection."""
        ...
