"""Headers that are sent but not signed: who is asking, and in which trace."""

import re
import sys
from collections.abc import Mapping

import wspubsub

_PLAIN = re.compile(r"[A-Za-z0-9_.~\-=;:+&\[\]{}\"',]*")
"""What botocore leaves unquoted in the trace header."""


def format_unsigned_headers(environment: Mapping[str, str]) -> str:
    """Return the lines of these headers, ready to be sent with a request.

    Lambda gives each invocation its trace in the environment. A service that is called
    hands it on, so that X-Ray sees one trace, and Lambda a loop.
    """
    lines = f"accept-encoding: identity\r\nuser-agent: {_user_agent(environment)}\r\n"
    trace = environment.get("_X_AMZN_TRACE_ID")
    if trace and environment.get("AWS_LAMBDA_FUNCTION_NAME"):
        lines += f"x-amzn-trace-id: {_quote(trace)}\r\n"
    return lines


def _user_agent(environment: Mapping[str, str]) -> str:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    agent = f"wspubsub/{wspubsub.__version__} lang/python#{version}"
    runtime = environment.get("AWS_EXECUTION_ENV", "")
    return f"{agent} exec-env/{_quote(runtime)}" if runtime else agent


def _quote(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    from urllib.parse import quote  # Lambda's own never need it

    return quote(text, safe="-=;:+&[]{}\"',")
