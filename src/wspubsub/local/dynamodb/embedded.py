"""Where the table is: in the embedded DynamoDB, or in one that the user names.

The embedded one has DynamoDB's streams and SQS too.
"""

import asyncio
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from wspubsub.errors import UsageError, WspubsubError
from wspubsub.local.dynamodb.control import Message
from wspubsub.local.processes import ChildProcess, describe_exit
from wspubsub.local.tasks import first_of

START_SECONDS = 30.0


class EmbeddedDynamoDB:
    """moto's server in a process of its own.

    Args:
        process: That process.
        url: Where it listens.
    """

    def __init__(self, process: ChildProcess, url: str) -> None:
        self._process = process
        self.url = url

    @classmethod
    async def start(
        cls,
        table: str | None,
        environ: Mapping[str, str],
        *,
        has_stream: bool = False,
        on_message: Callable[[Message], object] = len,
    ) -> "EmbeddedDynamoDB":
        """Start it and return when its table is ready.

        Args:
            table: Name of the table; None makes none.
            environ: Environment of the process.
            has_stream: Whether the table has a stream.
            on_message: Called with each message of the process, see `control`.

        Raises:
            WspubsubError: It does not start.
        """
        port: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        complaint = ["it printed nothing"]

        def read_line(stream: str, line: str) -> None:
            if stream == "stdout" and port.done():
                on_message(json.loads(line))
            elif stream == "stdout" and line.isdigit():
                port.set_result(line)
            else:
                complaint[0] = line or complaint[0]

        command = [sys.executable, "-P", "-m", "wspubsub.local.dynamodb.process"]
        if table is not None:
            command += [table, "--stream"] if has_stream else [table]
        process = await ChildProcess.start(
            command,
            env=environ,
            cwd=Path.cwd(),
            on_output=read_line,
        )
        try:
            await first_of(port, process.exited, timeout_seconds=START_SECONDS)
        finally:
            if not port.done():
                await process.kill()
        if not port.done():
            raise WspubsubError(f"the embedded DynamoDB did not start: {complaint[0]}")
        return cls(process, f"http://127.0.0.1:{port.result()}")

    def send(self, message: Message) -> None:
        """Send a message to the process, see `control`."""
        self._process.write(json.dumps(message))

    async def wait_for_end(self) -> str:
        """Wait until it ends by itself and return how."""
        return describe_exit(await asyncio.shield(self._process.exited))

    async def stop(self) -> None:
        """End it; the contents of the table are lost."""
        await self._process.stop()


def check_table(table: str, *, url: str, region: str) -> None:
    """Check that a table exists.

    Raises:
        UsageError: It is not, or it cannot be asked; the text says what to do.
    """
    # Not at the top: with the embedded one, this process needs no AWS SDK.
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    once = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 1})
    try:
        boto3.Session(region_name=region).client(
            "dynamodb", endpoint_url=url, config=once
        ).describe_table(TableName=table)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise UsageError(
                f"{url} cannot describe table {table!r}: {error}"
            ) from None
        raise UsageError(
            f"table {table!r} does not exist at {url}; create it with: wspubsub "
            f"create-table {table} --endpoint {url} --region {region}"
        ) from None
    except (BotoCoreError, ValueError) as error:
        raise UsageError(
            f"cannot reach DynamoDB at {url} to look for table {table!r}: {error}"
        ) from None
