"""DynamoDB's request units, worked out from a request and its answer.

"DynamoDB on-demand capacity mode": 4 KB for a read unit, half of one if it need not be
consistent; 1 KB for a write unit; twice as much within a transaction. How large an item
was before is not in the answer, so a change counts what the request has.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

_READ_BYTES, _WRITE_BYTES = 4096, 1024
_Json = Mapping[str, Any]


class Units(NamedTuple):
    """Request units.

    Attributes:
        read: Read request units.
        write: Write request units.
    """

    read: float = 0.0
    write: float = 0.0


def count_units(operation: str, request: _Json, answer: _Json) -> Units:
    """Return what a request has used that was answered with success."""
    if operation in _READS:
        return Units(read=_READS[operation](request, answer))
    if operation in _WRITES:
        return Units(write=_WRITES[operation](request))
    return Units()


def measure_item(item: _Json) -> int:
    """Return the size of an item in bytes ("DynamoDB item sizes and formats")."""
    return sum(len(name.encode()) + _measure(value) for name, value in item.items())


def _measure(value: _Json) -> int:
    [(kind, content)] = value.items()
    measure = _SIZES.get(kind)
    return 1 if measure is None else measure(content)  # null, true or false


def _measure_text(text: str) -> int:
    return len(text.encode())


def _measure_bytes(base64: str) -> int:
    return len(base64) * 3 // 4 - base64[-2:].count("=")


def _measure_map(entries: _Json) -> int:
    sizes = (len(key.encode()) + 1 + _measure(each) for key, each in entries.items())
    return 3 + sum(sizes)


def _measure_number(text: str) -> int:
    sign, digits, _exponent = Decimal(text).normalize().as_tuple()
    return len(digits) // 2 + 1 + sign


def _read(size: int, request: _Json) -> float:
    units = _steps(size, _READ_BYTES)
    return float(units) if request.get("ConsistentRead") else units / 2


def _write(part: _Json) -> float:
    size = measure_item(part.get("Item", {}))
    if "Item" not in part:
        size = measure_item(part.get("Key", {}))
        size += measure_item(part.get("ExpressionAttributeValues", {}))
    return float(_steps(size, _WRITE_BYTES))


def _steps(size: int, step: int) -> int:
    return max(1, math.ceil(size / step))


def _read_one(request: _Json, answer: _Json) -> float:
    return _read(measure_item(answer.get("Item", {})), request)


def _read_page(request: _Json, answer: _Json) -> float:
    return _read(sum(map(measure_item, answer.get("Items", ()))), request)


def _read_batch(request: _Json, answer: _Json) -> float:
    units = 0.0
    for table, keys in request.get("RequestItems", {}).items():
        found = answer.get("Responses", {}).get(table, ())
        units += sum(_read(measure_item(item), keys) for item in found)
        units += (len(keys.get("Keys", ())) - len(found)) * _read(0, keys)
    return units


def _read_transaction(_request: _Json, answer: _Json) -> float:
    sizes = (measure_item(each.get("Item", {})) for each in answer.get("Responses", ()))
    return sum(2.0 * _steps(size, _READ_BYTES) for size in sizes)


def _write_batch(request: _Json) -> float:
    tables = request.get("RequestItems", {}).values()
    return sum(_write(part) for steps in tables for part in _parts(steps))


def _write_transaction(request: _Json) -> float:
    return sum(2 * _write(part) for part in _parts(request.get("TransactItems", ())))


def _parts(steps: Iterable[_Json]) -> Iterator[_Json]:
    for step in steps:
        yield from step.values()


_READS: Mapping[str, Callable[[_Json, _Json], float]] = {
    "GetItem": _read_one,
    "Query": _read_page,
    "Scan": _read_page,
    "BatchGetItem": _read_batch,
    "TransactGetItems": _read_transaction,
}
_WRITES: Mapping[str, Callable[[_Json], float]] = {
    "PutItem": _write,
    "UpdateItem": _write,
    "DeleteItem": _write,
    "BatchWriteItem": _write_batch,
    "TransactWriteItems": _write_transaction,
}
_SIZES: Mapping[str, Callable[[Any], int]] = {
    "S": _measure_text,
    "N": _measure_number,
    "B": _measure_bytes,
    "SS": lambda texts: sum(map(_measure_text, texts)),
    "NS": lambda numbers: sum(map(_measure_number, numbers)),
    "BS": lambda several: sum(map(_measure_bytes, several)),
    "L": lambda values: 3 + sum(1 + _measure(each) for each in values),
    "M": _measure_map,
}
