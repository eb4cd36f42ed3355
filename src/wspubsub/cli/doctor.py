"""`wspubsub doctor`: a live deployment, looked at read-only."""

import argparse
import json
import shutil
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from wspubsub.cli.complaints import complain, say_if_slow, warn
from wspubsub.cli.options import (
    add_env_file,
    add_handler,
    add_need,
    is_needed,
    read_environ,
    read_region,
)
from wspubsub.deployment.checking import LIVE_RULES, RULES, Finding
from wspubsub.errors import UsageError
from wspubsub.handlers.application import HISTORY, MEMBERS, TABLE_USES, Application
from wspubsub.handlers.inspection import inspect_handler
from wspubsub.handlers.target import Target

if TYPE_CHECKING:
    from wspubsub.deployment.live import Survey

FOUND, WRONG_USE = 1, 2
DESCRIPTION = """\
Look at a deployed application, read-only, and print one line for each problem, with
what to do: endpoint, stages and routes, permissions as AWS simulates them, time to
live, streams and queues and what failed in them, VPC, Region, quotas, clock. With
HANDLER, the routes are also compared with its router.

What may not be read is not judged; a warning names the permission.
AWS_ENDPOINT_URL leads to another endpoint than AWS's own.

Exits with 0 if there is no problem, 1 if there is one, 2 if it cannot look."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.set_defaults(run=run, fail=parser.error)
    add_handler(parser, is_optional=True)
    add_env_file(parser)
    _add_scope(parser.add_argument_group("what to look at"))
    _add_judging(parser.add_argument_group("how to judge"))
    parser.add_argument(
        "--json",
        action="store_true",
        help="print findings, notes and what was looked at as JSON",
    )


def _add_scope(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--stack", metavar="NAME", help="a CloudFormation stack")
    group.add_argument("--api", metavar="ID", help="a WebSocket API by its ID")
    group.add_argument(
        "--function",
        metavar="NAME",
        help="the function that runs the handler (default: what the routes invoke)",
    )
    group.add_argument(
        "--publisher",
        action="append",
        default=[],
        metavar="NAME",
        help="another function that publishes, so its permissions are needed too; "
        "may be repeated",
    )
    group.add_argument("--profile", help="a profile of the AWS configuration")
    group.add_argument("--region", help="AWS Region (default: as configured for AWS)")


def _add_judging(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--ignore",
        action="append",
        default=[],
        choices=sorted({**RULES, **LIVE_RULES}),
        metavar="RULE",
        help="a rule that is not judged, such as too-wide; may be repeated",
    )
    add_need(
        group,
        "--history",
        need=HISTORY,
        help_text="topics have a log, so its permissions are needed too",
    )
    add_need(
        group,
        "--members",
        need=MEMBERS,
        help_text="there is a PubSub, so its permissions are needed too",
    )


def run(options: argparse.Namespace) -> int:
    """Print what is wrong with a live deployment."""
    if not options.stack and not options.api:
        options.fail("name what to look at with --stack or --api")
    try:
        return _examine(options)
    except (UsageError, ImportError) as error:
        complain(str(error))
        return WRONG_USE


def _examine(options: argparse.Namespace) -> int:
    from wspubsub.deployment.live import Account, Scope, Survey

    account = Account(profile=options.profile, region=read_region(options))
    scope = Scope(
        stack=options.stack,
        api=options.api,
        function=options.function,
        publishers=tuple(options.publisher),
    )
    with say_if_slow(f"still looking at AWS in {account.region}"):
        survey = Survey(account, scope)
    application = _read_application(options, survey)
    with say_if_slow("still asking AWS what the functions may do"):
        found = survey.examine(application, uses=_read_uses(options, application))
    kept = [each for each in found if each.rule not in options.ignore]
    if options.json:
        _print_json(kept, account.notes, survey.subjects)
    else:
        _print_lines(kept, account.notes, survey.subjects, account.region)
    return FOUND if kept else 0


def _read_application(
    options: argparse.Namespace, survey: "Survey"
) -> Application | None:
    if options.target is None:
        return None
    target = Target.parse(options.target, cwd=Path.cwd())
    with say_if_slow(f"{target.text} is still being imported"):
        return inspect_handler(
            target,
            variables={**survey.find_variables(), **read_environ(options)},
            sources=survey.find_sources(),
        )


def _read_uses(
    options: argparse.Namespace, application: Application | None
) -> frozenset[str]:
    none = Application(handler="none.given", route_keys=frozenset())
    known = application or none
    return frozenset(use for use in TABLE_USES if is_needed(options, use, known))


def _print_json(
    findings: list[Finding], notes: tuple[str, ...], subjects: list[str]
) -> None:
    found = {
        "findings": [each._asdict() for each in findings],
        "notes": list(notes),
        "subjects": subjects,
    }
    print(json.dumps(found, indent=2))


def _print_lines(
    findings: list[Finding], notes: tuple[str, ...], subjects: list[str], region: str
) -> None:
    for note in notes:
        warn(note)
    for finding in findings:
        print(_wrap(str(finding)))
    count = {0: "no problem", 1: "1 problem"}.get(
        len(findings), f"{len(findings)} problems"
    )
    sys.stdout.flush()
    said = f"{count} found in {region}: looked at {', '.join(subjects)}"
    print(_wrap(said, is_tty=sys.stderr.isatty()), file=sys.stderr)


def _wrap(text: str, *, is_tty: bool | None = None) -> str:
    """Return a line as it fits into a terminal; a pipe gets it in one piece."""
    if not (sys.stdout.isatty() if is_tty is None else is_tty):
        return text
    return textwrap.fill(
        text,
        shutil.get_terminal_size().columns,
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
