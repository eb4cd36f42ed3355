"""Calls the server API of a `PubSub` from a process that is not its function.

    python server_driver.py examples/rooms/app.py

takes requests like `{"id": 1, "do": "publish", "arguments": ["news", {}]}` from the
standard input, a line each, and answers them as `driver.py` says.
"""

import importlib.util
import json
import sys
from types import ModuleType
from typing import Any

from wspubsub import WspubsubError


def load(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location("app", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["app"] = module
    spec.loader.exec_module(module)
    return module


def answer(pubsub: Any, request: dict[str, Any]) -> dict[str, Any]:
    method = getattr(pubsub, request["do"])
    try:
        result = method(*request["arguments"], **request["options"])
    except WspubsubError as error:
        return {"error": {"code": 0, "message": f"{type(error).__name__}: {error}"}}
    return {"result": result}


def main() -> None:
    pubsub = load(sys.argv[1]).pubsub
    for line in sys.stdin:
        request = json.loads(line)
        reply = {"reply": request["id"], **answer(pubsub, request)}
        print(json.dumps(reply, default=repr), flush=True)  # noqa: T201 - a test reads it


if __name__ == "__main__":
    main()
