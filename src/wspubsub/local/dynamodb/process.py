"""The embedded DynamoDB and SQS, in a process of its own: moto's server.

    python -m wspubsub.local.dynamodb.process [TABLE [--stream]]

It prints the port it listens on, at once, and says that it is ready when the table is
there. Whoever connects in between waits. It ends when its standard input does.
"""

import socket
import sys

from wspubsub.local.dynamodb.control import Control
from wspubsub.local.functions.bootstrap import end_with_parent

_BACKLOG = 128


def main(arguments: list[str]) -> None:
    """Serve until the process is ended from outside."""
    control = Control()
    end_with_parent(control.feed)
    listening = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
    # What the gateway waits for.
    sys.stdout.write(f"{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    # moto takes longer to be imported than all the rest takes to start.
    from wspubsub.local.dynamodb.server import serve

    serve(listening, control, arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
