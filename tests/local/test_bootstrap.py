"""The built-in runtime, apart from what test_local_runtimes.py sees of it."""

import ast
import functools
import json
import subprocess
import sys
from pathlib import Path

import pytest

from wspubsub.local.functions import bootstrap
from wspubsub.local.functions.bootstrap import HandlerError, load_handler
from wspubsub.local.functions.context import Context
from wspubsub.local.functions.methods import call_method
from wspubsub.log.rules import Position
from wspubsub.reports import PublishReport

SOURCE = Path(bootstrap.__file__)
BESIDE = ["breakpoints.py", "context.py", "exchange.py", "freezing.py", "methods.py"]
LOADED_BY_PATH = [SOURCE, *map(SOURCE.with_name, BESIDE)]


def headers(**fields: str) -> dict[str, str]:
    return {
        "lambda-runtime-" + name.replace("_", "-").lower(): value
        for name, value in fields.items()
    }


@pytest.mark.parametrize("source", LOADED_BY_PATH, ids=lambda path: path.stem)
def test_it_imports_nothing_but_the_standard_library(source: Path) -> None:
    tree = ast.parse(source.read_text())

    imported = {
        alias.name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    } | {
        str(node.module).partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
    }

    assert imported <= sys.stdlib_module_names


def test_a_mobile_client_is_described_in_the_context() -> None:
    client = {
        "client": {"installation_id": "i", "app_title": "Chat"},
        "custom": {"k": "v"},
        "env": {"locale": "en"},
    }

    context = Context(headers(Client_Context=json.dumps(client), Deadline_Ms="5"))

    assert context.client_context is not None
    assert context.client_context.client.app_title == "Chat"
    assert context.client_context.client.app_version_code is None
    assert context.client_context.custom == {"k": "v"}
    assert context.client_context.env == {"locale": "en"}
    assert context.get_remaining_time_in_millis() == 0


def test_a_handler_without_a_module_is_malformed() -> None:
    with pytest.raises(HandlerError) as caught:
        load_handler("handler")

    assert caught.value.error_type == "Runtime.MalformedHandlerName"


def test_a_method_is_that_of_the_handler_or_of_what_it_wraps() -> None:
    class Application:
        def __call__(self) -> None: ...

        def publish(self, topic: str) -> PublishReport:
            gone = frozenset({"b", "a"})
            return PublishReport(gone=gone, position=Position("e", 5), reason=topic)

    wrapper = functools.partial(print)
    functools.update_wrapper(wrapper, Application())

    for handler in (Application(), wrapper):
        report = json.loads(call_method(handler, "publish", {"topic": "news"}))
        assert (report["gone"], report["position"]) == (["a", "b"], ["e", 5])
        assert report["reason"] == "news"
    assert call_method(print, "publish", {"topic": "news"}) == b"null"


@pytest.mark.integration
def test_it_ends_when_its_standard_input_does() -> None:
    # Nobody answers: what must end it is only that input.
    done = subprocess.run(
        [sys.executable, "-P", SOURCE],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=20,
        check=False,
        env={"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9", "_HANDLER": "time.sleep"},
    )

    assert done.returncode == 1
