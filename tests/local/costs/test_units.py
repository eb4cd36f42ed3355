"""DynamoDB's units for requests and their answers."""

from typing import Any

import pytest

from wspubsub.local.costs.units import Units, count_units, measure_item


def item(size: int) -> dict[str, Any]:
    return {"a": {"S": "x" * (size - 1)}}


@pytest.mark.parametrize(
    ("operation", "request_", "answer", "units"),
    [
        ("GetItem", {}, {}, Units(read=0.5)),
        ("GetItem", {"ConsistentRead": True}, {"Item": item(4096)}, Units(read=1)),
        ("GetItem", {"ConsistentRead": True}, {"Item": item(4097)}, Units(read=2)),
        ("Query", {}, {"Items": [item(3000), item(3000)]}, Units(read=1)),
        ("Scan", {}, {"Items": []}, Units(read=0.5)),
        (
            "BatchGetItem",
            {"RequestItems": {"t": {"Keys": [{}, {}]}}},
            {"Responses": {"t": [item(5000)]}},
            Units(read=1.5),
        ),
        (
            "TransactGetItems",
            {},
            {"Responses": [{"Item": item(10)}, {}]},
            Units(read=4),
        ),
        ("PutItem", {"Item": item(1024)}, {}, Units(write=1)),
        ("PutItem", {"Item": item(1025)}, {}, Units(write=2)),
        ("DeleteItem", {"Key": item(10)}, {}, Units(write=1)),
        (
            "UpdateItem",
            {"Key": item(10), "ExpressionAttributeValues": item(1020)},
            {},
            Units(write=2),
        ),
        (
            "BatchWriteItem",
            {"RequestItems": {"t": [{"PutRequest": {"Item": item(2000)}}]}},
            {},
            Units(write=2),
        ),
        (
            "TransactWriteItems",
            {"TransactItems": [{"Put": {"Item": item(9)}}, {"Delete": {"Key": {}}}]},
            {},
            Units(write=4),
        ),
        ("DescribeTable", {}, {}, Units()),
    ],
)
def test_a_request_uses_units(
    operation: str, request_: dict[str, Any], answer: dict[str, Any], units: Units
) -> None:
    assert count_units(operation, request_, answer) == units


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "é"}, 2),
        ({"N": "-1200"}, 3),
        ({"N": "5"}, 1),
        ({"B": "AAEC"}, 3),
        ({"B": "AA=="}, 1),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"SS": ["a", "bc"]}, 3),
        ({"NS": ["1", "22"]}, 3),
        ({"BS": ["AA=="]}, 1),
        ({"L": [{"S": "ab"}]}, 6),
        ({"M": {"k": {"S": "ab"}}}, 7),
    ],
)
def test_a_value_has_the_size_that_dynamodb_documents(
    value: dict[str, Any], size: int
) -> None:
    assert measure_item({"n": value}) == 1 + size
