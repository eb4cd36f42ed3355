"""The in-process gateway's Management API as a `Connections`."""

from collections.abc import Callable
from urllib.parse import quote

from typing_extensions import override

from wspubsub.faults import Faults
from wspubsub.gateway.effects import ManagementResponse
from wspubsub.gateway.inputs import ManagementRequest
from wspubsub.testing.attempts import Answer, AttemptedConnections

SIGNED = {"authorization": "AWS4-HMAC-SHA256 Credential=in-process"}


class GatewayConnections(AttemptedConnections):
    """The `Connections` of an `InProcessGateway`, for the handler under test.

    Waiting for the next attempt is the gateway's time, not real time.

    Args:
        stage: Stage of the gateway.
        answer: Answers a request to the Management API.
        wait: Lets the gateway's time pass.
        faults: What fails on request.
    """

    def __init__(
        self,
        stage: str,
        answer: Callable[[ManagementRequest], ManagementResponse],
        wait: Callable[[float], None],
        faults: Faults,
    ) -> None:
        super().__init__(faults)
        self._stage = stage
        self._answer = answer
        self._pass_time = wait

    @override
    def _attempt(self, method: str, connection_id: str, data: bytes) -> Answer:
        response = self._answer(
            ManagementRequest(
                method=method,
                path=f"/{self._stage}/@connections/{quote(connection_id, safe='')}",
                headers=SIGNED,
                body=data,
            )
        )
        code = response.headers.get("x-amzn-errortype", "")
        return Answer(response.status, code, response.body)

    @override
    def _wait(self, seconds: float) -> None:
        self._pass_time(seconds)
