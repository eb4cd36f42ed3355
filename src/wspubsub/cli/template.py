"""`wspubsub template`: a template for the tool that you deploy with."""

import argparse
import os
from collections.abc import Set as AbstractSet
from pathlib import Path

from wspubsub.cli.complaints import complain, say_if_slow, warn
from wspubsub.cli.options import (
    is_needed,
    read_environ,
    read_sources,
    read_two_way,
)
from wspubsub.deployment.documents import to_json, to_yaml
from wspubsub.deployment.template.publishers import PublisherFunction
from wspubsub.deployment.template.settings import (
    TemplateSettings,
)
from wspubsub.deployment.template.template import make_template
from wspubsub.deployment.template.variables import Variable, make_stand_ins
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
    publishing = [Target.parse(each.text, cwd=cwd) for each in options.publisher]
    publishers = tuple(
        PublisherFunction(function.handler, each.schedule)
        for function, each in zip(publishing, options.publisher, strict=True)
    )
    variables = _read_variables(options)
    with say_if_slow(f"{target.text} is still being imported"):
        application = inspect_handler(
            target,
            *(*others.values(), *publishing),
            variables={
                **make_stand_ins(variables),
                **read_environ(options),
                **{e.name: e.default for e in variables if e.default is not None},
            },
            sources=read_sources(options),
        )
    settings = _settings(
        options,
        application,
        target,
        others,
        variables=variables,
        publishers=publishers,
    )
    _warn(application, settings, target, asked=read_sources(options))
    template = make_template(application, settings)
    return to_json(template) if options.output_format == "json" else to_yaml(template)


def _read_variables(options: argparse.Namespace) -> tuple[Variable, ...]:
    return (
        *map(Variable.parse, options.variable),
        *(Variable(name, is_secret=True) for name in options.secret),
    )


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
    *,
    variables: tuple[Variable, ...],
    publishers: tuple[PublisherFunction, ...],
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
        authorizer=handlers.get("authorizer"),
        worker=handlers.get("worker"),
        publishers=publishers,
    )


def _relative(folder: Path) -> str:
    return Path(os.path.relpath(folder, Path.cwd())).as_posix()
