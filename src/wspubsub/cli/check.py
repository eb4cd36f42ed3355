"""`wspubsub check`: a template against the handler that it deploys."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from wspubsub.cli.complaints import complain, say_if_slow, warn
from wspubsub.cli.options import (
    add_env_file,
    add_handler,
    add_need,
    is_needed,
    read_environ,
)
from wspubsub.deployment.checking import RULES, Finding, check_template, find_sources
from wspubsub.deployment.documents import read_template
from wspubsub.deployment.reading import find_variables, is_loop, list_unread_loops
from wspubsub.errors import UsageError
from wspubsub.handlers.application import HISTORY, MEMBERS, TABLE_USES
from wspubsub.handlers.inspection import inspect_handler
from wspubsub.handlers.target import Target

FOUND, WRONG_USE = 1, 2
DESCRIPTION = """\
Compare a CloudFormation or SAM template, in YAML or JSON, with a handler: routes that
are missing, dead, or one-way where the handler answers, permissions that are missing or
too wide, time to live, endpoint, timeouts, streams and queues. Prints one line for
each problem.

Exits with 0 if there is no problem, 1 if there is one, 2 if the check cannot run."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.set_defaults(run=run)
    parser.add_argument("template", metavar="TEMPLATE", help="file of the template")
    add_handler(parser)
    add_env_file(parser)
    parser.add_argument(
        "--ignore",
        action="append",
        default=[],
        choices=sorted(RULES),
        metavar="RULE",
        help="a rule that is not judged, such as too-wide; may be repeated",
    )
    parser.add_argument(
        "--publisher",
        action="append",
        default=[],
        metavar="HANDLER",
        help="another function that publishes, so its permissions are needed too; "
        "may be repeated",
    )
    add_need(
        parser,
        "--history",
        need=HISTORY,
        help_text="topics have a log, so its permissions are needed too",
    )
    add_need(
        parser,
        "--members",
        need=MEMBERS,
        help_text="there is a PubSub, so its permissions are needed too",
    )


def run(options: argparse.Namespace) -> int:
    """Print what is wrong with a template."""
    try:
        findings = _findings(options)
    except (UsageError, ImportError) as error:
        complain(str(error))
        return WRONG_USE
    kept = [each for each in findings if each.rule not in options.ignore]
    for finding in kept:
        print(finding)
    return FOUND if kept else 0


def _findings(options: argparse.Namespace) -> list[Finding]:
    path = Path(options.template)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}") from error
    template = read_template(text, str(path))
    _warn_of_loops(template)
    cwd = Path.cwd()
    target = Target.parse(options.target, cwd=cwd)
    places = {"folder": path.absolute().parent, "module": _find_module(target)}
    with say_if_slow(f"{target.text} is still being imported"):
        application = inspect_handler(
            target,
            variables={
                **find_variables(template, target.handler),
                **read_environ(options),
            },
            sources=find_sources(template, target.handler, **places),
        )
    uses = frozenset(use for use in TABLE_USES if is_needed(options, use, application))
    return check_template(
        template,
        replace(application, table_uses=uses),
        publishers=tuple(
            Target.parse(text, cwd=cwd).handler for text in options.publisher
        ),
        **places,
    )


def _warn_of_loops(template: dict[str, Any]) -> None:
    for name in list_unread_loops(template):
        loop, lost = (
            (name, "what it makes") if is_loop(name) else (f"a loop in {name}", name)
        )
        warn(
            f"{loop} goes through what is known at deployment only, so {lost} "
            "is not checked"
        )


def _find_module(target: Target) -> Path:
    return target.task_root / target.handler.rpartition(".")[0].replace(".", "/")
