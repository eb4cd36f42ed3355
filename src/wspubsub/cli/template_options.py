"""The options of `wspubsub template`."""

import argparse
from dataclasses import dataclass

from typing_extensions import override

from wspubsub.cli import template
from wspubsub.cli.options import (
    add_authorizer,
    add_env_file,
    add_handler,
    add_need,
    add_stage,
    add_two_way,
)
from wspubsub.deployment.template.settings import (
    ARCHITECTURES,
    CLOUDFORMATION,
    RUNTIMES,
    SAM,
    TemplateSettings,
)
from wspubsub.handlers.application import HISTORY, MEMBERS, QUEUE, STREAM

DESCRIPTION = """\
Print a template that deploys a handler: WebSocket API, one route for each route key of
its Router, two-way if the router says so, function, role, log group and table, stream
and queues if the handler handles their records, and on request an authorizer.
Permissions name only the actions and the resource that are used.

The handler is a Router, or has an attribute `router` that is one. Its module is
imported with fake credentials; nothing reaches AWS."""

DEFAULTS = TemplateSettings()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.set_defaults(run=template.run)
    add_handler(parser)
    _add_formats(parser.add_argument_group("the template"))
    _add_api(parser.add_argument_group("the WebSocket API"))
    _add_functions(parser.add_argument_group("the functions"))
    _add_sources(parser.add_argument_group("table, stream and queue"))
    _add_publishers(parser.add_argument_group("functions that publish"))


def _add_formats(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--format",
        choices=(CLOUDFORMATION, SAM),
        default=DEFAULTS.template_format,
        help="the tool that reads the template (default: %(default)s)",
    )
    group.add_argument(
        "--output-format",
        choices=("yaml", "json"),
        default="yaml",
        help="format of the output; YAML needs the extra infra (default: %(default)s)",
    )


def _add_api(group: argparse._ArgumentGroup) -> None:
    add_stage(group, DEFAULTS.stage)
    add_two_way(group)
    add_authorizer(group)
    group.add_argument(
        "--throttle-rate",
        type=int,
        default=DEFAULTS.throttle_rate,
        metavar="N",
        help="requests per second that the stage accepts (default: %(default)s)",
    )
    group.add_argument(
        "--throttle-burst",
        type=int,
        default=DEFAULTS.throttle_burst,
        metavar="N",
        help="burst of requests that the stage accepts (default: %(default)s)",
    )


def _add_functions(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--memory",
        type=int,
        default=DEFAULTS.memory_mb,
        metavar="MB",
        help="memory of each function (default: %(default)s)",
    )
    group.add_argument(
        "--timeout",
        type=int,
        default=DEFAULTS.timeout_seconds,
        metavar="SECONDS",
        help="timeout of each function, 29 at most (default: %(default)s)",
    )
    group.add_argument(
        "--runtime",
        choices=RUNTIMES,
        default=DEFAULTS.runtime,
        help="Lambda runtime (default: %(default)s)",
    )
    group.add_argument(
        "--architecture",
        choices=ARCHITECTURES,
        default=DEFAULTS.architecture,
        help="instruction set (default: %(default)s)",
    )
    group.add_argument(
        "--log-retention-days",
        type=int,
        default=DEFAULTS.log_retention_days,
        metavar="DAYS",
        help="how long the logs are kept (default: %(default)s)",
    )
    group.add_argument(
        "--code-uri",
        metavar="FOLDER",
        help="folder of the packaged code, for SAM (default: that of the handler)",
    )
    group.add_argument(
        "--variable",
        action="append",
        default=[],
        metavar="NAME[=VALUE]",
        help="an environment variable of the functions; its value is a parameter "
        "of the stack, with VALUE as the default; may be repeated",
    )
    group.add_argument(
        "--secret",
        action="append",
        default=[],
        metavar="NAME",
        help="an environment variable of the functions whose value CloudFormation "
        "never shows; may be repeated",
    )
    add_env_file(group)


def _add_sources(group: argparse._ArgumentGroup) -> None:
    add_need(
        group,
        "--streams",
        need=STREAM,
        help_text="invoke a function for new log entries and new connections",
    )
    add_need(
        group,
        "--queue",
        need=QUEUE,
        help_text="create a queue with a dead-letter queue, and invoke a function for "
        "its messages",
    )
    group.add_argument(
        "--worker",
        metavar="HANDLER",
        help="a second function for the records of streams and queues, instead of the "
        "handler itself",
    )
    add_need(
        group,
        "--history",
        need=HISTORY,
        help_text="topics have a log: allow what it needs, and keep the table when the "
        "stack is deleted",
    )
    add_need(
        group,
        "--members",
        need=MEMBERS,
        help_text="there is a PubSub: allow what it needs to know who is in its topics",
    )


@dataclass(slots=True)
class _NamedPublisher:
    text: str
    schedule: str | None = None


class _Schedule(argparse.Action):
    """Belongs to the publisher that is named before it."""

    @override
    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        if not namespace.publisher or namespace.publisher[-1].schedule:
            parser.error("--schedule belongs after the --publisher that it invokes")
        namespace.publisher[-1].schedule = str(values)


def _add_publishers(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--publisher",
        action="append",
        type=_NamedPublisher,
        default=[],
        metavar="HANDLER",
        help="another function that publishes, such as cron.py:handler; may be "
        "repeated",
    )
    group.add_argument(
        "--schedule",
        action=_Schedule,
        metavar="EXPRESSION",
        help="when the publisher named before it is invoked, such as 'rate(1 day)' or "
        "'cron(0 9 ? * MON-FRI *)'; without one, you invoke it",
    )
