"""Handlers that are `async def`: one event loop for the life of the environment."""

import asyncio
import os
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextvars import ContextVar

import pytest

from wspubsub import Event, MessageEvent, Response, Router
from wspubsub.pipeline import CallNext
from wspubsub.testing import GatewayConfig, InProcessGateway, message_event

user: ContextVar[str] = ContextVar("user", default="nobody")


@pytest.fixture
def router() -> Router:
    return Router()


class Echo(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        for line in self.rfile:
            self.wfile.write(line)


@pytest.fixture
def echo_port() -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_all_invocations_share_an_event_loop(router: Router) -> None:
    seen: list[tuple[object, object]] = []

    @router.default
    async def note(_event: MessageEvent) -> None:
        await asyncio.sleep(0)
        seen.append((asyncio.get_running_loop(), threading.current_thread()))

    for _ in range(2):
        router(message_event("x"))

    assert seen[0] == seen[1]
    assert seen[0][1] is threading.current_thread()


def test_a_connection_that_is_kept_in_a_global_works_at_the_second_message(
    router: Router, echo_port: int
) -> None:
    kept: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    @router.default
    async def ask(event: MessageEvent) -> str:
        if not kept:
            kept.append(await asyncio.open_connection("127.0.0.1", echo_port))
        reader, writer = kept[0]
        writer.write(f"{event.body}\n".encode())
        await writer.drain()
        answer = (await reader.readline()).decode().strip()
        if event.body == "last":
            writer.close()
            await writer.wait_closed()
        return answer

    answers = [router(message_event(text))["body"] for text in ("one", "two", "last")]

    assert answers == ["one", "two", "last"]


def test_a_task_goes_on_with_the_next_invocation(router: Router) -> None:
    steps: list[str] = []
    tasks: list[asyncio.Task[None]] = []

    async def work() -> None:
        for step in ("one", "two"):
            steps.append(step)
            await asyncio.sleep(0)

    @router.route("begin")
    async def begin(_event: MessageEvent) -> None:
        tasks.append(asyncio.create_task(work()))

    @router.route("wait")
    async def wait(_event: MessageEvent) -> None:
        await tasks[0]

    router(message_event({"action": "begin"}))
    router(message_event({"action": "wait"}))

    assert steps == ["one", "two"]


def test_what_middleware_sets_in_the_context_is_there(router: Router) -> None:
    @router.middleware
    def identify(event: Event, call_next: CallNext) -> Response:
        token = user.set(event.state.setdefault("user", "ann"))
        try:
            return call_next(event)
        finally:
            user.reset(token)

    @router.default
    async def whoami(_event: MessageEvent) -> str:
        return user.get()

    async def in_a_loop() -> object:
        return router(message_event("x"))["body"]

    assert router(message_event("x"))["body"] == "ann"
    assert asyncio.run(in_a_loop()) == "ann"
    assert user.get() == "nobody"


def test_an_exception_handler_may_be_async(router: Router) -> None:
    @router.default
    async def fail(_event: MessageEvent) -> None:
        raise ZeroDivisionError

    @router.exception_handler(ZeroDivisionError)
    async def tell(_event: MessageEvent, error: Exception) -> str:
        return type(error).__name__

    assert router(message_event("x"))["body"] == "ZeroDivisionError"


def test_an_async_test_may_call_an_async_handler(router: Router) -> None:
    loops: list[object] = []

    @router.default
    async def echo(event: MessageEvent) -> str:
        loops.append(asyncio.get_running_loop())
        if event.body == "fail":
            raise ZeroDivisionError
        return f"you said {event.body}"

    async def the_test() -> None:
        gateway = InProcessGateway(router, config=GatewayConfig(two_way={"$default"}))
        client = gateway.connect()
        client.send("hello")
        client.expect("you said hello")
        with gateway.expect_error(ZeroDivisionError):
            client.send("fail")

    asyncio.run(the_test())
    router(message_event("again"))

    assert len(set(loops)) == 1


def test_an_async_handler_may_call_the_router(router: Router) -> None:
    @router.route("outer")
    async def outer(_event: MessageEvent) -> str:
        inner = router(message_event({"action": "inner"}))
        return f"outer {inner['body']}"

    @router.route("inner")
    async def inner(_event: MessageEvent) -> str:
        return "inner"

    assert router(message_event({"action": "outer"}))["body"] == "outer inner"


def test_threads_do_not_wait_for_each_other(router: Router) -> None:
    has_begun, may_end = threading.Event(), threading.Event()
    answers: list[str] = []

    @router.route("slow")
    async def slow(_event: MessageEvent) -> str:
        has_begun.set()
        may_end.wait()
        return "slow"

    @router.route("fast")
    async def fast(_event: MessageEvent) -> str:
        return "fast"

    def send(action: str) -> None:
        answers.append(router(message_event({"action": action}))["body"])

    thread = threading.Thread(target=send, args=("slow",))
    thread.start()
    has_begun.wait()
    send("fast")
    may_end.set()
    thread.join()

    assert answers == ["fast", "slow"]


APPLICATION = """
import asyncio, os, sys
from wspubsub import Router
from wspubsub.testing import message_event

router = Router()
tasks = set()

async def work():
    try:
        await asyncio.Event().wait()
    finally:
        print("ended", flush=True)

@router.default
async def begin(event):
    tasks.add(asyncio.create_task(work()))
    await asyncio.sleep(0)
    return event.body

print(router(message_event("one"))["body"], flush=True)
"""
IN_A_CHILD = """
child = os.fork()
assert child == 0 or os.waitpid(child, 0)[1] == 0
print(router(message_event("three" if child else "two"))["body"], flush=True)
"""


def run_application(code: str) -> tuple[list[str], str]:
    result = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return result.stdout.split(), result.stderr


def test_the_loop_is_closed_when_the_process_ends() -> None:
    assert run_application(APPLICATION) == (["one", "ended"], "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_process_that_was_forked_has_a_loop_of_its_own() -> None:
    printed, _ = run_application(APPLICATION + IN_A_CHILD)

    assert [word for word in printed if word != "ended"] == ["one", "two", "three"]


def test_a_handler_that_is_canceled_fails_as_any_other(router: Router) -> None:
    @router.default
    async def give_up(_event: MessageEvent) -> None:
        raise asyncio.CancelledError

    @router.exception_handler(RuntimeError)
    def describe(_event: Event, error: RuntimeError) -> str:
        return str(error)

    response = router(message_event("{}"))

    assert response["body"] == "an async function was canceled"
