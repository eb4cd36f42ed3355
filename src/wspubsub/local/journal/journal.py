"""The gateway's log for its user: a readable line, or a JSON object, for each entry."""

import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TextIO

from wspubsub.gateway import (
    Close,
    DataFrame,
    Function,
    InvocationResult,
    Invoke,
    ManagementResponse,
    Raised,
    Refuse,
    SendText,
)
from wspubsub.gateway.times import iso_8601
from wspubsub.local.functions.environment import OutputLine
from wspubsub.local.functions.waiting import InvocationOutcome
from wspubsub.local.journal.batch_line import BatchLine
from wspubsub.local.journal.posts import Posts, describe_posts
from wspubsub.local.journal.texts import (
    DIM,
    GREEN,
    RED,
    YELLOW,
    abbreviate,
    because,
    shorten,
    show,
)
from wspubsub.local.requests import HttpRequest

_INDENT = " " * 30
_ERROR = 400


class Journal:
    """Writes what happens, as it happens.

    Args:
        stream: Where to.
        as_json: Whether each line is a JSON object.
        shows_messages: Whether it has the texts of messages.
        is_colored: Whether text may hold colors.
        later: Calls a function in a moment: until then posts of a program outside are
            summed.
        now: Clock, in seconds since the epoch.
        on_broken: Called once when the stream takes no more, with the reason.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        as_json: bool = False,
        shows_messages: bool = False,
        is_colored: bool = False,
        later: Callable[[Callable[[], None]], object] = lambda log: log(),
        now: Callable[[], float] = time.time,
        on_broken: Callable[[OSError], None] = lambda _error: None,
    ) -> None:
        self._stream = stream
        self._as_json = as_json
        self._shows_messages = shows_messages
        self._is_colored = is_colored
        self._later = later
        self._posts = Posts()
        self._now = now
        self._on_broken = on_broken
        self._is_broken = False

    def log_ready(self, facts: dict[str, str]) -> None:
        """Report that clients can connect.

        Args:
            facts: Texts by what they are; the first is the title of the others.
        """
        (_, title), *others = facts.items()
        width = max(len(name) for name in facts)
        lines = [self._paint(title, GREEN)]
        lines += [f"  {name:<{width}}  {text}" for name, text in others]
        record = {name.lower().replace(" ", "_"): text for name, text in facts.items()}
        self._write("ready", record, "\n".join(lines))

    def log_opened(self, connection_id: str) -> None:
        """Report that a handshake was accepted."""
        self._about(connection_id, "opened", {}, self._paint("opened", GREEN))

    def log_refused(self, refusal: Refuse) -> None:
        """Report that a handshake was refused."""
        fields = {"status": refusal.status, "detail": refusal.detail}
        text = f"refused with {refusal.status}{because(refusal.detail)}"
        self._about(refusal.connection_id, "refused", fields, self._paint(text, RED))

    def log_rejected(self, client: str, status: int, detail: str) -> None:
        """Report that a connection was refused before it came to a handshake.

        Args:
            client: Its address.
            status: HTTP status of the answer; 0 if no answer was possible.
            detail: The reason, and what to do.
        """
        fields = {"client": client, "status": status, "detail": detail}
        answered = f" with {status}" if status else ""
        text = f"refused {client}{answered}{because(detail)}"
        self._write("rejected", fields, self._add_time("", self._paint(text, RED)))

    def log_closed(self, close: Close, *, by: str) -> None:
        """Report that a connection has ended; `by` is `client` or `gateway`."""
        fields = {"code": close.code, "reason": close.reason, "by": by}
        if close.detail:
            fields["detail"] = close.detail
        reason = f" {close.reason}" if close.reason else ""
        text = f"closed by the {by}: {close.code}{show(reason)}"
        text += because(close.detail)
        self._about(close.connection_id, "closed", fields, self._paint(text, DIM))

    def log_invoked(
        self,
        invoke: Invoke,
        outcome: InvocationOutcome,
        *,
        function: str,
        own_route_key: str | None = None,
        number: int = 0,
    ) -> None:
        """Report how an invocation ended, and what it has posted.

        Args:
            invoke: The invocation.
            outcome: How it ended.
            function: Name of the function.
            own_route_key: The route that its router has for it, if that is known.
            number: What `open_posts` was told.
        """
        posts = self._posts.take(number) if number else {}
        result, error, color = _describe_result(outcome.result)
        route_key = own_route_key or invoke.event["requestContext"]["routeKey"]
        milliseconds = round(outcome.seconds * 1000, 1)
        fields = {
            **_identify(invoke, function, own_route_key),
            "duration_ms": milliseconds,
            "outcome": result,
            **({"error": error} if error else {}),
            **({"posts": posts} if posts else {}),
        }
        if invoke.function is Function.AUTHORIZER:
            route_key += " authorizer"
        text = f"{show(route_key):<20} {self._paint(result, color)}"
        text += f" in {milliseconds} ms, request {abbreviate(invoke.invocation_id)}"
        if error:
            text += self._paint(f": {show(error)}", color)
        self._about(invoke.connection_id, "invoked", fields, text)
        self._log_posts(invoke.connection_id, posts)

    def log_withdrawn(
        self, invoke: Invoke, *, function: str, own_route_key: str | None = None
    ) -> None:
        """Report an invocation that nobody waits for, and that has not begun."""
        fields = _identify(invoke, function, own_route_key)
        route_key = own_route_key or fields["route_key"]
        text = f"{show(str(route_key)):<20} withdrawn before it began: "
        text += "nobody waits for it"
        self._about(
            invoke.connection_id, "withdrawn", fields, self._paint(text, YELLOW)
        )

    def log_batch(self, line: BatchLine, *, number: int = 0) -> None:
        """Report how an invocation with records of an event source ended.

        Args:
            line: How it ended.
            number: What `open_posts` was told.
        """
        posts = self._posts.take(number) if number else {}
        milliseconds = round(line.seconds * 1000, 1)
        fields = {
            "function": Function.HANDLER.value,
            "source": line.source,
            "records": line.records,
            "failed": line.failed,
            "retries": line.retries,
            "invocation_id": line.invocation_id,
            "duration_ms": milliseconds,
            "outcome": line.outcome,
            **({"error": line.error} if line.error else {}),
            **({"posts": posts} if posts else {}),
        }
        color = line.color
        text = f"{line.subject:<20} {self._paint(line.outcome, color)}"
        text += f" in {milliseconds} ms, request {abbreviate(line.invocation_id)}"
        if line.error:
            text += self._paint(f": {show(line.error)}", color)
        self._write("batch", fields, self._add_time(line.source, text))
        self._log_posts(line.source, posts)

    def log_sent(self, message: SendText) -> None:
        """Report a message that the gateway itself sent to a client."""
        fields = {"text": message.text, "detail": message.detail}
        color = RED if message.detail else DIM
        text = f"sent {shorten(message.text)}{because(message.detail)}"
        self._about(message.connection_id, "sent", fields, self._paint(text, color))

    def log_received(self, connection_id: str, frame: DataFrame) -> None:
        """Report a frame of a client, if messages are shown."""
        if not self._shows_messages:
            return
        is_binary = frame.is_text is False
        size = len(frame.data)
        said = "" if is_binary else frame.data.decode(errors="replace")
        fields = {"bytes": size, **({} if is_binary else {"text": said})}
        text = f"received {f'{size} bytes of binary' if is_binary else shorten(said)}"
        self._about(connection_id, "received", fields, text)

    def open_posts(self, number: int) -> None:
        """Sum the posts of an invocation until its end is reported.

        Args:
            number: The recorder's; 0 if nothing is recorded.
        """
        self._posts.open(number)

    def log_managed(
        self, request: HttpRequest, response: ManagementResponse, *, cause: int = 0
    ) -> None:
        """Report a request to the Management API.

        In text, posts are summed; what they say is a line if messages are shown.

        Args:
            request: The request.
            response: How it was answered.
            cause: Number of the invocation that it comes from; 0 if that is not known.
        """
        said = request.body.decode(errors="replace")
        is_shown = self._shows_messages and request.method == "POST"
        fields = {
            "method": request.method,
            "path": request.path,
            "status": response.status,
            "bytes": len(request.body),
            **({"text": said} if is_shown else {}),
            **({"detail": response.detail} if response.detail else {}),
        }
        line = ""
        is_summed = request.method == "POST" and self._posts.counts(response.status)
        if is_summed and is_shown:
            text = f"posted {shorten(said)}{because(response.detail)}"
            line = self._add_time(request.last_segment, text)
        elif not is_summed and response.status >= _ERROR:
            text = f"{show(request.method)} {shorten(request.path)} answered "
            text += f"{response.status}{because(response.detail)}"
            line = self._add_time("", self._paint(text, YELLOW))
        self._write("managed", fields, line)
        if is_summed:
            self._count_post(cause, response.status)

    def log_fault(self, text: str) -> None:
        """Report that something has failed on request."""
        line = self._add_time("", self._paint(f"fault: {show(text)}", YELLOW))
        self._write("fault", {"text": text}, line)

    def log_inspector(self, url: str) -> None:
        """Report the next link to the inspector: the last one has been used."""
        text = f"the inspector was opened; for another page: {url}"
        self._write("inspector", {"url": url}, self._add_time("", text))

    def log_output(self, line: OutputLine) -> None:
        """Write a line that a worker wrote."""
        fields = {
            "environment": line.environment,
            "stream": line.stream,
            "line": line.text,
        }
        self._write("output", fields, f"{_INDENT}{self._paint('│', DIM)} {line.text}")

    def note(self, text: str) -> None:
        """Report something else."""
        self._write("note", {"text": text}, self._add_time("", text))

    def warn(self, text: str) -> None:
        """Report something that the developer has to fix."""
        line = self._add_time("", self._paint(text, YELLOW))
        self._write("warning", {"text": text}, line)

    def _count_post(self, cause: int, status: int) -> None:
        had_others = self._posts.has_others
        self._posts.count(cause, status)
        if self._posts.has_others and not had_others:
            self._later(lambda: self._log_posts("", self._posts.take(0)))

    def _log_posts(self, subject: str, posts: Mapping[str, int]) -> None:
        if posts and not self._as_json:
            text = self._paint(describe_posts(posts), DIM)
            self._write("posts", {}, self._add_time(subject, f"{'':<20} {text}"))

    def _about(
        self, connection_id: str, kind: str, fields: Mapping[str, object], text: str
    ) -> None:
        record = {"connection_id": connection_id, **fields}
        self._write(kind, record, self._add_time(connection_id, text))

    def _add_time(self, subject: str, text: str) -> str:
        moment = datetime.fromtimestamp(self._now()).astimezone()
        clock = moment.isoformat(timespec="milliseconds")[11:23]
        return f"{self._paint(clock, DIM)} {subject:<16} {text}"

    def _write(self, kind: str, record: Mapping[str, object], text: str) -> None:
        if self._as_json:
            text = json.dumps({"time": iso_8601(self._now()), "kind": kind, **record})
        if not text or self._is_broken:
            return
        try:
            self._stream.write(text + "\n")
            self._stream.flush()
        except OSError as error:
            self._is_broken = True
            self._on_broken(error)

    def _paint(self, text: str, color: str) -> str:
        return f"\x1b[{color}m{text}\x1b[0m" if self._is_colored else text


def _identify(
    invoke: Invoke, function: str, own_route_key: str | None
) -> dict[str, object]:
    """Return the fields that say which invocation a line is about."""
    request = invoke.event["requestContext"]
    return {
        "function": function,
        "route_key": request["routeKey"],
        **({"own_route_key": own_route_key} if own_route_key else {}),
        "request_id": request["requestId"],
        "invocation_id": invoke.invocation_id,
    }


def _describe_result(result: InvocationResult) -> tuple[str, str, str]:
    if isinstance(result, Raised):
        return result.error_type, result.message, RED
    value = result.value
    status = value.get("statusCode") if isinstance(value, dict) else None
    if status is None:
        return "returned", "", DIM
    return str(status), "", GREEN if status in range(200, 400) else YELLOW
