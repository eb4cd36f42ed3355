"""The embedded DynamoDB and SQS, in a process of its own: moto's server.

    python -m wspubsub.local.dynamodb.process
        [TABLE [--stream]] [--port N] [--data DIR]

It prints the port it listens on, at once, and says that it is ready when the table is
there. Whoever connects in between waits. It ends when its standard input does.
"""

import argparse
import socket
import sys
from pathlib import Path

from wspubsub.local.dynamodb.control import Control
from wspubsub.local.functions.bootstrap import end_with_parent

_BACKLOG = 128


def main(arguments: list[str]) -> None:
    """Serve until the process is ended from outside."""
    options = _parse(arguments)
    control = Control()
    end_with_parent(control.feed, before=control.end)
    listening = _listen(options.port)
    # What the gateway waits for.
    sys.stdout.write(f"{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    # moto takes longer to be imported than all the rest takes to start.
    from wspubsub.local.dynamodb.server import serve

    serve(
        listening,
        control,
        table=options.table,
        has_stream=options.stream,
        data=options.data,
    )


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("table", nargs="?")
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--data", type=Path)
    return parser.parse_args(arguments)


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port), backlog=_BACKLOG)
    except OSError as error:
        sys.exit(f"cannot listen on port {port}: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
