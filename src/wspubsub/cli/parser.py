"""The command line: its commands and options, and how they are explained."""

import argparse

from wspubsub import __version__
from wspubsub.cli import (
    check,
    create_table,
    demo,
    dev_options,
    doctor,
    live_options,
    run,
    template_options,
)
from wspubsub.cli.numbers import number_from, seconds
from wspubsub.cli.usage import Parser

_DESCRIPTION = "Real-time WebSocket pub/sub on API Gateway, Lambda and DynamoDB."
_EPILOG = """\
`wspubsub demo` shows it at work. `wspubsub COMMAND --help` explains a command."""
_DEMO = """\
Start the gateway, DynamoDB and the chat example; one client publishes a growing count,
another receives it. Exits with 0 only if every message arrived exactly once."""
_CREATE_TABLE = """\
Create the table that DynamoDBSubscriptionStore uses: on-demand billing, TTL on. A table
that already exists is kept."""


def make_parser() -> Parser:
    """Return the parser; the options that it parses have `run`, to call with them."""
    parser = Parser(
        "wspubsub", "COMMAND [OPTIONS]", description=_DESCRIPTION, epilog=_EPILOG
    )
    parser.add_argument(
        "--version", action="version", version=f"wspubsub {__version__}"
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    dev_options.add_arguments(
        commands.add_parser(
            "dev",
            prog="wspubsub dev",
            arguments="[HANDLER] [OPTIONS]",
            help="serve a handler to WebSocket clients on this machine",
            description=dev_options.DESCRIPTION,
        )
    )
    run.add_arguments(
        commands.add_parser(
            "run",
            prog="wspubsub run",
            arguments="[--port N] [--] COMMAND [ARGUMENTS]",
            help="run a program with the environment of the running gateway",
            description=run.DESCRIPTION,
        )
    )
    _add_demo(
        commands.add_parser(
            "demo",
            prog="wspubsub demo",
            arguments="[OPTIONS]",
            help="run two clients against the chat example and check what they receive",
            description=_DEMO,
        )
    )
    _add_create_table(
        commands.add_parser(
            "create-table",
            prog="wspubsub create-table",
            arguments="TABLE [OPTIONS]",
            help="create the DynamoDB table of a subscription store",
            description=_CREATE_TABLE,
        )
    )
    template_options.add_arguments(
        commands.add_parser(
            "template",
            prog="wspubsub template",
            arguments="HANDLER [OPTIONS]",
            help="print a CloudFormation or SAM template that deploys a handler",
            description=template_options.DESCRIPTION,
        )
    )
    check.add_arguments(
        commands.add_parser(
            "check",
            prog="wspubsub check",
            arguments="TEMPLATE HANDLER [OPTIONS]",
            help="compare a CloudFormation or SAM template with a handler",
            description=check.DESCRIPTION,
        )
    )
    doctor.add_arguments(
        commands.add_parser(
            "doctor",
            prog="wspubsub doctor",
            arguments="[HANDLER] --stack NAME [OPTIONS]",
            help="look at a deployed application for what is wrong with it",
            description=doctor.DESCRIPTION,
        )
    )
    for name, (arguments, text) in live_options.COMMANDS.items():
        live_options.add_arguments(
            name,
            commands.add_parser(
                name,
                prog=f"wspubsub {name}",
                arguments=arguments,
                help=text,
                description=live_options.DESCRIPTIONS[name],
            ),
        )
    return parser


def _add_demo(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=demo.run)
    parser.add_argument(
        "--messages",
        type=number_from(1),
        default=10,
        metavar="N",
        help="how many messages to send (default: %(default)s)",
    )
    parser.add_argument(
        "--interval",
        type=seconds,
        default=1.0,
        metavar="SECONDS",
        help="time between two messages (default: %(default)g)",
    )


def _add_create_table(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=create_table.run)
    parser.add_argument("table", metavar="TABLE", help="name of the table")
    parser.add_argument(
        "--endpoint", metavar="URL", help="a DynamoDB endpoint other than AWS's own"
    )
    parser.add_argument("--region", help="AWS Region (default: as configured for AWS)")
    parser.add_argument(
        "--stream",
        action="store_true",
        help="give the table a stream of new and old images, for event source "
        "mappings; a table that already exists gets one too",
    )
