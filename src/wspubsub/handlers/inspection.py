"""What a user's handler has set up, found by importing it in a separate process."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Set as AbstractSet
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from wspubsub.errors import UsageError
from wspubsub.handlers.application import SOURCE_VARIABLES, Application
from wspubsub.handlers.environ import isolate_environ, python_path
from wspubsub.handlers.target import Target
from wspubsub.messages import Json

_REGION, _ACCOUNT = "us-east-1", "123456789012"
_TIMEOUT_SECONDS = 60
_VARIABLES = {
    "AWS_MAX_ATTEMPTS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "WSPUBSUB_ENDPOINT": f"https://abcdef1234.execute-api.{_REGION}.amazonaws.com/prod",
    "WSPUBSUB_QUEUE": f"https://sqs.{_REGION}.amazonaws.com/{_ACCOUNT}/wspubsub",
    "WSPUBSUB_STREAM": f"arn:aws:dynamodb:{_REGION}:{_ACCOUNT}:table/wspubsub/stream/"
    "2026-01-01T00:00:00.000",
    "WSPUBSUB_TABLE": "wspubsub",
}


class NoRouterError(UsageError):
    """A handler is not a `Router` and has none, so its routes are unknown."""


def read_application(
    target: str,
    *,
    folder: Path | None = None,
    variables: Mapping[str, str] | None = None,
    sources: AbstractSet[str] = frozenset(),
) -> Application:
    """Import a handler in a separate process, and return what it has set up.

    Nothing that its module does while it is imported reaches AWS: it finds worthless
    credentials, and endpoints where nobody listens.

    Args:
        target: The handler, as the commands take it: `chat/app.py:handler`.
        folder: What the target is relative to; the working directory by default.
        variables: What the environment has besides.
        sources: `stream`, `queue` or both, as far as the handler will find their
            variables, `WSPUBSUB_STREAM` and `WSPUBSUB_QUEUE`, once it is deployed. It
            finds others only if it reads them without saying what to do when they are
            missing: `os.environ["WSPUBSUB_QUEUE"]`.

    Raises:
        UsageError: It cannot be imported, or has no router.
    """
    parsed = Target.parse(target, cwd=folder or Path.cwd())
    return inspect_handler(parsed, variables=variables, sources=sources)


def inspect_handler(
    target: Target,
    *others: Target,
    variables: Mapping[str, str] | None = None,
    sources: AbstractSet[str] = frozenset(),
    is_quiet: bool = False,
) -> Application:
    """Return what a handler has set up.

    Args:
        target: The handler.
        others: Other functions of the same deployment; they must exist.
        variables: What the environment has besides.
        sources: As for `read_application`.
        is_quiet: Whether what its module prints is not shown.

    Raises:
        NoRouterError: It has no router.
        UsageError: It cannot be imported.
    """
    for other in others:
        if other.task_root != target.task_root:
            raise UsageError(
                f"{other.text} must be in the folder of {target.text}, "
                f"{target.task_root}, because both are deployed from it; move it "
                "there"
            )
    handlers = [each.handler for each in (target, *others)]
    arguments = [*_optional(sources), *handlers]
    answer = _answer(target, arguments, variables or {}, is_quiet=is_quiet)
    if "error" in answer:
        raise UsageError(f"{target.text}: {answer['error']}")
    declared = answer["declaration"]
    if declared is None:
        raise NoRouterError(_describe_router(target))
    return Application(
        handler=target.handler,
        variables=frozenset(answer["variables"]),
        **{name: _as_set(value) for name, value in declared.items()},
    )


def _as_set(value: Json) -> Json:
    return frozenset(value) if isinstance(value, list) else value


def _optional(sources: AbstractSet[str]) -> list[str]:
    return [
        f"--optional={variable}"
        for source, variable in SOURCE_VARIABLES.items()
        if source not in sources
    ]


def _describe_router(target: Target) -> str:
    return (
        f"{target.text}: {target.handler} is not a Router and has no attribute "
        "`router` that is one; if it is a function that calls a router, add "
        f"{target.handler.rpartition('.')[2]}.router = router"
    )


def _answer(
    target: Target,
    arguments: list[str],
    variables: Mapping[str, str],
    *,
    is_quiet: bool,
) -> dict[str, Any]:
    with as_file(files("wspubsub.handlers") / "probe.py") as probe:
        try:
            done = subprocess.run(  # noqa: S603 - our own interpreter
                [sys.executable, "-P", str(probe), *arguments],
                env=_environ({**os.environ, **variables}, target),
                cwd=target.task_root,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL if is_quiet else None,
                timeout=_TIMEOUT_SECONDS,
                check=False,
                process_group=0,  # Ctrl-C reaches only this process, which ends it
            )
        except subprocess.TimeoutExpired:
            raise UsageError(
                f"importing {target.text} took more than {_TIMEOUT_SECONDS} s, but "
                "Lambda allows 10 s; make the import faster"
            ) from None
    if done.returncode or not done.stdout:
        raise UsageError(
            f"importing {target.text} ended its process with status "
            f"{done.returncode}; the module must not exit"
        )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _environ(base: Mapping[str, str], target: Target) -> dict[str, str]:
    # The user's own endpoints, proxies and Lambda's own client lead elsewhere.
    kept = {
        name: value
        for name, value in base.items()
        if not name.startswith(("AWS_ENDPOINT_URL", "AWS_LAMBDA_"))
    }
    return {
        **isolate_environ(kept, _REGION),
        **_VARIABLES,
        "PYTHONPATH": python_path(base, target),
    }
