"""MiniStack: an emulator of AWS that deploys CloudFormation and runs the functions."""

import io
import json
import socket
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from tests.examples.terminal import Terminal
from tests.support.servers.gateways import CHAT, ROOT, environment, run
from wspubsub.dynamodb import DynamoDBSubscriptionStore

SERVER = ROOT / ".tools" / "ministack" / "bin" / "ministack"
REGION = "us-east-1"
AccessKey = tuple[str, str]
ROOT_USER: AccessKey = ("test", "test")
# A template whose topics go through the queue as soon as they have two subscribers.
QUEUED = ("--streams", "--history", "--queue", "--variable", "CHAT_INLINE_THRESHOLD=1")
# AWS has no such action; it authorizes sending in batches as sqs:SendMessage.
BATCHES = {"Effect": "Allow", "Action": "sqs:SendMessageBatch", "Resource": "*"}
BUCKET, KEY = "code", "chat.zip"
# How often a stack or a function is asked whether it is there.
POLL = {"Delay": 1, "MaxAttempts": 60}


class MiniStack:
    """A running MiniStack, which checks what a function's role allows.

    Args:
        port: Where it listens.
        terminal: Where it runs.
        variables: What its functions have in their environments besides.
    """

    def __init__(
        self, port: int, terminal: Terminal, variables: Mapping[str, str]
    ) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.terminal = terminal
        self.variables = variables

    def client(
        self, service: str, endpoint: str | None = None, key: AccessKey = ROOT_USER
    ) -> Any:
        """Return a boto3 client for it."""
        return boto3.client(
            service,
            endpoint_url=endpoint or self.url,
            region_name=REGION,
            aws_access_key_id=key[0],
            aws_secret_access_key=key[1],
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
        endpoint = self.endpoint(name)
        self._tell_endpoint(name, endpoint)
        return endpoint.replace("http", "ws", 1)

    def endpoint(self, stack: str) -> str:
        """Return where the Management API of a stack is here."""
        address = self._output(stack, "CallbackUrl").removeprefix("https://")
        host, stage = address.split("/")
        return f"{self.url}/_aws/execute-api/{host.partition('.')[0]}/{stage}"

    def store(self, stack: str) -> DynamoDBSubscriptionStore:
        """Return the table of a stack."""
        name = self._output(stack, "TableName")
        return DynamoDBSubscriptionStore(name, client=self.client("dynamodb"))

    def allow(self, stack: str, statement: Mapping[str, Any]) -> None:
        """Allow the function of a stack something that its template does not."""
        self.client("iam").put_role_policy(
            RoleName=self.resource(stack, "FunctionRole"),
            PolicyName="more",
            PolicyDocument=json.dumps(
                {"Version": "2012-10-17", "Statement": [statement]}
            ),
        )

    def resource(self, stack: str, logical_id: str) -> str:
        """Return the physical ID of a resource."""
        detail = self.client("cloudformation").describe_stack_resource(
            StackName=stack, LogicalResourceId=logical_id
        )["StackResourceDetail"]
        return str(detail["PhysicalResourceId"])

    def _output(self, stack: str, key: str) -> str:
        described = self.client("cloudformation").describe_stacks(StackName=stack)
        outputs = described["Stacks"][0]["Outputs"]
        return str(next(x["OutputValue"] for x in outputs if x["OutputKey"] == key))

    def _tell_endpoint(self, stack: str, endpoint: str) -> None:
        functions = self.client("lambda")
        name = self.resource(stack, "Function")
        configuration = functions.get_function_configuration(FunctionName=name)
        variables = configuration["Environment"]["Variables"]
        functions.update_function_configuration(
            FunctionName=name,
            Environment={"Variables": {**variables, "WSPUBSUB_ENDPOINT": endpoint}},
        )
        functions.get_waiter("function_updated").wait(
            FunctionName=name, WaiterConfig=POLL
        )


def template(*flags: str, app: Path = CHAT) -> dict[str, Any]:
    """Return what `wspubsub template` makes of an application, such as the chat."""
    done = run(
        *("template", f"{app.name}:handler", "--output-format", "json", *flags),
        cwd=app.parent,
    )
    assert done.returncode == 0, done.stderr
    made: dict[str, Any] = json.loads(done.stdout)
    return made


def zipped(library: Path, *others: Path) -> bytes:
    """Return the code of the chat, as a zip file.

    Args:
        library: A folder with the library in it and nothing else.
        others: Other applications.
    """
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as code:
        for path in library.rglob("*"):
            if path.is_file():
                code.write(path, path.relative_to(library))
        for app in (CHAT, *others):
            code.write(app, app.name)
    return archive.getvalue()


@contextmanager
def ministack(
    folder: Path, variables: Mapping[str, str] | None = None
) -> Iterator[MiniStack]:
    """Run MiniStack in a folder of its own.

    Args:
        folder: An empty folder.
        variables: What its functions have in their environments besides.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    own = {
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "AWS_DEFAULT_REGION": REGION,
        "TMPDIR": str(folder),
        "HOME": str(folder),
        # A queue's URL has it as its host.
        "MINISTACK_HOST": "127.0.0.1",
    }
    environ = environment({**own, **(variables or {})})
    # Functions would inherit them, and AWS sets neither.
    del environ["AWS_CONFIG_FILE"], environ["AWS_SHARED_CREDENTIALS_FILE"]
    process = subprocess.Popen(
        [SERVER],
        cwd=folder,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    terminal = Terminal(process, "ministack")
    try:
        terminal.wait_for("Running on http://")
        yield MiniStack(port, terminal, variables or {})
    finally:
        complaint = terminal.interrupt()
    assert not complaint, complaint
