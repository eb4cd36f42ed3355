"""CloudFormation's intrinsic functions, in their long form."""

import re
from typing import Any

API_ARN = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}"
"""ARN of the API, for `sub`."""

_ATTRIBUTE = re.compile(r"\$\{(\w+)\.(\w+)\}")

Value = Any
Resource = dict[str, Any]
Resources = dict[str, Resource]


def ref(logical_id: str) -> Value:
    """Return a reference to a resource."""
    return {"Ref": logical_id}


def attribute(logical_id: str, name: str) -> Value:
    """Return a reference to an attribute of a resource."""
    return {"Fn::GetAtt": [logical_id, name]}


def sub(text: str) -> Value:
    """Return text in which `${…}` is replaced."""
    return {"Fn::Sub": text}


def arn(text: str) -> Value:
    """Return an ARN in which `${…}` is replaced, or a reference unchanged."""
    match = _ATTRIBUTE.fullmatch(text)
    return attribute(match[1], match[2]) if match else sub(text)


def resource(kind: str, properties: dict[str, Any], **attributes: Any) -> Resource:
    """Return a resource; `attributes` are those besides its properties."""
    return {"Type": kind, **attributes, "Properties": properties}


def invocation_uri(function: str) -> Value:
    """Return the URI that API Gateway calls to invoke a function."""
    return sub(
        "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/"
        f"functions/${{{function}.Arn}}/invocations"
    )


def execute_api_arn(path: str) -> Value:
    """Return the ARN of something in the API."""
    return sub(f"{API_ARN}/{path}")


def api_url(scheme: str, stage: str) -> Value:
    """Return the URL of the API's stage."""
    return sub(
        f"{scheme}://${{Api}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}/{stage}"
    )
