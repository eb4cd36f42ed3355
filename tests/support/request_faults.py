"""DynamoDB with a fault in what is asked of it, which a test's runs must notice."""

from collections.abc import Callable
from typing import Any

from tests.support.late_reads import EVERYTHING, LateReads
from tests.support.servers.small_table import SmallTable

PAGE_ITEMS = 2

ONE_PAGE = "ONE_PAGE"
"""In a request: the rest of the answer is left out."""

Request = dict[str, Any]
Fault = Callable[[str, Request], Request]


def no_fault(_operation: str, request: Request) -> Request:
    return request


class Endpoint:
    """DynamoDB with small pages and a fault, and the way to a client."""

    def __init__(self, table: SmallTable, fault: Fault) -> None:
        self._client = LateReads(table, EVERYTHING)
        self._fault = fault

    def post(self, *, send: Callable[[], None]) -> None:
        send()

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            if operation == "query":
                request["Limit"] = min(PAGE_ITEMS, request.get("Limit", PAGE_ITEMS))
            request = self._fault(operation, request)
            is_cut = request.pop(ONE_PAGE, False)
            answer = getattr(self._client, operation)(**request)
            if is_cut:
                answer.pop("LastEvaluatedKey", None)
            return answer

        return call
