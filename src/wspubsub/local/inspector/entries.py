"""What the page is told about an entry, made when somebody reads it."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from wspubsub.gateway import Close, Handshake, Raised
from wspubsub.local.functions.environment import OutputLine
from wspubsub.local.functions.waiting import InvocationOutcome
from wspubsub.local.inspector.ring import Entry

MAX_TEXT = 32_768
"""A longer text is cut for the page, in characters."""

Json = dict[str, Any]


def describe(entry: Entry) -> Json:
    """Return an entry as a JSON object."""
    about: Json = {}
    for name, value in entry.fields.items():
        describe_value = _DESCRIBED.get(name)
        about |= describe_value(value) if describe_value else {name: value}
    return {
        "n": entry.number,
        "at": entry.at,
        "kind": entry.kind,
        "parent": entry.parent or None,
        **about,
    }


def describe_text(data: bytes | str) -> Json:
    """Return a text, cut if it is long, and its size in bytes."""
    raw = data.encode(errors="replace") if isinstance(data, str) else data
    text = data if isinstance(data, str) else data.decode(errors="replace")
    cut = {"cut": True} if len(text) > MAX_TEXT else {}
    return {"text": text[:MAX_TEXT], "size": len(raw), **cut}


def describe_json(name: str, value: object) -> Json:
    """Return a JSON value by its name; a large one as the beginning of its text."""
    text = json.dumps(value, ensure_ascii=False)
    if len(text) <= MAX_TEXT:
        return {name: value}
    return {name: text[:MAX_TEXT], "cut": True}


def describe_report(report: Mapping[str, Any]) -> Json:
    """Return what became of a publish, from the fields of its report that are set."""
    return {
        "delivered": report.get("delivered", 0),
        "gone": sorted(report.get("gone", ())),
        "throttled": sorted(report.get("throttled", ())),
        "deferred": sorted(report.get("deferred", ())),
        "failed": dict(report.get("failed", {})),
        "queued": report.get("queued", False),
        "position": report.get("position"),
        "reason": report.get("reason", ""),
    }


def _describe_handshake(handshake: Handshake) -> Json:
    return {
        "path": handshake.path,
        "query": handshake.query,
        "headers": [list(each) for each in handshake.headers],
        "address": handshake.source_ip,
    }


def _describe_close(close: Close) -> Json:
    return {
        "connection": close.connection_id,
        "code": close.code,
        "reason": close.reason,
        "detail": close.detail,
    }


def _describe_event(encoded: bytes) -> Json:
    event = json.loads(encoded)
    context = event.get("requestContext") or {}
    authorizer = context.get("authorizer") or {}
    user = authorizer.get("principalId")
    about = {} if user is None else {"user": user}
    return {**about, **describe_json("event", event)}


def _describe_outcome(outcome: InvocationOutcome | str) -> Json:
    if isinstance(outcome, str):
        return {"outcome": outcome, "ms": 0.0}
    result = outcome.result
    about: Json = {
        "ms": round(outcome.seconds * 1000, 1),
        "environment": outcome.environment,
        "is_cold": outcome.is_cold,
    }
    if isinstance(result, Raised):
        return {
            "outcome": result.error_type,
            **about,
            "error": result.message,
            "traceback": "".join(result.stack_trace),
        }
    value = result.value
    status = value.get("statusCode") if isinstance(value, Mapping) else None
    named = "returned" if status is None else str(status)
    return {"outcome": named, **about, **describe_json("value", value)}


def _describe_output(line: OutputLine) -> Json:
    return {
        "environment": line.environment,
        "stream": line.stream,
        "line": line.text,
    }


_DESCRIBED: Mapping[str, Callable[[Any], Json]] = {
    "body": describe_text,
    "call": dict,
    "close": _describe_close,
    "data": describe_text,
    "event": _describe_event,
    "handshake": _describe_handshake,
    "line": _describe_output,
    "message": describe_text,
    "outcome": _describe_outcome,
}
