"""Where subscriptions are stored: dynalite if there is Node, else moto's server."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import boto3

from benchmarks.errors import MissingError
from benchmarks.machine import server_cores
from benchmarks.node import node_modules
from benchmarks.options import Options
from benchmarks.processes import CREDENTIALS, child
from wspubsub.dynamodb import create_table


class Database(NamedTuple):
    """A DynamoDB endpoint.

    Attributes:
        name: What it is.
        url: Where it is.
        is_metering: True if it tells the capacity that a request consumed.
    """

    name: str
    url: str
    is_metering: bool

    def client(self) -> Any:  # noqa: ANN401 - boto3 ships no types
        """Return a boto3 client of it."""
        return boto3.client(
            "dynamodb",
            endpoint_url=self.url,
            region_name=CREDENTIALS["AWS_REGION"],
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )

    def create_table(self, table: str) -> None:
        """Make a table for subscriptions."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # dynalite knows no time to live
            create_table(table, client=self.client())


@contextmanager
def open_database(options: Options) -> Iterator[Database]:
    """Start a DynamoDB on the cores that clients are not on."""
    try:
        folder = node_modules("dynalite", options)
    except MissingError:
        name, command = "moto", [sys.executable, "-m", "benchmarks.moto_server"]
    else:
        script = str(Path(__file__).parent / "dynalite_server.cjs")
        name, command = "dynalite", ["node", script, str(folder)]
    with child(command, {}, server_cores()) as process:
        # moto answers with capacity too, but always with the same.
        yield Database(name, process.hello["url"], is_metering=name == "dynalite")
