"""The gateway's log for its user: a readable line, or a JSON object, for each entry."""

import time
from collections.abc import Callable, Mapping
from typing import TextIO

from wspubsub.gateway import (
    Close,
    DataFrame,
    Function,
    Invoke,
    ManagementResponse,
    Refuse,
    SendText,
)
from wspubsub.local.functions.environment import OutputLine
from wspubsub.local.functions.waiting import InvocationOutcome
from wspubsub.local.journal.batch_line import BatchLine
from wspubsub.local.journal.failures import Failures
from wspubsub.local.journal.lines import INDENT, Lines
from wspubsub.local.journal.posts import Posts, describe_posts
from wspubsub.local.journal.results import count_again, describe_result, identify
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
        find_columns: Says how wide a terminal is; lines are not folded without it.
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
        find_columns: Callable[[], int] | None = None,
        now: Callable[[], float] = time.time,
        on_broken: Callable[[OSError], None] = lambda _error: None,
    ) -> None:
        self._lines = Lines(
            stream,
            as_json=as_json,
            is_colored=is_colored,
            find_columns=find_columns,
            now=now,
            on_broken=on_broken,
        )
        self._shows_messages = shows_messages
        self._later = later
        self._posts = Posts()
        self._failures = Failures()

    def log_ready(self, facts: dict[str, str]) -> None:
        """Report that clients can connect.

        Args:
            facts: Texts by what they are; the first is the title of the others.
        """
        (_, title), *others = facts.items()
        width = max(len(name) for name in facts)
        lines = [self._lines.paint(title, GREEN)]
        lines += [f"  {name:<{width}}  {text}" for name, text in others]
        record = {name.lower().replace(" ", "_"): text for name, text in facts.items()}
        self._lines.write("ready", record, "\n".join(lines))

    def log_opened(self, connection_id: str) -> None:
        """Report that a handshake was accepted."""
        # In full, so that it can be copied.
        self._about(connection_id, "opened", {}, f"opened {connection_id}", color=GREEN)

    def log_refused(self, refusal: Refuse) -> None:
        """Report that a handshake was refused."""
        fields = {"status": refusal.status, "detail": refusal.detail}
        text = f"refused with {refusal.status}{because(refusal.detail)}"
        self._about(refusal.connection_id, "refused", fields, text, color=RED)

    def log_rejected(self, client: str, status: int, detail: str) -> None:
        """Report that a connection was refused before it came to a handshake.

        Args:
            client: Its address.
            status: HTTP status of the answer; 0 if no answer was possible.
            detail: The reason, and what to do.
        """
        fields = {"client": client, "status": status, "detail": detail}
        answered = f" with {status}" if status else ""
        times = self._failures.count(("rejected", status, detail))
        text = f"refused {client}{answered}"
        text += count_again(times) or because(detail)
        self._lines.report("rejected", fields, text, color=RED)

    def log_closed(self, close: Close, *, by: str) -> None:
        """Report that a connection has ended; `by` is `client` or `gateway`."""
        fields = {"code": close.code, "reason": close.reason, "by": by}
        if close.detail:
            fields["detail"] = close.detail
        reason = f" {close.reason}" if close.reason else ""
        text = f"closed by the {by}: {close.code}{show(reason)}"
        text += because(close.detail)
        self._about(close.connection_id, "closed", fields, text, color=DIM)

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
        result, error, color = describe_result(outcome.result)
        route_key = own_route_key or invoke.event["requestContext"]["routeKey"]
        milliseconds = round(outcome.seconds * 1000, 1)
        fields = {
            **identify(invoke, function, own_route_key),
            "duration_ms": milliseconds,
            "outcome": result,
            **({"error": error} if error else {}),
            **({"posts": posts} if posts else {}),
        }
        if invoke.function is Function.AUTHORIZER:
            route_key += " authorizer"
        again, error = self._show_failure(outcome, error)
        text = f"{show(route_key):<20} {self._lines.paint(result + again, color)}"
        text += f" in {milliseconds} ms, request {abbreviate(invoke.invocation_id)}"
        if error:
            text += self._lines.paint(f": {show(error)}", color)
        told = self._lines.paint(describe_posts(posts), DIM)
        self._about(invoke.connection_id, "invoked", fields, text, told)

    def log_withdrawn(
        self, invoke: Invoke, *, function: str, own_route_key: str | None = None
    ) -> None:
        """Report an invocation that nobody waits for, and that has not begun."""
        fields = identify(invoke, function, own_route_key)
        route_key = own_route_key or fields["route_key"]
        text = f"{show(str(route_key)):<20} withdrawn before it began: "
        text += "nobody waits for it"
        self._about(invoke.connection_id, "withdrawn", fields, text, color=YELLOW)

    def log_batch(
        self, line: BatchLine, outcome: InvocationOutcome, *, number: int = 0
    ) -> None:
        """Report how an invocation with records of an event source ended.

        Args:
            line: What it means for the records.
            outcome: How it ended.
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
        again, error = self._show_failure(outcome, line.error)
        text = (
            f"{line.subject:<20} {self._lines.paint(line.outcome + again, line.color)}"
        )
        text += f" in {milliseconds} ms, request {abbreviate(line.invocation_id)}"
        if error:
            text += self._lines.paint(f": {show(error)}", line.color)
        told = self._lines.paint(describe_posts(posts), DIM)
        self._lines.report("batch", fields, text, told, subject=line.place)

    def log_sent(self, message: SendText) -> None:
        """Report a message that the gateway itself sent to a client."""
        fields = {"text": message.text, "detail": message.detail}
        color = RED if message.detail else DIM
        is_new = self._failures.count(message.detail) == 1
        text = f"sent {shorten(message.text)}"
        text += because(message.detail) if is_new else ""
        self._about(message.connection_id, "sent", fields, text, color=color)

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
        is_shown = self._shows_messages and request.method == "POST"
        said = request.body.decode(errors="replace") if is_shown else ""
        fields = {
            "method": request.method,
            "path": request.path,
            "status": response.status,
            "bytes": len(request.body),
            **({"text": said} if is_shown else {}),
            **({"detail": response.detail} if response.detail else {}),
        }
        is_summed = request.method == "POST" and self._posts.counts(response.status)
        if is_summed and is_shown:
            text = f"posted {shorten(said)}{because(response.detail)}"
            subject = abbreviate(request.last_segment)
            self._lines.report("managed", fields, text, subject=subject)
        elif not is_summed and response.status >= _ERROR:
            failure = (request.method, response.status, response.detail)
            again = count_again(self._failures.count(failure))
            text = f"{show(request.method)} {shorten(request.path)} answered "
            text += f"{response.status}{again or because(response.detail)}"
            self._lines.report("managed", fields, text, color=YELLOW)
        else:
            self._lines.write("managed", fields, "")
        if is_summed:
            self._count_post(cause, response.status)

    def log_fault(self, text: str) -> None:
        """Report that something has failed on request."""
        shown = f"fault: {show(text)}"
        self._lines.report("fault", {"text": text}, shown, color=YELLOW)

    def log_inspector(self, url: str) -> None:
        """Report the next link to the inspector: the last one has been used."""
        text = f"the inspector was opened; for another page: {url}"
        self._lines.report("inspector", {"url": url}, text)

    def log_output(self, line: OutputLine) -> None:
        """Write a line that a worker wrote."""
        fields = {
            "environment": line.environment,
            "stream": line.stream,
            "line": line.text,
        }
        if self._lines.as_json:
            self._lines.write("output", fields, "")
        else:
            self._log_output(self._failures.take(line))

    def note(self, text: str) -> None:
        """Report something else."""
        self._lines.report("note", {"text": text}, text)

    def warn(self, text: str) -> None:
        """Report something that the developer has to fix."""
        self._lines.report("warning", {"text": text}, text, color=YELLOW)

    def forget_errors(self) -> None:
        """Show again what was shown already: the code has changed."""
        self._failures.forget()

    def _show_failure(self, outcome: InvocationOutcome, error: str) -> tuple[str, str]:
        """Write an error's traceback, the first time.

        Returns:
            What to say of its repetition, and what to say of the error after that.
        """
        times, lines = self._failures.end(outcome)
        self._log_output(lines)
        if times > 1:
            return count_again(times), ""
        return "", "" if times and lines else error

    def _log_output(self, lines: list[str]) -> None:
        bar = self._lines.paint("│", DIM)
        for each in () if self._lines.as_json else lines:
            self._lines.write("output", {}, f"{INDENT}{bar} {each}")

    def _count_post(self, cause: int, status: int) -> None:
        had_others = self._posts.has_others
        self._posts.count(cause, status)
        if self._posts.has_others and not had_others:
            self._later(self._log_other_posts)

    def _log_other_posts(self) -> None:
        posts = self._posts.take(0)
        if posts and not self._lines.as_json:
            self._lines.report("posts", {}, describe_posts(posts), color=DIM)

    def _about(
        self,
        connection_id: str,
        kind: str,
        fields: Mapping[str, object],
        *texts: str,
        color: str = "",
    ) -> None:
        record = {"connection_id": connection_id, **fields}
        subject = abbreviate(connection_id)
        self._lines.report(kind, record, *texts, subject=subject, color=color)
