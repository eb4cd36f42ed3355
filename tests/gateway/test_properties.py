"""Whatever happens to a gateway, in whatever order, some things hold."""

import json
import random
import re
from urllib.parse import quote

from hypothesis import settings, strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from wspubsub import parse_event
from wspubsub.gateway import (
    Accept,
    Close,
    DataFrame,
    Effect,
    Function,
    Gateway,
    GatewayConfig,
    Handshake,
    InvocationResult,
    Invoke,
    ManagementRequest,
    Raised,
    Refuse,
    Returned,
    SendText,
    Withdraw,
)

ID = re.compile(r"[A-Za-z0-9_-]{15}=")
ALLOW = {"Effect": "Allow", "Action": "*", "Resource": "*"}
DENY = ALLOW | {"Effect": "Deny"}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda values: (
        st.lists(values, max_size=3)
        | st.dictionaries(st.text(max_size=5), values, max_size=3)
    ),
    max_leaves=6,
)
headers = st.lists(
    st.tuples(
        st.sampled_from(
            ["Host", "host", "User-Agent", "Cookie", "Upgrade", "X-Forwarded-For"]
        ),
        st.text(max_size=5),
    ),
    max_size=4,
).map(tuple)
handshakes = st.builds(
    Handshake,
    path=st.sampled_from(["/dev", "/dev", "/dev/", "/prod", "/%", "/" + "x" * 5000]),
    query=st.sampled_from(["", "token=t", "token=", "a=1&a=2&%zz", "=&;&"]),
    headers=headers,
)
results = st.one_of(
    st.just(Returned({"statusCode": 200, "body": "answer"})),
    st.just(Returned({"statusCode": 200})),
    st.just(Returned({"statusCode": 403})),
    st.builds(
        lambda statement, context: Returned(
            {
                "principalId": "u",
                "policyDocument": {"Statement": statement},
                "context": context,
            }
        ),
        st.sampled_from([[ALLOW], [DENY], ALLOW, []]),
        st.dictionaries(st.text(max_size=5), st.integers() | st.none(), max_size=2),
    ),
    st.builds(Returned, json_values),
    st.builds(
        lambda value: Returned({"statusCode": 200} | value),
        st.dictionaries(
            st.sampled_from(["body", "headers", "multiValueHeaders", "other"]),
            json_values,
            max_size=2,
        ),
    ),
    st.builds(Raised, st.text(max_size=5), st.sampled_from(["Unauthorized", "x"])),
)
frames = st.builds(
    DataFrame,
    st.one_of(
        st.sampled_from([b'{"action":"chat"}', b'{"action":"$connect"}', b"hello"]),
        st.binary(max_size=8),
        st.sampled_from([32_768, 32_769]).map(bytes),
    ),
    is_text=st.sampled_from([True, True, True, None, False]),
    is_final=st.sampled_from([True, True, False]),
)
routes = st.sets(st.sampled_from(["$connect", "$disconnect", "$default", "chat"]))


class GatewayMachine(RuleBasedStateMachine):
    """A gateway and what its shell has seen of it."""

    connections: Bundle[str] = Bundle("connections")

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_767_225_600.0
        self.pending: set[str] = set()
        self.open: set[str] = set()
        self.ended: set[str] = set()
        self.disconnected: set[str] = set()
        self.awaited: list[Invoke] = []
        self.invoked: set[str] = set()

    @initialize(
        routes=routes,
        is_two_way=st.booleans(),
        has_authorizer=st.booleans(),
        is_found_when_idle=st.booleans(),
        seed=st.integers(0, 3),
    )
    def begin(
        self,
        routes: set[str],
        *,
        is_two_way: bool,
        has_authorizer: bool,
        is_found_when_idle: bool,
        seed: int,
    ) -> None:
        has_authorizer = has_authorizer and "$connect" in routes
        config = GatewayConfig(
            routes=routes,
            two_way=routes if is_two_way else set(),
            has_authorizer=has_authorizer,
            identity_sources=(
                ("route.request.querystring.token",) if has_authorizer else ()
            ),
            network_loss_found_when_idle=is_found_when_idle,
        )
        draw = random.Random(seed).randbytes
        self.gateway = Gateway(config, draw=draw)

    def see(self, effects: list[Effect]) -> None:
        """Check what a shell is told to do."""
        for effect in effects:
            match effect:
                case Invoke():
                    self.see_invoke(effect)
                case Withdraw(invocation_id=invocation_id):
                    assert invocation_id in self.invoked
                case Accept(connection_id=connection_id):
                    self.pending.remove(connection_id)
                    self.open.add(connection_id)
                case Refuse(connection_id=connection_id, status=status):
                    assert 300 <= status <= 599
                    self.pending.remove(connection_id)
                case SendText(connection_id=connection_id, text=text):
                    assert connection_id in self.open
                    assert text.encode().decode() == text
                case Close(connection_id=connection_id, code=code):
                    assert code in (1000, 1001, 1002, 1003, 1007, 1009)
                    self.end(connection_id)

    def see_invoke(self, invoke: Invoke) -> None:
        assert invoke.invocation_id not in self.invoked
        self.invoked.add(invoke.invocation_id)
        self.awaited.append(invoke)
        event = json.loads(json.dumps(invoke.event))
        assert event == invoke.event
        context = event["requestContext"]
        assert context["connectionId"] == invoke.connection_id
        if invoke.function is not Function.AUTHORIZER:
            assert parse_event(event).connection_id == invoke.connection_id
        assert ID.fullmatch(context["requestId"])
        assert (invoke.function is Function.AUTHORIZER) == ("methodArn" in event)
        if context["eventType"] == "DISCONNECT":
            assert invoke.connection_id not in self.disconnected
            assert invoke.connection_id not in self.pending | self.open
            self.disconnected.add(invoke.connection_id)

    def end(self, connection_id: str) -> None:
        self.open.remove(connection_id)
        self.ended.add(connection_id)

    @rule(target=connections, request=handshakes)
    def connect(self, request: Handshake) -> str:
        connection_id, effects = self.gateway.handshake(request, now=self.now)
        assert ID.fullmatch(connection_id)
        self.pending.add(connection_id)
        self.see(effects)
        return connection_id

    @precondition(lambda self: self.awaited)
    @rule(position=st.integers(0, 20), result=results)
    def finish(self, position: int, result: InvocationResult) -> None:
        invoke = self.awaited.pop(position % len(self.awaited))

        effects = self.gateway.finish_invocation(
            invoke.invocation_id, result, now=self.now
        )
        again = self.gateway.finish_invocation(
            invoke.invocation_id, result, now=self.now
        )

        assert again == []
        self.see(effects)

    @rule(connection_id=connections, frame=frames)
    def receive(self, connection_id: str, frame: DataFrame) -> None:
        effects = self.gateway.receive(connection_id, frame, now=self.now)
        assert connection_id in self.open or effects == []
        self.see(effects)

    @rule(connection_id=connections)
    def ping(self, connection_id: str) -> None:
        assert self.gateway.receive_ping(connection_id, now=self.now) == []

    @rule(
        connection_id=connections,
        code=st.sampled_from([None, 1000, 1001, 1005, 1006, 4000]),
    )
    def leave(self, connection_id: str, code: int | None) -> None:
        effects = self.gateway.receive_close(connection_id, code, "bye", now=self.now)
        if connection_id in self.open:
            self.end(connection_id)
        if connection_id in self.pending:  # nobody is left to be answered
            assert all(isinstance(each, Withdraw) for each in effects)
            self.pending.remove(connection_id)
        self.see(effects)

    @rule(
        connection_id=connections | st.sampled_from(["AAAAAAAAAAAAAAA=", "x", "%", ""]),
        method=st.sampled_from(["GET", "POST", "DELETE", "PATCH"]),
        body=st.binary(max_size=6) | st.just(131_073).map(bytes),
        backlog_bytes=st.sampled_from([0, 10**9]),
        is_signed=st.sampled_from([True, True, False]),
    )
    def manage(
        self,
        connection_id: str,
        method: str,
        body: bytes,
        backlog_bytes: int,
        *,
        is_signed: bool,
    ) -> None:
        was_open = self.gateway.is_open(connection_id)
        request = ManagementRequest(
            method=method,
            path=f"/dev/@connections/{quote(connection_id, safe='')}",
            headers={"authorization": "AWS4-HMAC-SHA256"} if is_signed else {},
            body=body,
            backlog_bytes=backlog_bytes,
        )

        response, effects = self.gateway.manage(request, now=self.now)

        assert response.status in (200, 204, 400, 403, 410, 413, 429)
        assert ("x-amzn-errortype" in response.headers) == (response.status >= 400)
        assert was_open or response.status >= 400
        if response.status != 204:
            assert response.headers["content-length"] == str(len(response.body))
        if connection_id in self.ended:  # it is lost, and the gateway closes it
            effects = [each for each in effects if not isinstance(each, Close)]
        self.see(effects)

    @rule(seconds=st.sampled_from([0.0, 0.5, 28.5, 29.0, 300.0, 600.0, 7200.0]))
    def advance(self, seconds: float) -> None:
        self.now += seconds
        self.see(self.gateway.tick(now=self.now))
        following = self.gateway.next_deadline()
        assert following is None or following > self.now

    @invariant()
    def what_is_open_is_known(self) -> None:
        if hasattr(self, "gateway"):
            assert all(self.gateway.is_open(each) for each in self.open)
            assert not any(self.gateway.is_open(each) for each in self.pending)
            assert self.gateway.connection_count >= len(self.open)

    def teardown(self) -> None:
        if not hasattr(self, "gateway"):
            return
        for _ in range(4):
            self.now += 7200.0
            self.see(self.gateway.tick(now=self.now))
        assert (self.open, self.pending) == (set(), set())
        assert self.gateway.connection_count == 0
        assert self.gateway.next_deadline() is None
        if "$disconnect" in self.gateway.config.routes:
            assert self.ended <= self.disconnected


TestGatewayMachine = GatewayMachine.TestCase
TestGatewayMachine.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None
)
