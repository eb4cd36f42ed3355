"""Where the table is: in the embedded DynamoDB, or in one that the user names.

The embedded one has DynamoDB's streams and SQS too.
"""

import asyncio
import json
import sys
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

from wspubsub.errors import UsageError, WspubsubError
from wspubsub.local.dynamodb.control import Message
from wspubsub.local.processes import STOP_SECONDS, ChildProcess, describe_exit
from wspubsub.local.tasks import first_of

START_SECONDS = 30.0
CANNOT_SAVE = "cannot save the tables"
SAVE_SECONDS = 30.0
"""How long saving the tables may take at the end."""


class EmbeddedDynamoDB:
    """moto's server in a process of its own.

    Args:
        process: That process.
        output: What it says.
        saves: Whether it saves its tables when it ends.
    """

    def __init__(
        self, process: ChildProcess, output: "_Output", *, saves: bool
    ) -> None:
        self._process = process
        self._saves = saves
        self._output = output

    @classmethod
    async def start(
        cls,
        table: str | None,
        environ: Mapping[str, str],
        *,
        has_stream: bool = False,
        port: int = 0,
        data: Path | None = None,
        on_message: Callable[[Message], object] = len,
        on_warning: Callable[[str], object] = len,
    ) -> "EmbeddedDynamoDB":
        """Start it; where it listens, and that its table is there, come later.

        Args:
            table: Name of the table; None makes none.
            environ: Environment of the process.
            has_stream: Whether the table has a stream.
            port: Where it listens; 0 takes a free one.
            data: Where the tables are kept; None keeps none.
            on_message: Called with each message of the process, see `control`.
            on_warning: Called with the reason when the tables cannot be saved.

        Raises:
            OSError: The process cannot be started.
        """
        output = _Output(on_message, on_warning)
        options = [
            *([] if table is None else [table]),
            *(["--stream"] if has_stream else []),
            *("--port", str(port)),
            *([] if data is None else ["--data", str(data)]),
        ]
        process = await ChildProcess.start(
            [sys.executable, "-P", "-m", "wspubsub.local.dynamodb.process", *options],
            env=environ,
            cwd=Path.cwd(),
            on_output=output.read_line,
        )
        return cls(process, output, saves=data is not None)

    async def find_url(self) -> str:
        """Return where it listens; whoever connects waits until its table is there.

        Raises:
            WspubsubError: It does not start.
        """
        await self._wait(self._output.port)
        return f"http://127.0.0.1:{self._output.port.result()}"

    async def wait_until_ready(self) -> None:
        """Wait until its table is there.

        Raises:
            WspubsubError: It does not start.
        """
        await self._wait(self._output.ready)

    async def _wait(self, wanted: asyncio.Future[str]) -> None:
        try:
            await first_of(wanted, self._process.exited, timeout_seconds=START_SECONDS)
        finally:
            if not wanted.done():
                await self._process.kill()
        if not wanted.done():
            complaint = self._output.complaint
            raise WspubsubError(f"the embedded DynamoDB did not start: {complaint}")

    def send(self, message: Message) -> None:
        """Send a message to the process, see `control`."""
        self._process.write(json.dumps(message))

    async def advance(self, offset: float) -> int:
        """Let its clock be that many seconds ahead; return how many items expired.

        Raises:
            WspubsubError: It has ended, or does not answer.
        """
        answer = self._output.expect_clock()
        self.send({"clock": offset})
        await first_of(answer, self._process.exited, timeout_seconds=START_SECONDS)
        if not answer.done():
            raise WspubsubError("the embedded DynamoDB does not answer")
        return answer.result()

    async def wait_for_end(self) -> str:
        """Wait until it ends by itself and return how."""
        return describe_exit(await asyncio.shield(self._process.exited))

    async def stop(self) -> None:
        """End it; unless the tables are kept, their contents are lost."""
        await self._process.stop(SAVE_SECONDS if self._saves else STOP_SECONDS)


class _Output:
    """What the process says: its port, then messages; and what is wrong."""

    def __init__(
        self,
        on_message: Callable[[Message], object],
        on_warning: Callable[[str], object],
    ) -> None:
        loop = asyncio.get_running_loop()
        self.port: asyncio.Future[str] = loop.create_future()
        self.ready: asyncio.Future[str] = loop.create_future()
        self.complaint = "it printed nothing"
        self._clocks: deque[asyncio.Future[int]] = deque()
        self._on_message = on_message
        self._on_warning = on_warning

    def expect_clock(self) -> asyncio.Future[int]:
        """Return what will be the number of items that expire with an advance.

        Advances are answered in the order in which they were sent.
        """
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._clocks.append(answer)
        return answer

    def read_line(self, stream: str, line: str) -> None:
        """Take a line of its output."""
        if line.startswith(CANNOT_SAVE):
            self._on_warning(line)
        elif stream != "stdout" or not (self.port.done() or line.isdigit()):
            self.complaint = line or self.complaint
        elif not self.port.done():
            self.port.set_result(line)
        else:
            self._take(json.loads(line))

    def _take(self, message: Message) -> None:
        if "clock" in message:
            self._clocks.popleft().set_result(message["deleted"])
        elif "ready" not in message:
            self._on_message(message)
        elif not self.ready.done():
            self.ready.set_result("")


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
