"""HTTP requests to AWS as bytes: what is signed, and the headers that are not."""

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256

import wspubsub
from wspubsub.aws.signing import (
    Credentials,
    Scope,
    Signer,
    SigningKeys,
    authorization,
    canonical_path,
)

_ID_MARKS = b"-._~="
"""What may be in a path's end that needs no quoting but of `=` (RFC 3986 §2.3)."""

_TRACE_MARKS = b"-._~=;:+&[]{}\"',"
"""What botocore leaves unquoted in the trace header, besides letters and digits."""

_EMPTY_HASH = sha256(b"").hexdigest()


class SignedRequests:
    """Builds requests that differ only in the end of their paths.

    All but that end and the signature is the same for a second, so it is made once.

    Args:
        method: HTTP method.
        host: Host as in the URL, with the port if there is one.
        path: What the path begins with, as it is sent.
        body: Body of each request.
        credentials: What they are signed with.
        environment: Has what Lambda says of the invocation.
        service: Signing name, such as `execute-api`.
        region: Region to sign for.
        keys: Signing keys, to be kept from one use to the next.
        headers: Headers that are signed besides those that always are; names in lower
            case, and nothing to be trimmed in the values.
        now: Clock, in seconds since the epoch.
    """

    __slots__ = (
        "_after_end",
        "_before_end",
        "_body",
        "_canonical_after",
        "_canonical_before",
        "_credentials",
        "_headers",
        "_host",
        "_keys",
        "_method",
        "_now",
        "_path",
        "_payload_hash",
        "_region",
        "_second",
        "_service",
        "_signer",
        "_unsigned",
    )

    def __init__(
        self,
        method: str,
        host: str,
        path: str,
        body: bytes,
        *,
        credentials: Credentials,
        environment: Mapping[str, str],
        service: str,
        region: str,
        keys: SigningKeys,
        headers: Iterable[tuple[str, str]] = (),
        now: Callable[[], float] = time.time,
    ) -> None:
        self._method = method
        self._host = host
        self._path = path
        self._body = body
        self._payload_hash = sha256(body).hexdigest() if body else _EMPTY_HASH
        self._credentials = credentials
        self._service = service
        self._region = region
        self._keys = keys
        self._headers = headers
        self._unsigned = format_unsigned_headers(environment)
        self._now = now
        self._second = -1

    def build(self, end: str = "") -> bytes:
        """Return the bytes of the request whose path has this end.

        Args:
            end: A connection ID, for instance; any characters.
        """
        second = int(self._now())
        if second != self._second:
            self._prepare(second)
        # Only unreserved characters and % are left, so nothing in it can end the
        # request line; what is signed has the % encoded once more.
        encoded = (
            end.replace("=", "%3D") if _is_plain(end, _ID_MARKS) else _quote(end, b"")
        )
        sent = encoded.encode()
        canonical = b"".join(
            (self._canonical_before, sent.replace(b"%", b"%25"), self._canonical_after)
        )
        signed = self._signer.signature(canonical)
        return b"".join(
            (
                self._before_end,
                sent,
                self._after_end,
                signed.encode(),
                b"\r\n\r\n",
                self._body,
            )
        )

    def _prepare(self, second: int) -> None:
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))
        self._second = second
        scope = Scope(now, self._region, self._service)
        self._signer = Signer(
            scope, self._keys.key(self._credentials.secret_key, scope)
        )
        headers = [("host", self._host), ("x-amz-date", now), *self._headers]
        if self._credentials.token is not None:
            headers.append(("x-amz-security-token", self._credentials.token))
        headers.sort()
        lines = "".join(f"{name}:{value}\n" for name, value in headers)
        names = ";".join(name for name, _ in headers)
        before = f"{self._method}\n{canonical_path(self._path)}"
        after = f"\n\n{lines}\n{names}\n{self._payload_hash}"
        self._canonical_before, self._canonical_after = before.encode(), after.encode()
        sent = "".join(f"{name}: {value}\r\n" for name, value in headers)
        self._before_end = f"{self._method} {self._path}".encode()
        self._after_end = (
            f" HTTP/1.1\r\n{sent}{self._unsigned}content-length: {len(self._body)}\r\n"
            f"authorization: {authorization(self._credentials, scope, names)}"
        ).encode()


def format_unsigned_headers(environment: Mapping[str, str]) -> str:
    """Return the lines of the headers that say who is asking, and in which trace.

    Lambda gives each invocation its trace in the environment. A service that is called
    hands it on, so that X-Ray sees one trace, and Lambda a loop.
    """
    lines = f"accept-encoding: identity\r\nuser-agent: {_user_agent(environment)}\r\n"
    trace = environment.get("_X_AMZN_TRACE_ID")
    if trace and environment.get("AWS_LAMBDA_FUNCTION_NAME"):
        lines += f"x-amzn-trace-id: {_as_plain(trace)}\r\n"
    return lines


def _user_agent(environment: Mapping[str, str]) -> str:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    agent = f"wspubsub/{wspubsub.__version__} lang/python#{version}"
    runtime = environment.get("AWS_EXECUTION_ENV", "")
    return f"{agent} exec-env/{_as_plain(runtime)}" if runtime else agent


def _as_plain(text: str) -> str:
    return text if _is_plain(text, _TRACE_MARKS) else _quote(text, _TRACE_MARKS)


def _is_plain(text: str, marks: bytes) -> bool:
    """Return whether a text has only letters and digits of ASCII, and these marks."""
    # With a regular expression, a cold start would have to compile it.
    if not text.isascii():
        return False
    others = text.encode().translate(None, marks)
    return not others or others.isalnum()


def _quote(text: str, safe: bytes) -> str:
    from urllib.parse import quote  # what Lambda sets and API Gateway gives is plain

    return quote(text, safe=safe)
