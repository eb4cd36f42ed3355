"""`wspubsub template`: a template for the tool that you deploy with."""

import argparse
import os
from collections.abc import Set as AbstractSet
from pathlib import Path

from wspubsub.cli.complaints import complain, warn
from wspubsub.cli.options import (
    add_authorizer,
    add_handler,
    add_need,
    add_stage,
    add_two_way,
    is_needed,
    read_sources,
    read_two_way,
)
from wspubsub.deployment.documents import to_json, to_yaml
from wspubsub.deployment.template.settings import (
    ARCHITECTURES,
    CLOUDFORMATION,
    RUNTIMES,
    SAM,
    TemplateSettings,
)
from wspubsub.deployment.template.template import make_template
from wspubsub.deployment.template.variables import Variable
from wspubsub.errors import UsageError
from wspubsub.handlers.application import (
    HISTORY,
    MEMBERS,
    QUEUE,
    STREAM,
    Application,
)
from wspubsub.handlers.inspection import inspect_handler
from wspubsub.handlers.target import Target

WRONG_USE = 2
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
    parser.set_defaults(run=run)
    add_handler(parser)
    _add_formats(parser.add_argument_group("the template"))
    _add_api(parser.add_argument_group("the WebSocket API"))
    _add_functions(parser.add_argument_group("the functions"))
    _add_sources(parser.add_argument_group("table, stream and queue"))


def run(options: argparse.Namespace) -> int:
    """Print a template."""
    try:
        text = _template(options)
    except UsageError as error:
        complain(str(error))
        return WRONG_USE
    print(text, end="")
    return 0


def _template(options: argparse.Namespace) -> str:
    cwd = Path.cwd()
    target = Target.parse(options.target, cwd=cwd)
    others = {
        name: Target.parse(text, cwd=cwd)
        for name in ("authorizer", "worker")
        if (text := getattr(options, name))
    }
    variables = tuple(Variable.parse(text) for text in options.variable)
    application = inspect_handler(
        target,
        *others.values(),
        variables={
            each.name: each.default for each in variables if each.default is not None
        },
        sources=read_sources(options),
    )
    settings = _settings(options, application, target, others, variables)
    _warn(application, settings, target, asked=read_sources(options))
    template = make_template(application, settings)
    return to_json(template) if options.output_format == "json" else to_yaml(template)


def _warn(
    application: Application,
    settings: TemplateSettings,
    target: Target,
    *,
    asked: AbstractSet[str],
) -> None:
    # Of the others the handler itself has said that it needs them.
    for source in sorted(asked):
        if not settings.worker and not application.may_take(source):
            warn(
                f"{target.text} cannot handle records of the {source}: pass {source}= "
                "to EventSources, or name a function that can with --worker"
            )


def _settings(
    options: argparse.Namespace,
    application: Application,
    target: Target,
    others: dict[str, Target],
    variables: tuple[Variable, ...],
) -> TemplateSettings:
    handlers = {name: other.handler for name, other in others.items()}
    return TemplateSettings(
        template_format=options.format,
        stage=options.stage,
        two_way=read_two_way(options),
        identity_sources=tuple(options.identity_source),
        streams=is_needed(options, STREAM, application),
        queue=is_needed(options, QUEUE, application),
        history=is_needed(options, HISTORY, application),
        members=is_needed(options, MEMBERS, application),
        memory_mb=options.memory,
        timeout_seconds=options.timeout,
        runtime=options.runtime,
        architecture=options.architecture,
        log_retention_days=options.log_retention_days,
        throttle_rate=options.throttle_rate,
        throttle_burst=options.throttle_burst,
        code_uri=options.code_uri or _relative(target.task_root),
        variables=variables,
        **handlers,
    )


def _relative(folder: Path) -> str:
    return Path(os.path.relpath(folder, Path.cwd())).as_posix()


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
