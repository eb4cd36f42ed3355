"""The second argument of a handler, as AWS's runtime client makes it.

"Using the Lambda context object to retrieve Python function information". The bootstrap
loads this file by its path, so it needs nothing but the standard library.
"""

import json
import os
import time
from collections.abc import Mapping
from typing import Any


class _CognitoIdentity:
    """Who invoked the function through an AWS Mobile SDK: nobody, here."""

    cognito_identity_id: str | None = None
    cognito_identity_pool_id: str | None = None


class Client:
    """The mobile application that invoked the function."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self.installation_id = fields.get("installation_id")
        self.app_title = fields.get("app_title")
        self.app_version_name = fields.get("app_version_name")
        self.app_version_code = fields.get("app_version_code")
        self.app_package_name = fields.get("app_package_name")


class ClientContext:
    """What a mobile application says about itself."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self.client = Client(fields.get("client") or {})
        self.custom = fields.get("custom")
        self.env = fields.get("env")


class Context:
    """The second argument of a handler.

    "Using the Lambda context object to retrieve Python function information".

    Args:
        headers: Those that came with the event, their names in lower case.
    """

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.aws_request_id = headers.get("lambda-runtime-aws-request-id", "")
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn")
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        self.identity = _CognitoIdentity()
        client_context = headers.get("lambda-runtime-client-context")
        self.client_context = (
            ClientContext(json.loads(client_context)) if client_context else None
        )
        self._deadline_ms = int(headers.get("lambda-runtime-deadline-ms", "0"))

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds left until the function times out."""
        return max(0, self._deadline_ms - int(time.time() * 1000))
