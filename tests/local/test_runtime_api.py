"""The Runtime API towards a runtime that makes mistakes."""

import asyncio
import http.client
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from wspubsub.gateway import Raised, Returned
from wspubsub.local import http11
from wspubsub.local.functions.runtime_api import RuntimeApi, RuntimeInvocation

INVOCATION_ID = "Lambda-Runtime-Invocation-Id"
PREFIX = "/2018-06-01/runtime"
EVENT = RuntimeInvocation(
    request_id="8c1e", event={"hello": "there"}, trace_id="Root=1-2-3"
)

Answer = tuple[int, http.client.HTTPMessage, Any]
Call = Callable[..., Awaitable[Answer]]


def with_api(use: Callable[[RuntimeApi, Call], Awaitable[None]]) -> None:
    async def run() -> None:
        api = RuntimeApi("arn:aws:lambda:us-east-1:123456789012:function:f")
        address = await api.start()

        def call(
            method: str, path: str, body: object = None, **headers: str
        ) -> Awaitable[Answer]:
            named = {k.replace("_", "-"): v for k, v in headers.items()}
            return asyncio.to_thread(
                _request, address, method, PREFIX + path, body, named
            )

        try:
            await use(api, call)
        finally:
            await api.close()

    asyncio.run(run())


def _request(
    address: str, method: str, path: str, body: object, headers: dict[str, str]
) -> Answer:
    connection = http.client.HTTPConnection(address, timeout=10)
    try:
        connection.request(method, path, json.dumps(body), headers)
        response = connection.getresponse()
        data = response.read()
        return response.status, response.headers, json.loads(data or b"null")
    finally:
        connection.close()


def test_an_invocation_goes_out_with_its_headers_and_its_result_comes_back() -> None:
    async def use(api: RuntimeApi, call: Call) -> None:
        asking = asyncio.ensure_future(call("GET", "/invocation/next"))
        assert await api.ready is None
        result = api.begin(EVENT, deadline=1_731_324_924.553)
        status, headers, event = await asking
        accepted, _, _ = await call("POST", "/invocation/8c1e/response", {"x": [1]})

        assert (status, event) == (200, {"hello": "there"})
        assert headers["lambda-runtime-aws-request-id"] == "8c1e"
        assert headers["lambda-runtime-deadline-ms"] == "1731324924553"
        assert headers["lambda-runtime-trace-id"] == "Root=1-2-3"
        assert headers["lambda-runtime-invoked-function-arn"].endswith(":function:f")
        assert accepted == 202
        assert await result == Returned({"x": [1]})

    with_api(use)


@pytest.mark.parametrize(
    ("report", "header", "raised"),
    [
        (
            {"errorType": "ValueError", "errorMessage": "no"},
            "x",
            Raised("ValueError", "no"),
        ),
        (["no", "object"], "Runtime.Odd", Raised("Runtime.Odd", "")),
        ({}, "", Raised("Runtime.Unknown", "")),
    ],
)
def test_an_error_is_taken_as_far_as_it_can_be_read(
    report: object, header: str, raised: Raised
) -> None:
    async def use(api: RuntimeApi, call: Call) -> None:
        result = api.begin(EVENT, deadline=0.0)
        await call(
            "POST",
            "/invocation/8c1e/error",
            report,
            Lambda_Runtime_Function_Error_Type=header,
        )

        assert await result == raised

    with_api(use)


def test_an_error_at_initialization_is_what_becomes_of_the_environment() -> None:
    async def use(api: RuntimeApi, call: Call) -> None:
        report = {"errorType": "Runtime.ImportModuleError", "errorMessage": "no"}
        status, _, _ = await call("POST", "/init/error", report)
        await call("POST", "/init/error", {})

        assert status == 202
        assert await api.ready == Raised("Runtime.ImportModuleError", "no")

    with_api(use)


def test_what_a_runtime_does_wrong_is_refused_and_changes_nothing() -> None:
    async def use(api: RuntimeApi, call: Call) -> None:
        early, _, _ = await call("POST", "/invocation/8c1e/response", {})
        asking = asyncio.ensure_future(call("GET", "/invocation/next"))
        assert await api.ready is None
        result = api.begin(EVENT, deadline=0.0)
        attempt = (await asking)[1]
        again, _, problem = await call("GET", "/invocation/next")
        other, _, _ = await call("POST", "/invocation/other/response", {})
        outdated, _, _ = await call(
            "POST", "/invocation/8c1e/response", {}, Lambda_Runtime_Invocation_Id="old"
        )
        lost, _, _ = await call("GET", "/restore/next")
        foreign, _, _ = await call("GET", "/invocation/next", Host="evil.example")

        assert (early, other, outdated, lost, foreign) == (400, 400, 400, 404, 403)
        assert (again, problem["errorType"]) == (403, "InvalidStateTransition")
        assert not result.done()
        echoed = {"Lambda_Runtime_Invocation_Id": attempt[INVOCATION_ID]}
        await call("POST", "/invocation/8c1e/response", 1, **echoed)
        assert await result == Returned(1)

    with_api(use)


def test_a_runtime_that_asks_again_is_answered_where_it_waits() -> None:
    async def use(api: RuntimeApi, call: Call) -> None:
        given_up = asyncio.ensure_future(call("GET", "/invocation/next"))
        assert await api.ready is None
        asking = asyncio.ensure_future(call("GET", "/invocation/next"))
        with pytest.raises(http.client.RemoteDisconnected):
            await given_up
        api.begin(EVENT, deadline=0.0)

        assert (await asking)[2] == {"hello": "there"}

    with_api(use)


def test_a_runtime_may_take_longer_than_a_silent_client_may(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http11, "KEEP_ALIVE_SECONDS", 0.0)

    async def use(api: RuntimeApi, _call: Call) -> None:
        def serve(connection: http.client.HTTPConnection) -> int:
            connection.request("GET", f"{PREFIX}/invocation/next")
            connection.getresponse().read()
            connection.request("POST", f"{PREFIX}/invocation/8c1e/response", b"1")
            return connection.getresponse().status

        connection = http.client.HTTPConnection(api.address, timeout=10)
        connection.auto_open = 0  # one connection is all that a runtime needs
        connection.connect()
        serving = asyncio.create_task(asyncio.to_thread(serve, connection))
        assert await api.ready is None
        result = api.begin(EVENT, deadline=0.0)

        assert await serving == 202
        assert await result == Returned(1)
        connection.close()

    with_api(use)


def test_what_is_no_http_is_refused() -> None:
    async def use(api: RuntimeApi, _call: Call) -> None:
        reader, writer = await asyncio.open_connection(*api.address.split(":"))
        writer.write(b"hello\r\n\r\n")

        assert (await reader.readline()).startswith(b"HTTP/1.1 400 ")
        writer.close()

    with_api(use)
