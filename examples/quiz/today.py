"""Says today's room to the pages on this machine: `python today.py dev.jsonl`.

The first line that `wspubsub dev --json-logs` writes says where the table is.
"""

import importlib
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

with Path(sys.argv[1]).open() as lines:
    ready = json.loads(next(lines))
os.environ |= {
    **dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "local"),
    "AWS_REGION": ready["region"],
    "AWS_ENDPOINT_URL_DYNAMODB": ready["dynamodb_url"],
    "WSPUBSUB_TABLE": ready["table"],
    "WSPUBSUB_ENDPOINT": ready["management_url"],
    **({"WSPUBSUB_STREAM": ready["stream"]} if "stream" in ready else {}),
}
importlib.import_module("daily").handler({"time": datetime.now(UTC).isoformat()}, None)
