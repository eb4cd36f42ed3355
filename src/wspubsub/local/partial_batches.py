"""What a function's answer says of the records of a batch.

"Implementing partial batch responses" (AWS Lambda), with `ReportBatchItemFailures`.
"""

from collections.abc import Sequence

from wspubsub.gateway import InvocationResult, Returned


def failed_records(
    result: InvocationResult, identifiers: Sequence[str]
) -> frozenset[str]:
    """Return the identifiers of the records that failed.

    All have failed if the function did, or if its answer names one that is not in the
    batch, an empty one, or has another shape; none have if there is no list.
    """
    everything = frozenset(identifiers)
    if not isinstance(result, Returned):
        return everything
    # A function that answers with text or a list has not heard of this at all.
    answer = result.value if isinstance(result.value, dict) else {}
    failures = answer.get("batchItemFailures") or ()
    if not isinstance(failures, list | tuple):
        return everything
    named = frozenset(
        str(each.get("itemIdentifier")) if isinstance(each, dict) else ""
        for each in failures
    )
    return everything if named - everything else named
