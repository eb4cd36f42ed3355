"""The embedded DynamoDB, in a process of its own: moto's server with one table.

    python -m wspubsub.local.dynamodb_process TABLE

It prints the port it listens on when the table is there, and ends when its standard
input does.
"""

import logging
import sys
import threading

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from moto.server import ThreadedMotoServer

from wspubsub.dynamodb import create_table
from wspubsub.errors import WspubsubError
from wspubsub.local.bootstrap import end_with_parent


def main(table: str) -> None:
    """Serve until the process is ended from outside."""
    end_with_parent()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    client = boto3.client("dynamodb", endpoint_url=f"http://127.0.0.1:{port}")
    try:
        create_table(table, client=client)
    except (WspubsubError, BotoCoreError, ClientError) as error:
        sys.exit(str(error))
    print(port, flush=True)  # noqa: T201 - what the gateway waits for
    threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1])
