"""The environment variables that a template gives the function of a handler."""

from typing import Any

import pytest

from wspubsub.deployment.reading import find_variables


def template(value: object, *, kind: str = "AWS::Lambda::Function") -> dict[str, Any]:
    """Return a template of one function with one variable."""
    environment = {"Variables": {"A": value}}
    function = {"Handler": "app.handler", "Environment": environment}
    return {
        "Parameters": {
            "Known": {"Type": "Number", "Default": 5},
            "Unknown": {"Type": "String"},
        },
        "Resources": {"F": {"Type": kind, "Properties": function}},
    }


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("text", "text"),
        (5, "5"),
        (True, "true"),
        ({"Ref": "Known"}, "5"),
        ({"Ref": "Unknown"}, "0"),
        ({"Ref": "Table"}, "0"),
        ({"Fn::GetAtt": ["Table", "Arn"]}, "0"),
        (None, "0"),
    ],
)
@pytest.mark.parametrize("kind", ["AWS::Lambda::Function", "AWS::Serverless::Function"])
def test_a_value_is_the_one_of_the_stack_as_far_as_it_is_known(
    value: object, found: str, kind: str
) -> None:
    assert find_variables(template(value, kind=kind), "app.handler") == {"A": found}


def test_the_functions_own_variables_count_most() -> None:
    given = template("own")
    given["Resources"]["Other"] = {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Handler": "other.handler",
            "Environment": {"Variables": {"A": "other", "B": "b"}},
        },
    }
    shared = {"Environment": {"Variables": {"A": "shared", "C": "c"}}}
    given["Globals"] = {"Function": shared}

    assert find_variables(given, "app.handler") == {"A": "own", "B": "b", "C": "c"}


@pytest.mark.parametrize("everywhere", [{}, {"Handler": "app.handler"}])
def test_what_all_functions_share_counts_least(everywhere: dict[str, str]) -> None:
    given = template("own", kind="AWS::Serverless::Function")
    properties = given["Resources"]["F"]["Properties"]
    shared = {"Environment": {"Variables": {"A": "shared"}}}
    given["Globals"] = {"Function": {**shared, **everywhere}}
    for name in everywhere:
        del properties[name]

    assert find_variables(given, "app.handler") == {"A": "own"}


def test_the_functions_of_a_loop_have_variables() -> None:
    given = template("${Name}")
    (function,) = given["Resources"].values()
    loop = ["Name", ["own"], {"&{Name}": function}]
    given["Resources"] = {"Fn::ForEach::Functions": loop}

    assert find_variables(given, "app.handler") == {"A": "own"}


def test_a_loop_that_cannot_be_read_takes_no_other_variables_away() -> None:
    given = template("own")
    loop = {"Fn::ForEach::Tags": ["Tag", {"Ref": "Unknown"}, {"${Tag}": "x"}]}
    given["Resources"]["F"]["Properties"]["Tags"] = loop
    given["Resources"]["F"]["Properties"]["Environment"]["Variables"] |= loop

    assert find_variables(given, "app.handler") == {"A": "own"}


@pytest.mark.parametrize("broken", [None, [], {"Variables": {"Fn::If": ["X", {}, {}]}}])
def test_what_cannot_be_read_gives_no_variables(broken: object) -> None:
    given = template("x")
    given["Resources"]["F"]["Properties"]["Environment"] = broken

    assert find_variables(given, "app.handler") == {}
