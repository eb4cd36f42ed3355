"""The command line: its commands and options, and how they are explained."""

import importlib
from functools import partial

from wspubsub import __version__
from wspubsub.cli import live_options
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
    commands.add_parser(
        "dev",
        prog="wspubsub dev",
        arguments="[HANDLER] [OPTIONS]",
        help="serve a handler to WebSocket clients on this machine",
        fill=partial(_fill, "dev_options"),
    )
    commands.add_parser(
        "run",
        prog="wspubsub run",
        arguments="[--port N] [--] COMMAND [ARGUMENTS]",
        help="run a program with the environment of the running gateway",
        fill=partial(_fill, "run"),
    )
    commands.add_parser(
        "demo",
        prog="wspubsub demo",
        arguments="[OPTIONS]",
        help="run two clients against the chat example and check what they receive",
        description=_DEMO,
        fill=_add_demo,
    )
    commands.add_parser(
        "create-table",
        prog="wspubsub create-table",
        arguments="TABLE [OPTIONS]",
        help="create the DynamoDB table of a subscription store",
        description=_CREATE_TABLE,
        fill=_add_create_table,
    )
    commands.add_parser(
        "template",
        prog="wspubsub template",
        arguments="HANDLER [OPTIONS]",
        help="print a CloudFormation or SAM template that deploys a handler",
        fill=partial(_fill, "template_options"),
    )
    commands.add_parser(
        "check",
        prog="wspubsub check",
        arguments="TEMPLATE HANDLER [OPTIONS]",
        help="compare a CloudFormation or SAM template with a handler",
        fill=partial(_fill, "check"),
    )
    commands.add_parser(
        "doctor",
        prog="wspubsub doctor",
        arguments="[HANDLER] --stack NAME [OPTIONS]",
        help="look at a deployed application for what is wrong with it",
        fill=partial(_fill, "doctor"),
    )
    for name, (arguments, text) in live_options.COMMANDS.items():
        commands.add_parser(
            name,
            prog=f"wspubsub {name}",
            arguments=arguments,
            help=text,
            description=live_options.DESCRIPTIONS[name],
            fill=partial(live_options.add_arguments, name),
        )
    return parser


def _fill(module: str, parser: Parser) -> None:
    options = importlib.import_module(f"wspubsub.cli.{module}")
    parser.description = options.DESCRIPTION
    options.add_arguments(parser)


def _add_demo(parser: Parser) -> None:
    from wspubsub.cli import demo

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


def _add_create_table(parser: Parser) -> None:
    from wspubsub.cli import create_table

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
