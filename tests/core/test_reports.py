"""What a publish says became of it."""

import pytest

from wspubsub import ManagementError, PublishError, PublishReport


def test_a_report_that_says_nothing_is_of_nobody_and_complete() -> None:
    report = PublishReport()

    assert report.delivered == 0
    assert report.position is None
    assert (report.unread, report.repeated, report.queued) == (False, False, False)
    assert report.is_complete
    assert report.left_over == frozenset()


@pytest.mark.parametrize(
    "report",
    [
        PublishReport(throttled=frozenset({"a="})),
        PublishReport(failed={"a=": "why"}),
        PublishReport(deferred=frozenset({"a="})),
        PublishReport(unread=True),
    ],
    ids=repr,
)
def test_whoever_was_left_out_makes_it_incomplete(report: PublishReport) -> None:
    assert not report.is_complete


@pytest.mark.parametrize(
    "report",
    [
        PublishReport(delivered=1, gone=frozenset({"a="})),
        PublishReport(not_ready=frozenset({"a="})),
        PublishReport(queued=True),
        PublishReport(repeated=True),
    ],
    ids=repr,
)
def test_nothing_else_does(report: PublishReport) -> None:
    assert report.is_complete


def test_who_may_still_be_there_is_left_over() -> None:
    report = PublishReport(
        gone=frozenset({"gone="}),
        not_ready=frozenset({"young="}),
        throttled=frozenset({"slow="}),
        failed={"broken=": "why"},
        deferred=frozenset({"late="}),
    )

    assert report.left_over == {"young=", "slow=", "broken=", "late="}


def test_an_error_says_how_far_the_publish_came() -> None:
    report = PublishReport(delivered=3)

    error = PublishError(ManagementError("refused"), report)

    assert str(error) == "publish stopped after 3 deliveries: refused"
    assert error.report is report


def test_reports_about_different_subscribers_add_up() -> None:
    one = PublishReport(
        delivered=1,
        gone=frozenset({"g="}),
        throttled=frozenset({"t="}),
        failed={"f=": "why"},
        reason="429",
    )
    other = PublishReport(
        delivered=2,
        not_ready=frozenset({"n="}),
        throttled=frozenset({"u="}),
        failed={"e=": "how"},
        deferred=frozenset({"d="}),
        unread=True,
        reason="time",
    )

    assert one.add(other) == PublishReport(
        delivered=3,
        gone=frozenset({"g="}),
        not_ready=frozenset({"n="}),
        throttled=frozenset({"t=", "u="}),
        failed={"f=": "why", "e=": "how"},
        deferred=frozenset({"d="}),
        unread=True,
        reason="429",
    )
    assert other.add(one).reason == "time"
    assert PublishReport().add(one).unread is False
