"""Functions that publish besides the application's own: jobs, APIs, other services.

"Schedule expressions for rules" (Amazon EventBridge) has the grammar; a rule invokes
its function asynchronously.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from wspubsub.deployment.template.intrinsics import Resources, attribute, ref, resource
from wspubsub.errors import UsageError

_RATE = re.compile(
    r"rate\((1 (minute|hour|day)|([2-9]|[1-9][0-9]+) (minutes|hours|days))\)"
)
_CRON = re.compile(r"cron\((\S+ ){5}\S+\)")


@dataclass(frozen=True, slots=True)
class PublisherFunction:
    """A function that publishes to the application's topics.

    Attributes:
        handler: What it runs, such as `cron.handler`.
        schedule: When EventBridge invokes it; None leaves that to you.

    Raises:
        UsageError: EventBridge does not take the schedule.
    """

    handler: str
    schedule: str | None = None

    def __post_init__(self) -> None:
        text = self.schedule
        if text is not None and not (_RATE.fullmatch(text) or _CRON.fullmatch(text)):
            raise UsageError(
                f"{text!r} is not a schedule; use 'rate(1 day)', 'rate(5 minutes)' or "
                "six fields such as 'cron(0 9 ? * MON-FRI *)'"
            )


def name_publishers(
    publishers: tuple[PublisherFunction, ...],
) -> Iterator[tuple[str, PublisherFunction]]:
    """Yield each function with its logical ID: `Publisher`, `Publisher2` and so on."""
    for number, each in enumerate(publishers, start=1):
        yield "Publisher" if number == 1 else f"Publisher{number}", each


def schedules(publishers: tuple[PublisherFunction, ...]) -> Resources:
    """Return the rules that invoke the functions, and the permission to do so."""
    found: Resources = {}
    for name, each in name_publishers(publishers):
        if each.schedule is None:
            continue
        target = {"Id": name, "Arn": attribute(name, "Arn")}
        found[f"{name}Schedule"] = resource(
            "AWS::Events::Rule",
            {"ScheduleExpression": each.schedule, "Targets": [target]},
        )
        found[f"{name}SchedulePermission"] = resource(
            "AWS::Lambda::Permission",
            {
                "Action": "lambda:InvokeFunction",
                "FunctionName": ref(name),
                "Principal": "events.amazonaws.com",
                "SourceArn": attribute(f"{name}Schedule", "Arn"),
            },
        )
    return found
