import io
import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest

import wspubsub
from wspubsub.gateway import (
    Close,
    DataFrame,
    Function,
    InvocationResult,
    Invoke,
    ManagementResponse,
    Raised,
    Refuse,
    Returned,
    SendText,
)
from wspubsub.local.functions.environment import OutputLine
from wspubsub.local.functions.waiting import InvocationOutcome
from wspubsub.local.journal import BatchLine, Journal
from wspubsub.local.requests import HttpRequest

ID = "BFaT_fALIAMCKug="
SHORT = "BFaT… "


def invoke(function: Function = Function.HANDLER) -> Invoke:
    return Invoke(
        invocation_id="8c1e",
        function=function,
        event={"requestContext": {"routeKey": "chat", "requestId": "BFaV="}},
        connection_id=ID,
    )


def outcome(result: InvocationResult) -> InvocationOutcome:
    return InvocationOutcome(result=result, seconds=0.0123)


def post(connection_id: str, body: bytes = b"hey") -> HttpRequest:
    return HttpRequest(
        method="POST",
        path=f"/dev/@connections/{connection_id}",
        query="",
        headers=(),
        body=body,
        version="1.1",
    )


def write(journal: Journal) -> None:
    journal.log_ready({"Serving": "it serves", "Management URL": "http://x"})
    journal.log_opened(ID)
    journal.log_refused(
        Refuse(connection_id=ID, status=403, body="", detail="the handler said so")
    )
    results: list[InvocationResult] = [
        Returned({"statusCode": 200}),
        Raised("MyError", "no"),
    ]
    for result in results:
        journal.log_invoked(invoke(), outcome(result), function="talk-handler")
    journal.log_invoked(
        invoke(Function.AUTHORIZER),
        outcome(Returned({"policy": 1})),
        function="authorizer",
    )
    journal.log_withdrawn(invoke(), function="talk-handler")
    journal.log_sent(SendText(ID, '{"message": "Forbidden"}', "no route matches"))
    forbidden = ManagementResponse(status=403, detail="no such stage")
    journal.log_managed(post("x"), forbidden)
    journal.log_managed(post("y"), ManagementResponse(status=200))
    journal.log_rejected("127.0.0.1:5", 400, "that is not HTTP")
    journal.log_rejected("127.0.0.1:6", 0, "nothing can be answered")
    journal.log_output(
        OutputLine(environment="handler-1", stream="stdout", text="hello")
    )
    journal.note("app.py has changed")
    journal.warn("mend it")
    journal.log_closed(Close(ID, 1001, "Going away"), by="gateway")


def test_people_get_a_line_an_event() -> None:
    stream = io.StringIO()

    write(Journal(stream))

    head, _, *lines = stream.getvalue().splitlines()
    assert head == "it serves"
    assert [line[13:].strip() for line in lines] == [
        f"{SHORT} opened {ID}",
        f"{SHORT} refused with 403 (the handler said so)",
        f"{SHORT} chat                 200 in 12.3 ms, request 8c1e",
        f"{SHORT} chat                 MyError in 12.3 ms, request 8c1e: no",
        f"{SHORT} chat authorizer      returned in 12.3 ms, request 8c1e",
        f"{SHORT} chat                 withdrawn before it began: nobody waits for it",
        f'{SHORT} sent {{"message": "Forbidden"}} (no route matches)',
        "POST /dev/@connections/x answered 403 (no such stage)",
        "posted to 1",
        "refused 127.0.0.1:5 with 400 (that is not HTTP)",
        "refused 127.0.0.1:6 (nothing can be answered)",
        "│ hello",
        "app.py has changed",
        "mend it",
        f"{SHORT} closed by the gateway: 1001 Going away",
    ]


def test_machines_get_an_object_an_event() -> None:
    stream = io.StringIO()

    write(Journal(stream, as_json=True, now=lambda: 1_731_324_924.553))

    records = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert {record["time"] for record in records} == {"2024-11-11T11:35:24.553Z"}
    assert [record["kind"] for record in records] == [
        "ready",
        "opened",
        "refused",
        "invoked",
        "invoked",
        "invoked",
        "withdrawn",
        "sent",
        "managed",
        "managed",
        "rejected",
        "rejected",
        "output",
        "note",
        "warning",
        "closed",
    ]
    assert records[0]["management_url"] == "http://x"
    assert records[4] == {
        "time": "2024-11-11T11:35:24.553Z",
        "kind": "invoked",
        "connection_id": ID,
        "function": "talk-handler",
        "route_key": "chat",
        "request_id": "BFaV=",
        "invocation_id": "8c1e",
        "duration_ms": 12.3,
        "outcome": "MyError",
        "error": "no",
    }


def test_the_route_key_is_that_of_the_router_where_it_is_known() -> None:
    plain, as_json = io.StringIO(), io.StringIO()
    done = outcome(Returned({"statusCode": 200}))

    for journal in (Journal(plain), Journal(as_json, as_json=True)):
        journal.log_invoked(invoke(), done, function="handler", own_route_key="say")
        journal.log_withdrawn(invoke(), function="handler", own_route_key="say")

    assert [line[20:].split()[0] for line in plain.getvalue().splitlines()] == [
        "say",
        "say",
    ]
    for record in map(json.loads, as_json.getvalue().splitlines()):
        assert (record["route_key"], record["own_route_key"]) == ("chat", "say")


def batch_line(*, failed: int, retries: int = 0, error: str = "") -> BatchLine:
    return BatchLine(
        source="aws:sqs",
        records=2,
        failed=failed,
        retries=retries,
        invocation_id="8c1e",
        seconds=0.0123,
        outcome="MyError" if error else "succeeded",
        error=error,
    )


def test_a_batch_is_a_line_with_its_source() -> None:
    plain, as_json = io.StringIO(), io.StringIO()
    lines = [
        batch_line(failed=0),
        batch_line(failed=1, retries=3),
        batch_line(failed=2, error="no\x1b"),
    ]

    for line in lines:
        Journal(plain).log_batch(line, outcome(Returned(None)))
    Journal(as_json, as_json=True, now=lambda: 1_731_324_924.553).log_batch(
        lines[2], outcome(Returned(None))
    )

    assert [line[13:] for line in plain.getvalue().splitlines()] == [
        "queue  2 records            succeeded in 12.3 ms, request 8c1e",
        "queue  2 records, 1 failed, retry 3 succeeded in 12.3 ms, request 8c1e",
        "queue  2 records, 2 failed  MyError in 12.3 ms, request 8c1e: no\\x1b",
    ]
    assert json.loads(as_json.getvalue()) == {
        "time": "2024-11-11T11:35:24.553Z",
        "kind": "batch",
        "function": "handler",
        "source": "aws:sqs",
        "records": 2,
        "failed": 2,
        "retries": 0,
        "invocation_id": "8c1e",
        "duration_ms": 12.3,
        "outcome": "MyError",
        "error": "no\x1b",
    }


def test_colors_are_for_terminals() -> None:
    plain, colored = io.StringIO(), io.StringIO()

    write(Journal(plain, now=lambda: 0.0))
    write(Journal(colored, is_colored=True, now=lambda: 0.0))

    assert "\x1b[32m200\x1b[0m" in colored.getvalue()
    assert "\x1b" not in plain.getvalue()


@pytest.mark.parametrize("as_json", [False, True])
def test_what_a_client_sends_cannot_control_the_terminal(*, as_json: bool) -> None:
    stream = io.StringIO()
    journal = Journal(stream, as_json=as_json)

    journal.log_closed(Close(ID, 4000, "\x1b]0;owned\x07\r\n12:00 forged"), by="client")
    journal.log_sent(SendText(ID, "\x9b2J" + "x" * 1000))

    text = stream.getvalue()
    assert len(text.splitlines()) == 2
    assert not set(text) & {"\x1b", "\x07", "\r", "\x9b"}


def exchange(journal: Journal) -> None:
    journal.log_received(ID, DataFrame(b'{"action": "hi"}'))
    journal.log_received(ID, DataFrame(b"\x01\x02", is_text=False))
    journal.log_received(ID, DataFrame("é\x1b".encode() + b"x" * 1000))
    journal.log_managed(
        post("BFaT_fALIAMCKug%3D", b"y" * 1000), ManagementResponse(status=200)
    )


def answer(journal: Journal, *statuses: int, cause: int = 0) -> None:
    for status in statuses:
        journal.log_managed(post("x"), ManagementResponse(status=status), cause=cause)


def test_the_posts_of_an_invocation_are_one_line() -> None:
    plain, as_json = io.StringIO(), io.StringIO()
    done = outcome(Returned({"statusCode": 200}))

    for journal in (Journal(plain), Journal(as_json, as_json=True)):
        journal.open_posts(7)
        journal.open_posts(8)
        answer(journal, 200, 200, 410, 200, 429, cause=7)
        answer(journal, 410, cause=8)
        journal.log_invoked(invoke(), done, function="handler", number=7)
        journal.log_batch(batch_line(failed=0), done, number=8)

    assert [line[13:] for line in plain.getvalue().splitlines()][1::2] == [
        f"{SHORT}                      posted to 3, 1 gone, 1 throttled",
        f"{'queue':<6} {'':<20} 1 gone",
    ]
    *posts, invoked, batch = map(json.loads, as_json.getvalue().splitlines())
    assert [each["kind"] for each in posts] == ["managed"] * 6
    assert invoked["posts"] == {"posted": 3, "gone": 1, "throttled": 1}
    assert batch["posts"] == {"gone": 1}


def test_posts_from_outside_are_summed_for_a_moment() -> None:
    stream, moments = io.StringIO(), list[Callable[[], None]]()
    journal = Journal(stream, later=moments.append)
    journal.open_posts(0)  # nothing is recorded

    answer(journal, 200, 200)
    answer(journal, 200, cause=7)  # of an invocation that has ended
    (log,) = moments
    log()
    answer(journal, 410)
    _, log = moments
    log()

    assert [line[13:].strip() for line in stream.getvalue().splitlines()] == [
        "posted to 3",
        "1 gone",
    ]


TRACEBACK = f"""\
[ERROR] ValueError: no
Traceback (most recent call last):
  File "{wspubsub.__path__[0]}/router.py", line 84, in __call__
    return route.within(self._layer)(event_of_route).as_dict()
           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/var/python/site-packages/wspubsub/pipeline.py", line 9, in run
    run()
  [Previous line repeated 3 more times]
  File "/home/me/wspubsub/app.py", line 3, in say
    raise ValueError("no")
  File "{wspubsub.__path__[0]}/outgoing.py", line 8, in check
ValueError: no
"""


def fail(journal: Journal, *, output: str = TRACEBACK, place: str = "app.py") -> None:
    for text in output.splitlines():
        journal.log_output(
            OutputLine(
                environment="handler-1",
                stream="stderr",
                text=text,
                invocation_id="8c1e",
            )
        )
    result = Raised("ValueError", "no", (place,))
    failed = InvocationOutcome(result=result, seconds=0.002, environment="handler-1")
    journal.log_invoked(invoke(), failed, function="handler")


def test_the_frames_of_the_library_are_folded() -> None:
    stream = io.StringIO()

    fail(Journal(stream))

    *lines, invoked = stream.getvalue().splitlines()
    assert [line.partition("│ ")[2] for line in lines] == [
        "Traceback (most recent call last):",
        "  … 2 frames of wspubsub",
        '  File "/home/me/wspubsub/app.py", line 3, in say',
        '    raise ValueError("no")',
        "  … 1 frame of wspubsub",
        "ValueError: no",
    ]
    assert invoked.endswith("ValueError in 2.0 ms, request 8c1e")


def test_an_error_is_shown_once_and_then_counted() -> None:
    stream = io.StringIO()
    journal = Journal(stream)
    fail(journal)
    stream.seek(0)
    stream.truncate()

    fail(journal)
    fail(journal)
    fail(journal, output="", place="elsewhere.py")
    journal.forget_errors()
    fail(journal, output="[ERROR] ValueError: no")

    assert [line[41:] for line in stream.getvalue().splitlines()] == [
        "ValueError again (2 times) in 2.0 ms, request 8c1e",
        "ValueError again (3 times) in 2.0 ms, request 8c1e",
        "ValueError in 2.0 ms, request 8c1e: no",
        "ValueError in 2.0 ms, request 8c1e: no",
    ]


def test_the_error_that_a_client_gets_is_explained_once() -> None:
    stream = io.StringIO()
    journal = Journal(stream)
    fail(journal)

    for detail in ("ValueError: no", "no such route", "no such route"):
        journal.log_sent(SendText(ID, "{}", detail))

    assert [line[20:] for line in stream.getvalue().splitlines()[-3:]] == [
        "sent {}",
        "sent {} (no such route)",
        "sent {}",
    ]


def test_machines_get_each_error_with_all_frames() -> None:
    stream = io.StringIO()
    journal = Journal(stream, as_json=True)

    fail(journal)
    fail(journal)

    records = [json.loads(line) for line in stream.getvalue().splitlines()]
    written = [each["line"] for each in records if each["kind"] == "output"]
    assert written == TRACEBACK.splitlines() * 2
    assert [each["error"] for each in records if each["kind"] == "invoked"] == [
        "no",
        "no",
    ]


def test_what_looks_like_an_error_is_shown_with_all_that_follows() -> None:
    stream = io.StringIO()
    journal = Journal(stream)
    done = replace(outcome(Returned(None)), environment="handler-1")

    def say(text: str, stream: str = "stderr") -> None:
        line = OutputLine(
            environment="handler-1", stream=stream, text=text, invocation_id="8c1e"
        )
        journal.log_output(line)

    for text in ("[ERROR] mine", *map(str, range(1500))):
        say(text)
    say("[ERROR] second")
    say("behind", "stderr")
    say("beside", "stdout")
    journal.log_invoked(invoke(), done, function="handler")

    said = [line.partition("│ ")[2] for line in stream.getvalue().splitlines()[:-1]]
    numbers = list(map(str, range(1500)))
    assert said == ["[ERROR] mine", *numbers, "beside", "[ERROR] second", "behind"]


def test_what_is_refused_again_is_counted() -> None:
    stream = io.StringIO()
    journal = Journal(stream)

    for port in (5, 6):
        journal.log_rejected(f"127.0.0.1:{port}", 400, "that is not HTTP")
        answer(journal, 403)
    for port in range(1500):
        journal.log_rejected("127.0.0.1:7", 400, f"no host {port}")
    journal.log_rejected("127.0.0.1:5", 400, "that is not HTTP")

    lines = [line[13:].strip() for line in stream.getvalue().splitlines()]
    assert lines[:4] == [
        "refused 127.0.0.1:5 with 400 (that is not HTTP)",
        "POST /dev/@connections/x answered 403",
        "refused 127.0.0.1:6 with 400 again (2 times)",
        "POST /dev/@connections/x answered 403 again (2 times)",
    ]
    assert lines[-1] == "refused 127.0.0.1:5 with 400 (that is not HTTP)"


def test_messages_are_not_shown_unless_somebody_asks() -> None:
    plain, as_json = io.StringIO(), io.StringIO()

    exchange(Journal(plain))
    exchange(Journal(as_json, as_json=True))

    assert plain.getvalue().split()[1:] == ["posted", "to", "1"]
    (managed,) = map(json.loads, as_json.getvalue().splitlines())
    assert "text" not in managed


def test_shown_messages_are_cut_for_people() -> None:
    stream = io.StringIO()

    exchange(Journal(stream, shows_messages=True))

    assert [line[13:] for line in stream.getvalue().splitlines()] == [
        f'{SHORT} received {{"action": "hi"}}',
        f"{SHORT} received 2 bytes of binary",
        f"{SHORT} received é\\x1b{'x' * 195}…",
        f"{SHORT} posted {'y' * 200}…",
        f"{'':<27} posted to 1",
    ]


def test_shown_messages_are_whole_for_machines() -> None:
    stream = io.StringIO()

    exchange(Journal(stream, as_json=True, shows_messages=True))

    hi, binary, long, posted = map(json.loads, stream.getvalue().splitlines())
    assert (hi["kind"], hi["text"], hi["bytes"]) == ("received", '{"action": "hi"}', 16)
    assert (binary["bytes"], "text" in binary) == (2, False)
    assert len(long["text"]) == 1002
    assert (posted["kind"], posted["text"]) == ("managed", "y" * 1000)


def test_the_line_of_an_event_fits_into_a_terminal() -> None:
    stream = io.StringIO()
    long = replace(invoke(), invocation_id="8c1ea0b2-9d3f-4e6f-8a21-5c1f80aa7d10")

    result = Returned({"statusCode": 200})
    Journal(stream).log_invoked(long, outcome(result), function="handler")

    line = stream.getvalue().rstrip("\n")
    assert line.endswith("request 8c1e…")
    assert len(line) <= 80


def test_lines_are_folded_at_the_width_of_a_terminal() -> None:
    stream = io.StringIO()
    journal = Journal(
        stream, is_colored=True, shows_messages=True, find_columns=lambda: 60
    )

    journal.log_rejected("127.0.0.1:5", 400, "that is not HTTP " * 6)
    journal.log_received(ID, DataFrame(b"x" * 150))
    result = Raised("ValueError", "this is why it cannot be done at all")
    journal.log_invoked(invoke(), outcome(result), function="handler")

    text = re.sub(r"\x1b\[\d+m", "", stream.getvalue())
    lines = text.splitlines()
    assert max(map(len, lines)) <= 60
    joined = " ".join(line[20:] for line in lines)
    assert joined.count("that is not HTTP") == 6
    assert "x" * 150 in joined.replace(" ", "")
    assert joined.endswith("8c1e: this is why it cannot be done at all")


def test_a_reader_that_goes_away_is_noticed_once() -> None:
    class Broken(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    noticed: list[OSError] = []
    journal = Journal(Broken(), on_broken=noticed.append)

    journal.note("one")
    journal.note("two")

    (error,) = noticed
    assert isinstance(error, BrokenPipeError)
