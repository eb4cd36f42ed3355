"""The clock of this machine, against that of whoever answers for AWS."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import boto3
import pytest

from wspubsub.deployment.description.unknown import UNKNOWN
from wspubsub.deployment.live import Account
from wspubsub.deployment.live.rules import check_clock
from wspubsub.deployment.live.vitals import Vitals
from wspubsub.errors import UsageError

WHO = """<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<GetCallerIdentityResult><Arn>arn:aws-cn:iam::123456789012:user/x</Arn>
<Account>123456789012</Account></GetCallerIdentityResult>
</GetCallerIdentityResponse>"""
REFUSED = """<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>
<Type>Sender</Type><Code>SignatureDoesNotMatch</Code>
<Message>Signature expired</Message>
</Error></ErrorResponse>"""


@contextmanager
def serve(
    status: int, body: str, date: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Account]:
    """An account whose STS answers like that."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response_only(status)
            self.send_header("Date", date)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        session = boto3.Session("testing", "testing", region_name="eu-west-1")
        yield Account(session=session)
        server.shutdown()


def write_date(*, seconds: float) -> str:
    """Return a time from now as HTTP has it."""
    then = datetime.now(UTC) + timedelta(seconds=seconds)
    return format_datetime(then, usegmt=True)


def test_the_date_of_an_answer_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(200, WHO, write_date(seconds=-3600), monkeypatch) as account:
        account.read_identity()

    assert account.clock_skew_seconds is not UNKNOWN
    assert 3590 < account.clock_skew_seconds < 3700
    assert (account.number, account.partition) == ("123456789012", "aws-cn")


@pytest.mark.parametrize("date", ["yesterday", ""])
def test_a_date_that_is_not_one_says_nothing(
    date: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(200, WHO, date, monkeypatch) as account:
        account.read_identity()

    assert account.clock_skew_seconds is UNKNOWN


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "expired$"), (600, "expired; this machine's clock is .* s off, so set it")],
)
def test_who_is_refused_learns_that_the_clock_is_wrong(
    seconds: float, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        serve(403, REFUSED, write_date(seconds=seconds), monkeypatch) as account,
        pytest.raises(UsageError, match=expected),
    ):
        account.read_identity()


@pytest.mark.parametrize(
    ("skew", "expected"),
    [
        (0.0, []),
        (-60.0, []),
        (61.0, ["this machine: its clock is 61 s ahead of that of AWS"]),
        (-61.0, ["this machine: its clock is 61 s behind that of AWS"]),
        (UNKNOWN, []),
    ],
)
def test_a_clock_may_be_a_minute_off(skew: float, expected: list[str]) -> None:
    found = check_clock(Vitals(region="eu-west-1", clock_skew_seconds=skew))

    lines = [str(each) for each in found]
    assert len(lines) == len(expected)
    assert all(map(str.startswith, lines, expected))
