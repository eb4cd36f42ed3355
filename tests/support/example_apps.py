"""Examples in a test's own process: as they stand, with DynamoDB by moto."""

import importlib.util
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from moto import mock_aws

from tests.support.linting import cfn_lint
from tests.support.servers.gateways import ROOT, environment, run
from wspubsub import Connection
from wspubsub.deployment.documents import read_template
from wspubsub.dynamodb import DynamoDBSubscriptionStore, create_table

EXAMPLES = ROOT / "examples"
TABLE = "wspubsub"
_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "WSPUBSUB_TABLE": TABLE,
    "WSPUBSUB_ENDPOINT": "https://abcdef1234.execute-api.us-east-1.amazonaws.com/dev",
}
_OPERATION = re.compile(r"OperationModel\(name=(\w+)\)")


@contextmanager
def account(environ: pytest.MonkeyPatch) -> Iterator[None]:
    """An account with a table, and the environment of a function that has it."""
    for name, value in _ENVIRONMENT.items():
        environ.setenv(name, value)
    with mock_aws():
        create_table(TABLE)
        yield


def imported(path: str) -> ModuleType:
    """Import a file of the examples anew; its name here is that of no other module."""
    name = "example_" + re.sub(r"\W", "_", path)
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_script(folder: str, *arguments: str, **variables: str) -> str:
    """Run a script of an example in its folder and return what it prints."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=EXAMPLES / folder,
        env=environment(variables),
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.rstrip()


def dynamodb_actions(log_text: str) -> set[str]:
    """Return the IAM actions of the DynamoDB operations that botocore has logged."""
    needed = {"TransactWriteItems": {"PutItem"}}  # of the items in it, all of them Puts
    return {
        f"dynamodb:{action}"
        for operation in _OPERATION.findall(log_text)
        if operation != "PostToConnection"
        for action in needed.get(operation, {operation})
    }


def role_statements(template: Path, role: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the statements of a role in a template by their names."""
    resources: Any = read_template(template.read_text(), template.name)["Resources"]
    (policy,) = resources[role]["Properties"]["Policies"]
    return {each["Sid"]: each for each in policy["PolicyDocument"]["Statement"]}


def assert_extends(template: Path, printed: str, added: set[str]) -> None:
    """Check that a template is what a command prints, and what was added by hand."""
    theirs = read_template(template.read_text(), template.name)
    ours = read_template(printed, "printed")
    resources = theirs["Resources"]
    assert set(resources) - set(ours["Resources"]) == added
    assert {name: resources[name] for name in ours["Resources"]} == ours["Resources"]
    assert theirs["Outputs"].items() >= ours["Outputs"].items()


def assert_fits(template: Path) -> None:
    """Check that a template fits the application beside it, and has no faults."""
    handler = f"{template.parent / 'app.py'}:handler"
    checked = run("check", str(template), handler, "--history")
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
    assert cfn_lint(template).stdout == ""


def grow_old(connection_id: str) -> None:
    """Let a connection be an hour old: a young one is not pruned."""
    store = DynamoDBSubscriptionStore(TABLE, now=lambda: time.time() - 3600)
    store.connect(Connection(id=connection_id, connected_at=0.0))


def assert_allows(template: Path, role: str, used: set[str]) -> None:
    """Check that a role that only publishes allows what was used, and not more."""
    # What a transaction and a lost answer may need is not seen in a good run.
    spare = {"dynamodb:ConditionCheckItem", "dynamodb:GetItem"}
    statements = role_statements(template, role)
    assert used == set(statements["Table"]["Action"]) - spare
    (resource,) = statements["Connections"]["Resource"]
    assert resource["Fn::Sub"].endswith("${Api}/prod/POST/@connections/*")
