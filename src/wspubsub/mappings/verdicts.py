"""What an invocation's result means for the items of its batch.

"Configuring partial batch response with DynamoDB and Lambda" and "Handling errors for
an SQS event source in Lambda": with ReportBatchItemFailures an empty or missing list
is a success, and a list that names no item of the batch fails all of it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from wspubsub.gateway import InvocationResult, Raised

SUCCEEDED, PARTLY_FAILED, MALFORMED = "succeeded", "partly failed", "malformed"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchVerdict:
    """How a batch ended.

    Attributes:
        failed: Identifiers of the items to redeliver.
        outcome: The same in a word: `succeeded`, `partly failed`, `malformed`, or the
            type of the error.
        error: What was wrong, for the developer.
    """

    failed: frozenset[str]
    outcome: str = SUCCEEDED
    error: str = ""

    @classmethod
    def of(cls, result: InvocationResult, items: Sequence[str]) -> "BatchVerdict":
        """Return the verdict on a batch of items, named by their identifiers."""
        if isinstance(result, Raised):
            return cls(
                failed=frozenset(items), outcome=result.error_type, error=result.message
            )
        failed, problem = _read_failures(result.value, items)
        if problem:
            return cls(failed=frozenset(items), outcome=MALFORMED, error=problem)
        return cls(failed=failed, outcome=PARTLY_FAILED if failed else SUCCEEDED)


def _read_failures(value: object, items: Collection[str]) -> tuple[frozenset[str], str]:
    nothing: frozenset[str] = frozenset()
    response = {} if value is None else value
    if not isinstance(response, Mapping):
        return nothing, "a batch response must be an object with batchItemFailures"
    failures = response.get("batchItemFailures")
    if failures is None:
        return nothing, ""
    if not isinstance(failures, list):
        return nothing, "batchItemFailures must be a list"
    named = frozenset(_identifier(failure) for failure in failures)
    if "" in named:
        return nothing, "each item of batchItemFailures must have an itemIdentifier"
    if unknown := sorted(named - set(items)):
        return nothing, (
            f"batchItemFailures names {unknown[0][:100]!r}, which is not in the batch"
        )
    return named, ""


def _identifier(failure: object) -> str:
    found = failure.get("itemIdentifier") if isinstance(failure, Mapping) else None
    return found if isinstance(found, str) else ""
