"""MiniStack: an emulator of AWS that deploys CloudFormation and runs the functions."""

import io
import json
import socket
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from tests.deployments.terminal import Terminal
from tests.servers.gateways import CHAT, ROOT, environment

SERVER = ROOT / ".tools" / "ministack" / "bin" / "ministack"
REGION = "us-east-1"
BUCKET, KEY = "code", "chat.zip"
# What is asked of a stack until it is there.
POLL = {"Delay": 1, "MaxAttempts": 60}


class MiniStack:
    """A running MiniStack, which checks what a function's role allows.

    Args:
        port: Where it listens.
    """

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def client(self, service: str) -> Any:
        """Return a boto3 client for it."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def upload(self, code: bytes) -> None:
        """Put the zip file with the code where templates are told to find it."""
        self.client("s3").create_bucket(Bucket=BUCKET)
        self.client("s3").put_object(Bucket=BUCKET, Key=KEY, Body=code)

    def deploy(self, name: str, template: dict[str, Any]) -> str:
        """Deploy a template and return the URL where clients connect.

        The template is deployed as it stands. Its API has a host name in AWS's domain,
        which leads to AWS from here, so the function is told afterwards where else to
        find it.
        """
        cloudformation = self.client("cloudformation")
        cloudformation.create_stack(
            StackName=name,
            TemplateBody=json.dumps(template),
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[
                {"ParameterKey": "CodeS3Bucket", "ParameterValue": BUCKET},
                {"ParameterKey": "CodeS3Key", "ParameterValue": KEY},
            ],
        )
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName=name, WaiterConfig=POLL
        )
        (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
        outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
        host, stage = outputs["CallbackUrl"].removeprefix("https://").split("/")
        path = f"/_aws/execute-api/{host.partition('.')[0]}/{stage}"
        self._tell_endpoint(name, f"{self.url}{path}")
        return f"{self.url.replace('http', 'ws', 1)}{path}"

    def _tell_endpoint(self, stack: str, endpoint: str) -> None:
        functions = self.client("lambda")
        name = self._function(stack)
        configuration = functions.get_function_configuration(FunctionName=name)
        variables = configuration["Environment"]["Variables"]
        functions.update_function_configuration(
            FunctionName=name,
            Environment={"Variables": {**variables, "WSPUBSUB_ENDPOINT": endpoint}},
        )
        functions.get_waiter("function_updated").wait(FunctionName=name)

    def _function(self, stack: str) -> str:
        detail = self.client("cloudformation").describe_stack_resource(
            StackName=stack, LogicalResourceId="Function"
        )["StackResourceDetail"]
        return str(detail["PhysicalResourceId"])


def zipped(library: Path) -> bytes:
    """Return the code of the chat, as a zip file.

    Args:
        library: A folder with the library in it and nothing else.
    """
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as code:
        for path in library.rglob("*"):
            if path.is_file():
                code.write(path, path.relative_to(library))
        code.write(CHAT, "app.py")
    return archive.getvalue()


@contextmanager
def ministack(folder: Path) -> Iterator[MiniStack]:
    """Run MiniStack in a folder of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    variables = {
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "AWS_DEFAULT_REGION": REGION,
        "TMPDIR": str(folder),
        "HOME": str(folder),
    }
    process = subprocess.Popen(  # noqa: S603 - a tool of this environment
        [SERVER],
        cwd=folder,
        env=environment(variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    terminal = Terminal(process, "ministack")
    try:
        terminal.wait_for("Running on http://")
        yield MiniStack(port)
    finally:
        complaint = terminal.interrupt()
    assert not complaint, complaint
