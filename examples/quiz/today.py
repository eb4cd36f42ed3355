"""Says today's room to the pages on this machine, as the schedule does on AWS.

    python today.py dev.jsonl

`dev.jsonl` is what `wspubsub dev --json-logs` has written; its first line says where
the table and the connections are.
"""

import importlib
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

if __name__ == "__main__":
    with Path(sys.argv[1]).open() as lines:
        ready = json.loads(next(lines))
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": ready["region"],
        "AWS_ENDPOINT_URL_DYNAMODB": ready["dynamodb_url"],
        "WSPUBSUB_TABLE": ready["table"],
        "WSPUBSUB_ENDPOINT": ready["management_url"],
        **({"WSPUBSUB_STREAM": ready["stream"]} if "stream" in ready else {}),
    }
    event = {"time": datetime.now(UTC).isoformat()}
    importlib.import_module("daily").handler(event, None)
