"""Run a benchmark: `python -m benchmarks NAME`, or `all`."""

import argparse
import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import documents
from benchmarks.errors import BenchmarkError
from benchmarks.options import Options
from benchmarks.place import SINKS
from benchmarks.processes import ROOT
from benchmarks.report import Report
from benchmarks.rounds import ROUNDS

NAMES = {
    "coldstart": "fresh interpreter to the first event handled, under AWS's own client",
    "fanout": "CPU and time a post, against boto3, aiobotocore and the Node SDK",
    "gateway": "`wspubsub dev` as its clients see it, against serverless-offline",
    "lag": "a topic with many messages a second, carried by a stream",
    "log": "many writers of one topic's log, in virtual time",
    "publish": "whole publishes to subscribers stored in DynamoDB, and their memory",
    "scale": "publishes to up to a million subscribers, by the limits of AWS",
    "sockets": "memory of `wspubsub dev` with thousands of clients connected",
    "store": "requests and capacity that the subscription store consumes",
}
ALL = "all"
_EPILOG = """\
names:
{names}
  all        all of them, one after the other

Peers that are not installed are left out, and their rows say so. To have them all:

  python3 -m venv .bench-venv
  .bench-venv/bin/pip install -e '.[bench]'
  .bench-venv/bin/python -m benchmarks NAME
"""
_TINY_ROUNDS = 1
_LARGEST, _TINY_LARGEST = 100_000, 60


def main(arguments: list[str] | None = None) -> int:
    """Run what is named and print what it found."""
    parser = _parser()
    parsed = parser.parse_args(arguments)
    if parsed.docs and parsed.tiny:
        parser.error("--docs writes figures down, and those of --tiny mean nothing")
    if parsed.docs and parsed.json:
        parser.error(f"--docs writes to {documents.RESULTS}: leave --json out")
    status = _run_all(parsed) if parsed.name == ALL else _run(parsed)
    if parsed.docs and not status:
        documents.main()
    return status


def _run(parsed: argparse.Namespace) -> int:
    options = Options(
        tiny=parsed.tiny,
        rounds=parsed.rounds or (_TINY_ROUNDS if parsed.tiny else ROUNDS),
        sink=parsed.sink,
        node_modules=parsed.node_modules,
        serverless_offline=parsed.serverless_offline,
        largest=parsed.largest or (_TINY_LARGEST if parsed.tiny else _LARGEST),
    )
    run: Callable[[Options], Report]
    run = importlib.import_module(f"benchmarks.{parsed.name}").run
    try:
        report = run(options)
    except BenchmarkError as error:
        print(f"{parsed.name}: {error}", file=sys.stderr)
        return 1
    print(report)
    if parsed.json:
        report.write_json(parsed.json)
    elif parsed.docs:
        report.write_json(documents.RESULTS / f"{parsed.name}.json")
    return 0


def _run_all(parsed: argparse.Namespace) -> int:
    """Run each in a process of its own, so that none warms up or fills another's."""
    folder = documents.RESULTS if parsed.docs else parsed.json
    given = {
        "--rounds": parsed.rounds,
        "--sink": parsed.sink,
        "--largest": parsed.largest,
        "--node-modules": parsed.node_modules,
    }
    options = [f"{option}={value}" for option, value in given.items() if value]
    options += ["--tiny"] if parsed.tiny else []
    if parsed.json:
        folder.mkdir(exist_ok=True)
    failed = []
    for name in NAMES:
        to_json = [f"--json={folder / name}.json"] if folder else []
        command = [sys.executable, "-m", "benchmarks", name, *options, *to_json]
        print(f"\n# {name}", flush=True)
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            failed.append(name)
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="What wspubsub costs, side by side with what people use today.",
        epilog=_EPILOG.format(
            names="\n".join(f"  {name:<10} {text}" for name, text in NAMES.items())
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "name",
        metavar="NAME",
        choices=[*NAMES, ALL],
        help=f"one of {', '.join(NAMES)}, or {ALL}",
    )
    parser.add_argument(
        "--json",
        metavar="PATH",
        type=_path,
        help="write the figures as well: to this file, or for all to NAME.json in this "
        "folder",
    )
    parser.add_argument(
        "--docs",
        action="store_true",
        help="write the figures to benchmarks/results, and into the documentation",
    )
    parser.add_argument(
        "--tiny", action="store_true", help="only see that it works, in seconds"
    )
    parser.add_argument(
        "--rounds",
        metavar="N",
        type=_positive,
        help=f"rounds that a figure is the median of (default {ROUNDS})",
    )
    parser.add_argument(
        "--sink", choices=SINKS, default="auto", help="what takes the posts"
    )
    parser.add_argument(
        "--largest",
        metavar="N",
        type=_positive,
        help=f"most subscribers that are published to (default {_LARGEST:,})",
    )
    parser.add_argument(
        "--node-modules",
        metavar="DIR",
        type=Path,
        default=os.environ.get("WSPUBSUB_TEST_NODE_MODULES") or None,
        help="where the Node packages are (default $WSPUBSUB_TEST_NODE_MODULES, else "
        "a cache that they are installed into)",
    )
    parser.add_argument(
        "--serverless-offline",
        metavar="DIR",
        type=Path,
        default=os.environ.get("WSPUBSUB_BENCHMARK_SERVERLESS_OFFLINE") or None,
        help="Node modules with serverless 3 and serverless-offline 13 (default "
        "$WSPUBSUB_BENCHMARK_SERVERLESS_OFFLINE)",
    )
    return parser


def _path(text: str) -> Path:
    # Better said now than after minutes of measuring.
    if not Path(text).parent.is_dir():
        raise argparse.ArgumentTypeError(f"{Path(text).parent} is no folder")
    return Path(text).absolute()


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not positive")
    return number


if __name__ == "__main__":
    raise SystemExit(main())
