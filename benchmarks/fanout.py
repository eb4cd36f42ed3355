"""`fanout`: what a post costs, each way to post to many connections."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from benchmarks import machine
from benchmarks.errors import BenchmarkError, MissingError
from benchmarks.node import node_modules
from benchmarks.options import Options
from benchmarks.payload import DATA, connection_ids
from benchmarks.place import Place, open_sink
from benchmarks.processes import Child, child
from benchmarks.report import Ratio, Report, Row
from benchmarks.rounds import Figures, Measure, measure_in_turns, medians

OURS, UNSIGNED = "wspubsub", "wspubsub, not signed"
OUTSIDE = "wspubsub, outside Lambda"
LOOP, POOL = "boto3, loop", "boto3, 32 threads"
AIO, NODE = "aiobotocore, 32 tasks", "Node SDK v3, 32 at once"

TLS, PLAIN = "TLS", "plain"
TRANSPORTS = (TLS, PLAIN)

_TINY_POSTS = 40
_MILLION = 1e6
_IN_LAMBDA = {"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9"}
"""With it, `ManagementApi` chooses as it does inside Lambda; nothing is asked there."""


class Peer(NamedTuple):
    """A way to post.

    Attributes:
        command: How its worker is started.
        posts: How many posts a round has. A post of a slow peer costs as much in a
            short round as in a long one, and rounds should take turns often.
        environ: Environment variables that it needs.
    """

    command: Callable[[Options], list[str]]
    posts: int
    environ: dict[str, str]


def _python(module: str, package: str = "wspubsub") -> Callable[[Options], list[str]]:
    def command(_: Options) -> list[str]:
        if find_spec(package) is None:
            raise MissingError(f"{package} is not installed")
        return [sys.executable, "-m", "benchmarks.worker", module]

    return command


def _node(options: Options) -> list[str]:
    folder = node_modules("@aws-sdk/client-apigatewaymanagementapi", options)
    script = Path(__file__).parent / "peers" / "node_sdk.cjs"
    return ["node", "--no-warnings", str(script), str(folder)]


PEERS = {
    OURS: Peer(_python("engine"), 10_000, _IN_LAMBDA),
    OUTSIDE: Peer(_python("engine"), 10_000, {}),
    UNSIGNED: Peer(_python("unsigned"), 10_000, _IN_LAMBDA),
    NODE: Peer(_node, 2_000, {}),
    AIO: Peer(_python("aiobotocore_tasks", "aiobotocore"), 1_000, {}),
    POOL: Peer(_python("boto3_pool"), 1_000, {}),
    LOOP: Peer(_python("boto3_loop"), 1_000, {}),
}


def run(options: Options) -> Report:
    """Measure all peers, over TLS and without."""
    missing: dict[str, MissingError] = {}
    measures: dict[str, Measure] = {}
    with ExitStack() as stack:
        place = stack.enter_context(open_sink(options.sink))
        for name, peer in PEERS.items():
            try:
                worker = stack.enter_context(_worker(peer, place, options))
            except MissingError as error:
                missing[name] = error
                continue
            ids = connection_ids(_TINY_POSTS if options.tiny else peer.posts)
            for transport in TRANSPORTS:
                key = f"{transport}: {name}"
                measures[key] = _measuring(key, worker, place, transport, ids)
        for warm_up in measures.values():
            warm_up()
        measured = measure_in_turns(measures, rounds=options.rounds)
        sink = place.sink.name
    found = {name: medians(rounds) for name, rounds in measured.items()}
    return Report(
        title=(
            f"fanout: one message of {len(DATA)} bytes to many connections; sink "
            f"{sink}, clients on one core, medians of {options.rounds} rounds"
        ),
        machine=machine.describe(),
        rows=list(_rows(found, missing)),
        ratios=_ratios(found),
    )


def _worker(
    peer: Peer, place: Place, options: Options
) -> AbstractContextManager[Child]:
    environ = peer.environ | place.trust
    return child(peer.command(options), environ, machine.client_cores())


def _measuring(
    name: str, worker: Child, place: Place, transport: str, ids: list[str]
) -> Measure:
    posts = len(ids)
    endpoint = place.tls if transport == TLS else place.plain

    def measure() -> Figures:
        answer = worker.ask(endpoint=endpoint, connection_ids=ids, data=DATA.decode())
        arrived = place.sink.arrived(posts)
        if not posts == answer["delivered"] == arrived.connections == arrived.requests:
            raise BenchmarkError(
                f"{name}: of {posts} posts, {answer['delivered']} were answered; "
                f"{arrived.requests} requests for {arrived.connections} connections "
                "arrived"
            )
        return {
            "cpu_us_per_post": answer["cpu"] / posts * _MILLION,
            "wall_us_per_post": answer["wall"] / posts * _MILLION,
            "posts_per_second": posts / answer["wall"],
            "posts": posts,
        }

    return measure


def _rows(found: dict[str, Figures], missing: dict[str, MissingError]) -> Iterator[Row]:
    for transport in TRANSPORTS:
        ours = found[f"{transport}: {OURS}"]["cpu_us_per_post"]
        for name in PEERS:
            key = f"{transport}: {name}"
            if name in missing:
                yield Row(key, {"note": str(missing[name])})
            else:
                against = found[key]["cpu_us_per_post"] / ours
                yield Row(key, {**found[key], "cpu_vs_ours": against})


def _ratios(found: dict[str, Figures]) -> list[Ratio]:
    cpu = {
        name.removeprefix(f"{TLS}: "): figures["cpu_us_per_post"]
        for name, figures in found.items()
        if name.startswith(TLS)
    }
    ratios = [
        Ratio("fanout_cpu_vs_boto3_pool", cpu[POOL] / cpu[OURS], at_least=30),
        Ratio(
            "outside_lambda_cpu_vs_boto3_pool", cpu[POOL] / cpu[OUTSIDE], at_least=25
        ),
    ]
    if NODE in cpu:
        ratios.append(Ratio("fanout_cpu_vs_node", cpu[NODE] / cpu[OURS], at_least=12))
    floor = cpu[OURS] / cpu[UNSIGNED]
    return [*ratios, Ratio("fanout_cpu_vs_unsigned", floor, at_most=1.6)]
