"""Keeps the embedded DynamoDB's tables in a file, since moto keeps nothing.

The file has JSON lines: a heading with the version, then each table as CreateTable
takes it, followed by its items in DynamoDB's JSON. It is written beside and renamed, so
it is always a whole state. A stream begins again, so what it had not delivered is lost;
queues, backups and tags are not kept, nor are tables of other Regions.
"""

import io
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from wspubsub.errors import UsageError
from wspubsub.faults.occasions import DYNAMODB_TARGET
from wspubsub.local.dynamodb.guard import Application, Environ

if sys.platform != "win32":
    import fcntl

VERSION = 1
FILE, LOCK = "tables.jsonl", "lock"

SAVE_SECONDS = 1.0
"""How long a change may wait until it is saved, where saving is quick."""

SHARE = 20
"""Saving may take one part in 20 of the time."""

_KIND = "tables of wspubsub dev"
_BATCH = 25
_READS = ("Get", "Query", "Scan", "List", "Describe", "BatchGet", "TransactGet")
_KEPT = ("TableName", "AttributeDefinitions", "KeySchema")
_KEPT_OF_INDEXES = ("IndexName", "KeySchema", "Projection")

Call = Callable[[str, Mapping[str, Any]], dict[str, Any]]
"""Calls an operation of DynamoDB with a request, and returns the answer."""


class ChangeWatch:
    """Notices requests that may change a table.

    Args:
        application: A WSGI application that speaks DynamoDB's protocol.

    Attributes:
        changed: Set with each such request.
    """

    def __init__(self, application: Application) -> None:
        self._application = application
        self.changed = threading.Event()

    def __call__(self, environ: Environ, start_response: object) -> Iterable[bytes]:
        """Answer a request."""
        service, _, operation = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")
        answer = self._application(environ, start_response)
        if service.startswith("DynamoDB_") and not operation.startswith(_READS):
            self.changed.set()
        return answer


class SavedTables:
    """The tables in a folder.

    Args:
        folder: Where they are; it is made if it is missing.

    Raises:
        UsageError: Another gateway uses it, or it cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._turn = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = (folder / LOCK).open("w")
        except OSError as error:
            raise UsageError(f"cannot keep tables in {folder}: {error}") from None
        if not _take(self._lock):
            raise UsageError(f"another gateway keeps its tables in {folder}")

    def load(self, call: Call) -> None:
        """Create the tables that were saved, without streams, and put their items.

        Raises:
            UsageError: The file cannot be read, or is of another version.
        """
        try:
            lines = self._path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return
        try:
            records = [json.loads(line) for line in lines]
            if records[0] != {"kind": _KIND, "version": VERSION}:
                raise UsageError(
                    f"{self._path} was written by another version of wspubsub; move it "
                    "away to begin with an empty table"
                )
            _restore(records[1:], call)
        except (ValueError, LookupError, TypeError) as error:
            raise UsageError(
                f"{self._path} cannot be read ({error!r}); move it away to begin with "
                "an empty table"
            ) from error

    def save(self, call: Call) -> None:
        """Write all tables.

        Raises:
            OSError: They cannot be written; those that were saved before are there.
        """
        with self._turn:
            temporary = self._path.with_suffix(".new")
            with temporary.open("w", encoding="utf-8") as file:
                for record in _describe(call):
                    file.write(json.dumps(record, separators=(",", ":")) + "\n")
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
            _sync_folder(self._path.parent)


def keep_saving(save: Callable[[], None], watch: ChangeWatch) -> None:
    """Save after changes, for ever; a failure is said on the standard error stream."""
    while True:
        watch.changed.wait()
        time.sleep(SAVE_SECONDS)
        watch.changed.clear()
        began_at = time.monotonic()
        try:
            save()
        except OSError as error:
            # The gateway looks for these words.
            sys.stderr.write(f"cannot save the tables: {error}\n")
            sys.stderr.flush()
            watch.changed.set()
        time.sleep((time.monotonic() - began_at) * SHARE)


def call_directly(application: Application, region: str) -> Call:
    """Return what calls a WSGI application that speaks DynamoDB's protocol."""

    def call(operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        body = json.dumps(request).encode()
        scope = f"local/20260101/{region}/dynamodb/aws4_request"
        environ: Environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": f"dynamodb.{region}.amazonaws.com",
            "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential={scope}, Signature=0",
            "HTTP_X_AMZ_TARGET": f"{DYNAMODB_TARGET}{operation}",
            "CONTENT_TYPE": "application/x-amz-json-1.0",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.url_scheme": "http",
            "wsgi.multithread": True,
        }
        statuses: list[str] = []
        answer = b"".join(
            application(environ, lambda status, *_: statuses.append(status))
        )
        if not statuses[0].startswith("200"):
            raise ValueError(f"{operation}: {answer.decode()}")
        found: dict[str, Any] = json.loads(answer)
        return found

    return call


def _describe(call: Call) -> Iterator[dict[str, Any]]:
    yield {"kind": _KIND, "version": VERSION}
    for name in _pages(call, "ListTables", {}, "TableNames", "LastEvaluatedTableName"):
        table = call("DescribeTable", {"TableName": name})["Table"]
        ttl = call("DescribeTimeToLive", {"TableName": name})["TimeToLiveDescription"]
        yield {
            "table": _describe_table(table),
            "ttl": ttl.get("AttributeName"),
            "stream": table.get("StreamSpecification"),
        }
        items = _pages(call, "Scan", {"TableName": name}, "Items", "LastEvaluatedKey")
        yield from ({"item": item} for item in items)


def _describe_table(table: Mapping[str, Any]) -> dict[str, Any]:
    request: dict[str, Any] = {name: table[name] for name in _KEPT}
    for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        if indexes := table.get(kind):
            request[kind] = [
                {name: index[name] for name in _KEPT_OF_INDEXES} for index in indexes
            ]
    return {**request, "BillingMode": "PAY_PER_REQUEST"}


def _pages(
    call: Call, operation: str, request: dict[str, Any], found: str, last: str
) -> Iterator[Any]:
    while True:
        answer = call(operation, request)
        yield from answer[found]
        if last not in answer:
            return
        start = last.replace("LastEvaluated", "ExclusiveStart")
        request = {**request, start: answer[last]}


def _restore(records: Iterable[Mapping[str, Any]], call: Call) -> None:
    streams: dict[str, Any] = {}
    name, batch = "", []
    for record in records:
        if "item" in record:
            batch.append({"PutRequest": {"Item": record["item"]}})
        if batch and (len(batch) == _BATCH or "item" not in record):
            call("BatchWriteItem", {"RequestItems": {name: batch}})
            batch = []
        if "table" in record:
            name = record["table"]["TableName"]
            _create(record, call)
            streams[name] = record["stream"]
    if batch:
        call("BatchWriteItem", {"RequestItems": {name: batch}})
    # Last, since streams would bring all these items as new.
    for name, stream in streams.items():
        if stream and stream.get("StreamEnabled"):
            request = {"TableName": name, "StreamSpecification": stream}
            call("UpdateTable", request)


def _create(record: Mapping[str, Any], call: Call) -> None:
    call("CreateTable", record["table"])
    if record["ttl"] is not None:
        ttl = {"Enabled": True, "AttributeName": record["ttl"]}
        name = record["table"]["TableName"]
        request = {"TableName": name, "TimeToLiveSpecification": ttl}
        call("UpdateTimeToLive", request)


def _take(file: IO[str]) -> bool:
    if sys.platform == "win32":  # pragma: no cover - it has other locks
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # pragma: no cover - it has no such thing
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
