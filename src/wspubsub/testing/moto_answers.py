"""What moto answers in place of AWS, where rules of faults have their say.

Each request of any AWS client in the process, wspubsub's own included, is answered in
one place of moto's. It is led through here while a test's account exists.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, NoReturn, TypeAlias
from urllib.parse import unquote, urlsplit

from botocore import endpoint
from moto.core.models import botocore_stubber

from wspubsub.faults import Fault, Faults, Occasion, Service
from wspubsub.faults.answers import answer_dynamodb, answer_management
from wspubsub.faults.occasions import see_post, see_request
from wspubsub.testing.faults import suffer
from wspubsub.testing.interception import interception, read_body, silence

# A thing of botocore, which ships no types.
_Botocore: TypeAlias = Any

Answer = tuple[int, dict[str, Any], str | bytes]
"""Status, headers and body."""

_CONNECTIONS = "/@connections/"


@contextmanager
def obey(faults: Faults) -> Iterator[None]:
    """Have DynamoDB and the Management API of moto obey rules while the block runs.

    boto3's pauses between attempts pass as the time does in which rules are slow.

    Args:
        faults: The rules.
    """
    # Neither has another way to choose it.
    moto, botocore = vars(botocore_stubber), vars(endpoint)
    answer, time = botocore_stubber.process_request, botocore["time"]

    def pause(seconds: float) -> None:
        faults.wait(seconds)  # which a gateway may have set meanwhile

    moto["process_request"] = lambda request: _answer(request, faults, answer)
    botocore["time"] = SimpleNamespace(sleep=pause)
    try:
        yield
    finally:
        moto["process_request"] = answer
        botocore["time"] = time


def _answer(
    request: _Botocore, faults: Faults, answer: Callable[[_Botocore], Answer | None]
) -> Answer | None:
    occasion = None if faults.is_empty else _see(request)
    fault = None if occasion is None else faults.find(occasion)
    if fault is None:
        return answer(request)

    def hang() -> NoReturn:
        faults.wait(fault.rule.waits_seconds)
        raise silence(request.url)

    return suffer(
        fault,
        lambda: answer(request),
        wait=faults.wait,
        answer=_refuse,
        silence=hang,
    )


def _see(request: _Botocore) -> Occasion | None:
    url = urlsplit(request.url)
    if _CONNECTIONS not in url.path:
        return see_request(
            _text(request.headers.get("X-Amz-Target")), read_body(request.body)
        )
    if interception.is_serving(url):
        return None  # a gateway has answered it, or will
    connection_id = unquote(url.path.rpartition(_CONNECTIONS)[2])
    return see_post(request.method, connection_id, read_body(request.body))


def _refuse(fault: Fault) -> Answer:
    if fault.occasion.service is Service.MANAGEMENT:
        response = answer_management(fault)
        return response.status, dict(response.headers), response.body
    status, body = answer_dynamodb(fault)
    return status, {"content-type": "application/x-amz-json-1.0"}, body


def _text(value: str | bytes | None) -> str:
    return value.decode() if isinstance(value, bytes) else value or ""
