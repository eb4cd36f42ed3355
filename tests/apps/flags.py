"""A handler whose module can be imported only while no file forbids it."""

import os
import time
from pathlib import Path
from typing import Any

FOLDER = Path(os.environ.get("FLAGS", "."))

if (FOLDER / "broken").exists():
    raise RuntimeError("this module does not like to be imported")
if (FOLDER / "slow-once").exists():
    (FOLDER / "slow-once").unlink()
    time.sleep(60)


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    if event.get("body") == "exit":
        os._exit(0)
    return {"statusCode": 200, "body": f"running in {FOLDER.name}"}
