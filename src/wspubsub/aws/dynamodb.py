"""The few DynamoDB operations that the store and the log use, without an AWS SDK.

Method names, keyword arguments, answers and errors are those of
`boto3.client("dynamodb")`, so either can be used where the other is. Attributes are in
DynamoDB's own JSON form, binary ones as `bytes`; binary sets are not supported.
"""

import binascii
import json
import os
import time
import zlib
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from wspubsub.aws.http import Multiplexer
from wspubsub.aws.http_channel import Endpoint
from wspubsub.aws.http_exchange import Result, Verdict
from wspubsub.aws.http_pool import ChannelPool
from wspubsub.aws.http_response import Response
from wspubsub.aws.signing import (
    Scope,
    SigningKeys,
    authorization,
    canonical_request,
    credentials_in,
    signature,
)
from wspubsub.aws.tls import trust_of
from wspubsub.aws.urls import split_url
from wspubsub.errors import UsageError

CONNECT_SECONDS, READ_SECONDS = 2.0, 5.0
"""Short against the 29 s that a WebSocket integration may take."""

MAX_ATTEMPTS = 4
_TIMEOUT_SECONDS = MAX_ATTEMPTS * (CONNECT_SECONDS + READ_SECONDS)

_SERVICE = "dynamodb"
_TARGET = "DynamoDB_20120810"
_SERVER_ERROR = 500
_OK = 200
# What botocore's standard retry mode takes for throttling, as far as DynamoDB says it.
_THROTTLED = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TransactionInProgressException",
    }
)


class ClientError(Exception):
    """DynamoDB refused a request, or could not be reached.

    Attributes:
        response: As in botocore's error of this name: `Error` with `Code` and
            `Message`, `ResponseMetadata`, and what else DynamoDB says, such as `Item`
            or `CancellationReasons`.
        operation_name: The operation, such as `Query`.
    """

    def __init__(self, response: dict[str, Any], operation_name: str) -> None:
        error = response["Error"]
        super().__init__(
            f"An error occurred ({error['Code']}) when calling the {operation_name} "
            f"operation: {error['Message']}"
        )
        self.response = response
        self.operation_name = operation_name


def dynamodb_endpoint(environment: Mapping[str, str], region: str) -> str:
    """Return DynamoDB's endpoint, by the same rules as boto3."""
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return (
        environment.get("AWS_ENDPOINT_URL_DYNAMODB")
        or environment.get("AWS_ENDPOINT_URL")
        or f"https://dynamodb.{region}.{suffix}"
    )


class DynamoDBClient:
    """A DynamoDB client; safe to use from several threads.

    Credentials are read from the environment for each request.

    Args:
        region: AWS region; from `AWS_REGION` if None.
        endpoint_url: Where DynamoDB is; the environment's, or the region's, if None.
        read_seconds: Longest time for an answer.

    Raises:
        UsageError: No region is known.
    """

    def __init__(
        self,
        *,
        region: str | None = None,
        endpoint_url: str | None = None,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        environment = os.environ
        region = region or environment.get("AWS_REGION")
        region = region or environment.get("AWS_DEFAULT_REGION")
        if not region:
            raise UsageError("the AWS region is unknown; set AWS_REGION")
        url = split_url(endpoint_url or dynamodb_endpoint(environment, region))
        self._host = url.netloc
        self._region = region
        self._keys = SigningKeys()
        pool = ChannelPool(
            Endpoint(url.host, url.port, trust_of(url, environment)), max_idle=32
        )
        self._engine = Multiplexer(
            pool, connect_seconds=CONNECT_SECONDS, read_seconds=read_seconds
        )

    def put_item(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - as boto3
        """Put an item; see `PutItem` in the API reference of DynamoDB."""
        return self._call("PutItem", request)

    def get_item(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - as boto3
        """Get an item; see `GetItem` in the API reference of DynamoDB."""
        return self._call("GetItem", request)

    def delete_item(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - as boto3
        """Delete an item; see `DeleteItem` in the API reference of DynamoDB."""
        return self._call("DeleteItem", request)

    def query(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - as boto3
        """Read a page of items; see `Query` in the API reference of DynamoDB."""
        return self._call("Query", request)

    def batch_write_item(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - as boto3
        """Put and delete up to 25 items; see `BatchWriteItem` in the API reference."""
        return self._call("BatchWriteItem", request)

    def transact_write_items(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - as boto3
        """Write all items or none; see `TransactWriteItems` in the API reference."""
        return self._call("TransactWriteItems", request)

    def _call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        [result] = self._engine.run(
            (operation,),
            build=self._builder(
                operation, json.dumps(request, default=_base64).encode()
            ),
            judge=_judged,
            deadline=time.monotonic() + _TIMEOUT_SECONDS,
            max_attempts=MAX_ATTEMPTS,
        )
        response = result.response
        if response is None or response.status != _OK:
            raise _error(result, operation)
        answer: dict[str, Any] = _parsed(response.body)
        answer["ResponseMetadata"] = _metadata(response)
        return answer

    def _builder(self, operation: str, body: bytes) -> Callable[[str], bytes]:
        payload_hash = sha256(body).hexdigest()

        def build(_tag: str) -> bytes:
            now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
            credentials = credentials_in(os.environ)
            headers = [
                ("content-type", "application/x-amz-json-1.0"),
                ("host", self._host),
                ("x-amz-date", now),
                ("x-amz-target", f"{_TARGET}.{operation}"),
            ]
            if credentials.token is not None:
                headers.insert(3, ("x-amz-security-token", credentials.token))
            scope = Scope(now, self._region, _SERVICE)
            canonical = canonical_request("POST", "/", "", headers, payload_hash)
            key = self._keys.key(
                credentials.secret_key, now[:8], self._region, _SERVICE
            )
            signed = signature(canonical.encode(), scope, key)
            headers += [
                ("authorization", authorization(credentials, scope, headers, signed)),
                ("content-length", str(len(body))),
            ]
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
            return f"POST / HTTP/1.1\r\n{lines}\r\n".encode() + body

        return build


def _judged(response: Response) -> Verdict:
    checksum = response.headers.get("x-amz-crc32")
    if response.status >= _SERVER_ERROR:
        return Verdict.BROKEN
    if checksum is not None and checksum != str(zlib.crc32(response.body)):
        return Verdict.BROKEN
    if response.status != _OK and _refusal(response)["Code"] in _THROTTLED:
        return Verdict.THROTTLED
    return Verdict.FINAL


def _base64(value: object) -> str:
    # JSON has no bytes: DynamoDB takes and gives those of an attribute in base64.
    if not isinstance(value, bytes):
        raise TypeError(f"DynamoDB takes no {type(value).__name__}")
    return binascii.b2a_base64(value, newline=False).decode()


def _parsed(body: bytes) -> Any:  # noqa: ANN401 - parsed JSON
    # The hook is called for each object; a page of subscribers has thousands, and
    # never a binary attribute.
    return json.loads(body, object_hook=_with_bytes if b'"B"' in body else None)


def _with_bytes(found: dict[str, Any]) -> dict[str, Any]:
    # A map with an attribute of that name has an object there, never text.
    if len(found) == 1 and isinstance(found.get("B"), str):
        return {"B": binascii.a2b_base64(found["B"])}
    return found


def _refused(response: Response) -> dict[str, Any]:
    try:
        found = _parsed(response.body)
    except ValueError:
        found = {}
    return found if isinstance(found, dict) else {}


def _refusal(response: Response) -> dict[str, str]:
    found = _refused(response)
    # The type is a qualified name: com.amazonaws.dynamodb.v20120810#Name.
    code = str(found.get("__type", "")).rpartition("#")[2] or str(response.status)
    message = found.get("message") or found.get("Message") or ""
    return {"Code": code, "Message": str(message)}


def _error(result: Result, operation: str) -> ClientError:
    response = result.response
    if response is None:
        refusal = {"Code": "EndpointConnectionError", "Message": result.error}
        return ClientError({"Error": refusal, "ResponseMetadata": {}}, operation)
    details = {
        name: value
        for name, value in _refused(response).items()
        if name not in {"__type", "message", "Message"}
    }
    described = {"Error": _refusal(response), "ResponseMetadata": _metadata(response)}
    return ClientError(details | described, operation)


def _metadata(response: Response) -> dict[str, Any]:
    return {
        "HTTPStatusCode": response.status,
        "RequestId": response.headers.get("x-amzn-requestid", ""),
    }
