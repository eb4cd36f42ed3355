"""Loops of `AWS::LanguageExtensions` in templates."""

from typing import Any

import pytest

from tests.support.infra_templates import Template, found, made
from wspubsub.deployment.reading import list_unread_loops

KEYS = ["$connect", "$disconnect", "$default", "sendMessage", "subscribe"]
ROUTE = {
    "Type": "AWS::ApiGatewayV2::Route",
    "Properties": {
        "ApiId": {"Ref": "Api"},
        "RouteKey": "${Key}",
        "Target": {"Fn::Sub": "integrations/${Integration}"},
    },
}


def looped(collection: object, **fragment: object) -> Template:
    """A template whose routes are made by a loop."""
    template = made()
    resources = {
        name: each
        for name, each in template["Resources"].items()
        if each["Type"] != "AWS::ApiGatewayV2::Route"
    }
    resources["Stage"].pop("DependsOn", None)
    resources["Fn::ForEach::Routes"] = [
        "Key",
        collection,
        fragment or {"Route&{Key}": ROUTE},
    ]
    return template | {"Transform": "AWS::LanguageExtensions", "Resources": resources}


def parameters(template: Template, **given: object) -> Template:
    return template | {"Parameters": template["Parameters"] | given}


@pytest.mark.parametrize(
    "route_key", ["${Key}", "&{Key}", {"Ref": "Key"}, {"Fn::Sub": "${Key}"}]
)
def test_the_routes_of_a_loop_are_judged(route_key: object) -> None:
    route = {**ROUTE, "Properties": {**ROUTE["Properties"], "RouteKey": route_key}}  # type: ignore[dict-item] # a mapping
    assert found(looped(KEYS, **{"Route&{Key}": route})) == []

    (line,) = found(looped(KEYS[:-1], **{"Route&{Key}": route}))

    assert line.startswith("Api: has no route subscribe")


def test_a_loop_may_go_through_a_parameter() -> None:
    template = looped({"Ref": "Keys"})
    given = {"Type": "CommaDelimitedList", "Default": ", ".join(KEYS)}

    assert found(parameters(template, Keys=given)) == []
    assert list_unread_loops(parameters(template, Keys=given)) == []


def test_single_values_of_a_collection_may_be_parameters() -> None:
    template = looped([*KEYS[:-1], {"Ref": "Last"}])

    given = {"Type": "String", "Default": "subscribe"}

    assert found(parameters(template, Last=given)) == []


@pytest.mark.parametrize(
    "collection",
    [
        {"Ref": "Keys"},
        {"Ref": "Nothing"},
        {"Fn::ImportValue": "keys"},
        [{"Ref": "Keys"}],
        [{"Fn::ImportValue": "key"}],
        "text",
        None,
    ],
)
def test_a_loop_over_something_unknown_is_not_missing_and_said(
    collection: Any,
) -> None:
    template = parameters(looped(collection), Keys={"Type": "CommaDelimitedList"})

    assert found(template) == []
    assert list_unread_loops(template) == ["Fn::ForEach::Routes"]


def test_a_resource_with_a_loop_over_something_unknown_is_not_judged_and_said() -> None:
    template = made()
    del template["Resources"]["Table"]["Properties"]["TimeToLiveSpecification"]
    assert found(template) != []

    template["Resources"]["Table"]["Properties"]["Tags"] = {
        "Fn::ForEach::Tags": ["Tag", {"Ref": "Tags"}, {"${Tag}": "x"}]
    }

    assert found(template) == []
    assert list_unread_loops(template) == ["Table"]


def test_loops_may_be_in_loops_and_in_properties() -> None:
    template = looped(
        ["subscribe", "sendMessage"],
        **{
            "Fn::ForEach::Kinds": [
                "Kind",
                ["Route", "Spare"],
                {"${Key}${Kind}": {**ROUTE, "Condition": "Is${Kind}"}},
            ]
        },
    )
    for key in KEYS[:3]:
        template["Resources"][key[1:]] = {
            **ROUTE,
            "Properties": ROUTE["Properties"] | {"RouteKey": key},  # type: ignore[operator] # a mapping
        }
    variables = template["Resources"]["Function"]["Properties"]["Environment"]
    variables["Variables"]["Fn::ForEach::Flags"] = ["Flag", ["A", "B"], {"${Flag}": 1}]

    assert found(template) == []


def test_what_a_loop_in_properties_makes_is_read() -> None:
    template = made()
    environment = template["Resources"]["Function"]["Properties"]["Environment"]
    endpoint = environment["Variables"].pop("WSPUBSUB_ENDPOINT")
    assert found(template) != []

    environment["Variables"]["Fn::ForEach::Names"] = [
        "Name",
        ["ENDPOINT"],
        {"WSPUBSUB_${Name}": endpoint},
    ]

    assert found(template) == []
