"""Where all peers post to: nginx if it is installed, else the built-in sink."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.builtin_sink import BuiltInSink
from benchmarks.nginx import NginxSink, find_nginx
from benchmarks.sink import Sink
from wspubsub.local.apigateway.certificate import Certificate

SINKS = ("auto", "nginx", "built-in")


class Place(NamedTuple):
    """A sink, and what a client needs to trust it.

    Attributes:
        sink: The sink.
        trust: Environment variables with which AWS SDKs trust its certificate, and
            no other. All load a single one then; against AWS, boto3 loads about 130,
            and the library looks for Amazon's five among as many.
    """

    sink: Sink
    trust: dict[str, str]

    @property
    def plain(self) -> str:
        """Its Management API endpoint without TLS."""
        return f"http://127.0.0.1:{self.sink.plain_port}/prod"

    @property
    def tls(self) -> str:
        """Its Management API endpoint with TLS."""
        return f"https://127.0.0.1:{self.sink.tls_port}/prod"

    @property
    def dynamodb(self) -> str:
        """Its endpoint that answers every call of DynamoDB with no items."""
        return f"https://127.0.0.1:{self.sink.tls_port}"


@contextmanager
def open_sink(kind: str = "auto") -> Iterator[Place]:
    """Start a sink on the cores that clients are not on."""
    with tempfile.TemporaryDirectory(prefix="wspubsub-sink-") as name:
        certificate = Certificate.make(Path(name), ["127.0.0.1", "localhost"])
        trust = {
            "AWS_CA_BUNDLE": str(certificate.path),
            "NODE_EXTRA_CA_CERTS": str(certificate.path),
        }
        is_nginx = kind == "nginx" or (kind == "auto" and find_nginx() is not None)
        start = NginxSink.start if is_nginx else BuiltInSink.start
        with start(certificate.path, certificate.key_path) as sink:
            yield Place(sink, trust)
