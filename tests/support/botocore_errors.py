"""Errors of botocore that only botocore itself can raise."""

import pytest
from botocore.parsers import create_parser


def parsing_error(body: bytes) -> Exception:
    """Return what botocore raises when it reads an answer that it cannot read."""
    response = {"body": body, "headers": {}, "status_code": 400, "context": {}}
    with pytest.raises((AttributeError, UnicodeDecodeError)) as caught:
        create_parser("json").parse(response, None)
    return caught.value
