"""The commands for a live deployment, with their options."""

import argparse
import functools
from collections.abc import Callable

from wspubsub.cli.complaints import complain
from wspubsub.cli.numbers import number_from, seconds
from wspubsub.errors import TopicError, UsageError

WRONG_USE = 2

Run = Callable[[argparse.Namespace], int]

COMMANDS = {
    "connections": ("[OPTIONS]", "list the connections of a deployment"),
    "topics": ("[OPTIONS]", "list the topics of a deployment"),
    "subscribers": ("TOPIC [OPTIONS]", "list the subscribers of a topic"),
    "presence": ("TOPIC [OPTIONS]", "list who is present in a topic"),
    "history": ("TOPIC [OPTIONS]", "show the log of a topic, with positions"),
    "tail": ("TOPIC [OPTIONS]", "show the log of a topic as it grows"),
    "publish": ("TOPIC DATA [OPTIONS]", "send a message to a topic's subscribers"),
    "post": ("CONNECTION DATA [OPTIONS]", "send a message to one connection"),
    "disconnect": (
        "CONNECTION | --user USER [OPTIONS]",
        "close a connection, or those of a user",
    ),
}

_SCAN = """\
Nothing but a Scan finds them all, so the command says first what that reads and costs,
and asks. A table on this machine costs nothing."""
_STATUS = "Exits with 0, with 1 after a failure, with 2 for wrong arguments."
_PARTLY = f"{_STATUS[:-1]}, and with 3 if"

DESCRIPTIONS = {
    "connections": f"""\
List the connections that the table knows, the oldest first, each with its user and its
topics. {_SCAN}

{_STATUS}

Example: `wspubsub connections --stack chat --yes --json`""",
    "topics": f"""\
List the topics that the table knows: how many subscribe and are present, and where the
log ends. {_SCAN}

{_STATUS}

Example: `wspubsub topics --stack chat --yes`""",
    "subscribers": f"""\
List the subscribers of a topic.

{_STATUS}

Example: `wspubsub subscribers room:1 --table chat --region eu-west-1`""",
    "presence": f"""\
List who is present in a topic of a PubSub. A stay is a user who is shown for a period
of grace.

{_STATUS}

Example: `wspubsub presence room:1 --stack chat`""",
    "history": f"""\
Show the newest messages in the log of a topic, oldest first, with their positions: an
epoch and an offset. They are what the table has, also what the topic's history no
longer gives to clients.

{_STATUS}

Example: `wspubsub history room:1 --last 100 --json`""",
    "tail": """\
Show the newest messages in the log of a topic, and then each one as it is appended,
until interrupted. Each look costs half a read unit.

Exits with 130 after an interruption, with 1 after a failure, with 2 for wrong
arguments.

Example: `wspubsub tail room:1 --stack chat`""",
    "publish": f"""\
Send a message to the subscribers of a topic. It is appended to the topic's log if there
is one; if the table has a stream, the function on it delivers what is in the log.
Members of a PubSub get the message in its protocol; DATA is JSON then. DATA - is the
standard input.

{_PARTLY} only some got the message.

Example: `wspubsub publish room:1 '{{"text": "hi"}}' --stack chat`""",
    "post": f"""\
Send a message to one connection. A client of a PubSub gets it as a message push; DATA
is JSON then. DATA - is the standard input.

{_STATUS}

Example: `wspubsub post L0SM9cOFvHcCIhw= '{{"text": "hi"}}' --stack chat`""",
    "disconnect": f"""\
Close a connection, or all connections of a user of a PubSub. Clients of a PubSub are
told not to come back.

{_PARTLY} only some were closed.

Example: `wspubsub disconnect --user ann --stack chat`""",
}


def add_arguments(name: str, parser: argparse.ArgumentParser) -> None:
    """Add the arguments of one of the commands."""
    # Not at the top: they are no part of the other commands.
    from wspubsub.cli.places import add_place

    parser.set_defaults(run=functools.partial(_run, name))
    _ADDERS[name](parser)
    parser.add_argument(
        "--json", action="store_true", help="print a JSON object in each line"
    )
    add_place(parser)


def _run(name: str, options: argparse.Namespace) -> int:
    from wspubsub.cli import looking, sending
    from wspubsub.cli.places import exempt_proxies

    runners: dict[str, Run] = {
        "connections": looking.list_connections,
        "topics": looking.list_topics,
        "subscribers": looking.list_subscribers,
        "presence": looking.list_presence,
        "history": looking.show_history,
        "tail": looking.tail,
        "publish": sending.publish,
        "post": sending.post,
        "disconnect": sending.disconnect,
    }
    exempt_proxies()
    try:
        return runners[name](options)
    except (UsageError, TopicError) as error:
        complain(str(error))
        return WRONG_USE


def _add_yes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--yes", action="store_true", help="agree to what the Scan costs"
    )


def _add_topic(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("topic", metavar="TOPIC", help="name of the topic")


def _add_shards(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--shards",
        type=number_from(1),
        metavar="N",
        help="how many shards the topic has (default: look into 16, and into more if "
        "the later ones have subscribers)",
    )


def _add_subscribers(parser: argparse.ArgumentParser) -> None:
    _add_topic(parser)
    _add_shards(parser)


def _add_history(parser: argparse.ArgumentParser) -> None:
    _add_topic(parser)
    parser.add_argument(
        "--last",
        type=number_from(1),
        default=20,
        metavar="N",
        help="how many messages (default: %(default)s)",
    )
    parser.add_argument(
        "--after",
        type=number_from(0),
        metavar="OFFSET",
        help="all messages after this offset instead",
    )


def _add_tail(parser: argparse.ArgumentParser) -> None:
    _add_topic(parser)
    parser.add_argument(
        "--last",
        type=number_from(0),
        default=10,
        metavar="N",
        help="how many messages to begin with (default: %(default)s)",
    )
    parser.add_argument(
        "--interval",
        type=seconds,
        default=1.0,
        metavar="SECONDS",
        help="time between two looks (default: %(default)g)",
    )


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "data", metavar="DATA", help="the message; - for the standard input"
    )


def _add_publish(parser: argparse.ArgumentParser) -> None:
    _add_topic(parser)
    _add_data(parser)
    _add_shards(parser)
    parser.add_argument(
        "--post",
        action="store_true",
        help="post a logged message although the table has a stream, where that does "
        "not deliver it",
    )


def _add_post(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("connection", metavar="CONNECTION", help="ID of the connection")
    _add_data(parser)
    parser.add_argument(
        "--raw",
        action="store_true",
        help="send DATA as it is, without the protocol of a PubSub",
    )


def _add_disconnect(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "connection", nargs="?", metavar="CONNECTION", help="ID of the connection"
    )
    parser.add_argument(
        "--user", metavar="USER", help="all connections of this user instead"
    )


_ADDERS: dict[str, Callable[[argparse.ArgumentParser], None]] = {
    "connections": _add_yes,
    "topics": _add_yes,
    "subscribers": _add_subscribers,
    "presence": _add_topic,
    "history": _add_history,
    "tail": _add_tail,
    "publish": _add_publish,
    "post": _add_post,
    "disconnect": _add_disconnect,
}
