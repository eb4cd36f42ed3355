"""Runs every Python example of README.md and docs/ (Sybil).

Each page has one namespace, so its examples build on each other from top to bottom, and
a test function is called as soon as its block has defined it. AWS is moto in the same
process; nothing leaves the machine.
"""

import inspect
import os
from typing import Any

from moto import mock_aws
from sybil import Example, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.myst import CodeBlockParser, PythonCodeBlockParser

from wspubsub.dynamodb import create_table

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "TABLE_NAME": "connections",  # of a handler that does not use the library yet
    "WSPUBSUB_TABLE": "wspubsub",
    "WSPUBSUB_ENDPOINT": "https://abcdef1234.execute-api.us-east-1.amazonaws.com/dev",
}


class _Evaluator(PythonEvaluator):
    """Runs a block, then calls the test functions that it has defined."""

    def __call__(self, example: Example) -> None:
        before = dict(example.namespace)
        super().__call__(example)
        for name, value in list(example.namespace.items()):
            if name.startswith("test_") and before.get(name) is not value:
                needed = inspect.signature(value).parameters
                value(**{fixture: example.namespace[fixture] for fixture in needed})


class _Parser(PythonCodeBlockParser):
    def __init__(self) -> None:
        super().__init__()
        self.codeblock_parser = CodeBlockParser("python", _Evaluator())


class _Aws:
    """An account of its own for one page, with the table that the examples name."""

    def __init__(self) -> None:
        self._moto = mock_aws()
        self._saved: dict[str, str | None] = {}

    def begin(self, _namespace: dict[str, Any]) -> None:
        self._saved = {name: os.environ.get(name) for name in ENVIRONMENT}
        os.environ.update(ENVIRONMENT)
        self._moto.start()
        create_table(ENVIRONMENT["WSPUBSUB_TABLE"])

    def end(self, _namespace: dict[str, Any]) -> None:
        self._moto.stop()
        for name, value in self._saved.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


_aws = _Aws()

pytest_collect_file = Sybil(
    parsers=[_Parser()],
    patterns=["README.md", "docs/**/*.md"],
    setup=_aws.begin,
    teardown=_aws.end,
    fixtures=["wspubsub_gateway", "wspubsub_store"],
).pytest()
