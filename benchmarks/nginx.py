"""nginx as the sink: whatever posts to it, it is not what limits."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.errors import BenchmarkError, MissingError
from benchmarks.machine import on_cores, server_cores
from benchmarks.sink import Arrived

_PATIENCE_SECONDS = 10.0
_POLL_SECONDS = 0.01

_CONFIGURATION = """
daemon off;
worker_processes 1;
pid {folder}/pid;
events {{ worker_connections 4096; }}
http {{
  log_format target $request_uri;
  access_log {folder}/targets target;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  server {{
    listen 127.0.0.1:{plain_port} backlog=1024;
    listen 127.0.0.1:{tls_port} ssl backlog=1024;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    ssl_protocols TLSv1.2 TLSv1.3;
    location / {{
      default_type application/x-amz-json-1.0;
      add_header x-amzn-RequestId $request_id;
      return 200 '{{"Items":[]}}';
    }}
    location ~ connections/ {{
      default_type application/json;
      add_header x-amzn-RequestId $request_id;
      add_header x-amz-apigw-id WDGT-HXEjoEFjYQ=;
      add_header X-Amzn-Trace-Id Root=1-5fb13a2b-4f1c1d0a5d8a5a1b2c3d4e5f;
      return 200 '';
    }}
  }}
}}
"""


class NginxSink:
    """nginx, which writes down what it was asked for.

    Args:
        folder: Where it writes.
        plain_port: Where it speaks HTTP.
        tls_port: Where it speaks HTTPS.
    """

    name = "nginx"

    def __init__(self, folder: Path, plain_port: int, tls_port: int) -> None:
        self.plain_port = plain_port
        self.tls_port = tls_port
        self._targets = folder / "targets"
        self._read_bytes = 0

    @classmethod
    @contextmanager
    def start(cls, certificate: Path, key: Path) -> Iterator["NginxSink"]:
        """Start it and end it afterwards.

        Raises:
            MissingError: It is not installed.
            BenchmarkError: It does not start.
        """
        with tempfile.TemporaryDirectory(prefix="wspubsub-nginx-") as name:
            folder, (plain_port, tls_port) = Path(name), _free_ports(2)
            configuration = _CONFIGURATION.format(
                folder=folder,
                plain_port=plain_port,
                tls_port=tls_port,
                certificate=certificate,
                key=key,
            )
            with _running(folder, configuration) as process:
                _wait_for(process, tls_port)
                yield cls(folder, plain_port, tls_port)

    def arrived(self, expected: int) -> Arrived:
        """See `Sink.arrived`. What a client has an answer to may not be written yet."""
        give_up_at = time.monotonic() + _PATIENCE_SECONDS
        targets = self._new_targets()
        while len(targets) < expected and time.monotonic() < give_up_at:
            time.sleep(_POLL_SECONDS)
            targets += self._new_targets()
        return Arrived(len(targets), len({each for each in targets if b"c" in each}))

    def _new_targets(self) -> list[bytes]:
        with self._targets.open("rb") as file:
            file.seek(self._read_bytes)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._read_bytes += len(whole)
        return whole.splitlines()


def find_nginx() -> str | None:
    """Return where nginx is, None if it is not installed."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


@contextmanager
def _running(folder: Path, configuration: str) -> Iterator["subprocess.Popen[bytes]"]:
    program = find_nginx()
    if program is None:
        raise MissingError("nginx is not installed")
    (folder / "nginx.conf").write_text(configuration)
    command = [program, "-p", str(folder), "-e", str(folder / "errors")]
    with on_cores(server_cores()):
        process = subprocess.Popen([*command, "-c", str(folder / "nginx.conf")])
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _wait_for(process: "subprocess.Popen[bytes]", port: int) -> None:
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < give_up_at:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(_POLL_SECONDS)
        else:
            return
    raise BenchmarkError("nginx does not start")


def _free_ports(count: int) -> list[int]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports
