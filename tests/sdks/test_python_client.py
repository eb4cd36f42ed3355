"""`wspubsub.client` over the real SDK, against applications under `wspubsub dev`."""

import asyncio
import uuid
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.support.sdks.rooms import Rooms, make_token, run_rooms
from wspubsub import Unauthorized
from wspubsub.client import (
    Client,
    DisconnectedError,
    MessagesLostError,
    RefusedError,
    Subscription,
    UnsubscribedError,
    connect,
)
from wspubsub.client.centrifuge_sdk import CentrifugeSdk
from wspubsub.client.hub import Hub
from wspubsub.client.pulse import TICK_SECONDS
from wspubsub.client.timing import Timing

pytestmark = [pytest.mark.integration, pytest.mark.slow]

APP = Path(__file__).parents[1] / "apps" / "long_rooms.py"
KEPT = 100  # of what was said in a room of the example
PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def long_rooms() -> Iterator[Rooms]:
    """Rooms whose history is longer than a reply."""
    with run_rooms("inline", app=APP) as running:
        yield running


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    async def run_in_time() -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await coroutine
        # What belongs to the sockets ends with the next turns of the loop.
        for _ in range(10):
            await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run_in_time())


def open_client(rooms: Rooms, user: str = "alice", **options: Any) -> Client:
    token = make_token(user, info={"name": user.title()})
    return connect(rooms.url, get_token=lambda: token, **options)


async def call(rooms: Rooms, method: str, *arguments: Any, **options: Any) -> Any:
    """Call the server API while the client goes on."""
    return await asyncio.to_thread(rooms.call, method, *arguments, **options)


async def take(room: Subscription, count: int) -> list[Any]:
    messages = aiter(room)
    return [(await anext(messages)).data for _ in range(count)]


class States:
    """What a client was told of its connection."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._changed = asyncio.Event()

    def __call__(self, state: Any) -> None:
        self.names.append(state.name)
        self._changed.set()

    async def wait_for(self, name: str) -> None:
        """Wait until the last one is this."""
        while not self.names or self.names[-1] != name:
            self._changed.clear()
            await self._changed.wait()


def test_what_is_published_comes_to_a_loop(rooms: Rooms, room: str) -> None:
    async def main() -> None:
        async with open_client(rooms) as client, client.subscribe(room) as messages:
            await client.publish(room, {"text": "hello"})

            message = await anext(aiter(messages))

            assert message.data == {"text": "hello"}
            assert message.info is not None
            assert message.info.conn_info == {"name": "Alice"}
            assert await client.presence(room) == {message.info.client: message.info}
            assert (await client.presence_stats(room)).clients == 1
            page = await client.history(room)
            assert page.messages == (message,)
            assert page.position == message.position

    run(main())


def test_everything_comes_once_and_in_order_while_a_client_comes_and_goes(
    rooms: Rooms, room: str
) -> None:
    numbers = range(90)  # fewer than the room keeps

    def publish() -> None:
        for number in numbers:
            rooms.call("publish", room, number)

    async def main() -> None:
        states, got = States(), []
        async with (
            open_client(rooms, on_state=states) as client,
            client.subscribe(room) as messages,
        ):
            with ThreadPoolExecutor() as pool:
                publishing = pool.submit(publish)
                for _ in range(5):
                    got += await take(messages, 5)
                    rooms.wire.cut()
                    await states.wait_for("connecting")
                    rooms.wire.mend()
                    await states.wait_for("connected")
                await asyncio.wrap_future(publishing)
            got += await take(messages, len(numbers) - len(got))
        assert got == [*numbers]
        assert states.names.count("connected") == 6

    run(main())


def test_what_is_lost_is_told_and_the_rest_comes(rooms: Rooms, room: str) -> None:
    losses: list[MessagesLostError] = []

    async def main() -> None:
        states = States()
        async with (
            open_client(rooms, on_state=states) as client,
            client.subscribe(room, on_lost=losses.append) as messages,
        ):
            await call(rooms, "publish", room, 0)
            assert await take(messages, 1) == [0]
            rooms.wire.cut()
            await states.wait_for("connecting")
            for number in range(1, KEPT + 4):
                await call(rooms, "publish", room, number)
            rooms.wire.mend()

            assert await take(messages, KEPT) == [*range(4, KEPT + 4)]

    run(main())

    (lost,) = losses
    assert lost.after is not None
    assert lost.before is not None
    assert (lost.after.offset, lost.before.offset) == (1, 5)


def test_a_slow_loop_that_awaits_its_client_gets_everything(
    rooms: Rooms, room: str
) -> None:
    async def main() -> None:
        got = []
        async with (
            open_client(rooms) as client,
            client.subscribe(room, queue_size=4) as messages,
        ):
            for number in range(30):
                await call(rooms, "publish", room, number)
            async for message in messages:  # pragma: no branch - it ends inside
                got.append(await client.rpc("echo", message.data))
                if len(got) == 30:
                    break
        assert got == [*range(30)]

    run(main())


def test_many_topics_come_back(rooms: Rooms, room: str) -> None:
    topics = [f"{room}-{number}" for number in range(15)]

    async def main() -> None:
        states = States()
        # The embedded DynamoDB takes its time for what is here hundreds of requests.
        client = open_client(rooms, on_state=states, timeout_seconds=60)
        async with client:
            subscriptions = [client.subscribe(topic) for topic in topics]
            await asyncio.gather(*(each.__aenter__() for each in subscriptions))
            rooms.wire.cut()
            await states.wait_for("connecting")
            for topic in topics:
                await call(rooms, "publish", topic, topic)
            rooms.wire.mend()

            taken = [await take(each, 1) for each in subscriptions]

            assert taken == [[topic] for topic in topics]

    run(main())


def test_a_loop_that_is_canceled_unsubscribes(rooms: Rooms, room: str) -> None:
    async def main() -> None:
        async with open_client(rooms) as client:
            before = len(asyncio.all_tasks())
            taking = asyncio.create_task(take(client.subscribe(room), 1))
            while not await count_present(client, room):
                await asyncio.sleep(0.05)

            taking.cancel()

            with pytest.raises(asyncio.CancelledError):
                await taking
            while await count_present(client, room):
                await asyncio.sleep(0.05)
            while len(asyncio.all_tasks()) > before:
                await asyncio.sleep(0.05)

    run(main())


async def count_present(client: Client, room: str) -> int:
    try:
        return (await client.presence_stats(room)).clients
    except RefusedError:  # not subscribed yet
        return 0


def test_a_loop_goes_on_where_another_process_has_stopped(
    rooms: Rooms, room: str
) -> None:
    async def main() -> None:
        async with open_client(rooms) as client, client.subscribe(room) as messages:
            await call(rooms, "publish", room, 1)
            await take(messages, 1)
            position = messages.position
        for number in (2, 3):
            await call(rooms, "publish", room, number)
        async with open_client(rooms) as client:
            assert await take(client.subscribe(room, since=position), 2) == [2, 3]

    run(main())


def test_a_new_subscriber_of_news_gets_the_newest(rooms: Rooms) -> None:
    async def main() -> None:
        for number in (1, 2):
            await call(rooms, "publish", "news", number)
        async with open_client(rooms) as client, client.subscribe("news") as news:
            assert await take(news, 1) == [2]
            await call(rooms, "publish", "news", 3)
            assert await take(news, 1) == [3]

    run(main())


def test_who_comes_and_goes_is_told(rooms: Rooms, room: str) -> None:
    seen: list[tuple[str, str]] = []

    async def main() -> None:
        left = asyncio.Event()

        def note_leave(info: Any) -> None:
            seen.append(("leave", info.user))
            left.set()

        async with (
            open_client(rooms) as alice,
            alice.subscribe(
                room,
                on_join=lambda info: seen.append(("join", info.user)),
                on_leave=note_leave,
            ),
        ):
            async with open_client(rooms, "bob") as bob, bob.subscribe(room):
                await bob.publish(room, "hello")
            await left.wait()

    run(main())

    assert [each for each in seen if each[1] == "bob"] == [
        ("join", "bob"),
        ("leave", "bob"),
    ]


def test_who_is_not_let_in_is_told_why(rooms: Rooms, room: str) -> None:
    async def main() -> None:
        async with open_client(rooms) as client:
            with pytest.raises(UnsubscribedError, match="permission denied") as refused:
                await client.subscribe("user:bob").__aenter__()
            assert refused.value.code == 103
            with pytest.raises(RefusedError, match="method not found"):
                await client.rpc("unknown")
            async with client.subscribe(room) as messages:
                await call(rooms, "unsubscribe", "alice", room)
                with pytest.raises(UnsubscribedError) as ended:
                    await take(messages, 1)
                assert ended.value.code == 2000

    run(main())


def test_who_is_sent_away_stays_away(rooms: Rooms, room: str) -> None:
    async def main() -> None:
        async with open_client(rooms, "mallory") as client:
            async with client.subscribe(room) as messages:
                await call(rooms, "disconnect", "mallory")
                with pytest.raises(DisconnectedError, match="force disconnect"):
                    await take(messages, 1)
            with pytest.raises(DisconnectedError):
                await client.rpc("echo", 1)

    run(main())


def test_whoever_has_no_token_is_told(rooms: Rooms) -> None:
    async def find_none() -> str:
        raise Unauthorized

    async def main() -> None:
        with pytest.raises(DisconnectedError, match="unauthorized"):
            await connect(rooms.url, get_token=find_none).__aenter__()
        forged = make_token("alice", secret="another secret, also of 32 bytes.")
        with pytest.raises(DisconnectedError):
            await connect(rooms.url, get_token=lambda: forged).__aenter__()

    run(main())


def test_a_token_that_cannot_be_had_is_asked_for_again(rooms: Rooms) -> None:
    asked = []

    def find() -> str:
        asked.append("token")
        if len(asked) == 1:
            raise ZeroDivisionError
        return make_token("alice")

    async def main() -> None:
        async with connect(rooms.url, get_token=find) as client:
            assert await client.rpc("echo", 1) == 1

    run(main())


def test_a_server_that_is_not_there_is_reported(rooms: Rooms) -> None:
    async def main() -> None:
        rooms.wire.cut()
        with pytest.raises(TimeoutError, match=r"no connection in 0\.5 s: ."):
            await open_client(rooms, open_timeout_seconds=0.5).__aenter__()
        rooms.wire.mend()

    run(main())


def test_a_network_that_is_gone_without_a_word_is_noticed(
    rooms: Rooms, room: str
) -> None:
    async def main() -> None:
        states, passed = States(), [0.0]

        async def sleep(seconds: float) -> None:
            if seconds == TICK_SECONDS:
                passed[0] += 600.0  # the laptop was asleep
            await asyncio.sleep(0.2)

        hub = Hub(
            lambda listener: CentrifugeSdk(
                rooms.url,
                listener,
                get_token=lambda: make_token("alice"),
                timeout_seconds=2.0,
            ),
            on_state=states,
            timing=Timing(sleep=sleep, wall_clock=lambda: passed[0]),
        )
        async with Client(hub) as client, client.subscribe(room) as messages:
            rooms.wire.silence()
            await call(rooms, "publish", room, "missed")
            await states.wait_for("connecting")

            assert await take(messages, 1) == ["missed"]
            assert "disconnected" not in states.names

    run(main())


def test_more_than_a_reply_can_carry_comes_in_pages(long_rooms: Rooms) -> None:
    async def main() -> None:
        states, topic = States(), "room:long"
        async with (
            connect(long_rooms.url, on_state=states) as client,
            client.subscribe(topic) as messages,
        ):
            long_rooms.wire.cut()
            await states.wait_for("connecting")
            for number in range(350):
                await call(long_rooms, "publish", topic, number)
            long_rooms.wire.mend()

            assert await take(messages, 350) == [*range(350)]

    run(main())


def test_what_a_slow_loop_drops_without_history_is_told(long_rooms: Rooms) -> None:
    async def main() -> None:
        async with (
            connect(long_rooms.url) as client,
            client.subscribe("chat:1", queue_size=2) as messages,
        ):
            for number in range(5):
                await call(long_rooms, "publish", "chat:1", number)
            with pytest.raises(RefusedError):  # answered after what was posted before
                await client.rpc("unknown")

            assert len(await take(messages, 2)) == 2
            with pytest.raises(MessagesLostError) as lost:
                await take(messages, 1)
            assert lost.value.dropped == 3

    run(main())


def test_what_a_user_is_told_is_listened_to(rooms: Rooms) -> None:
    async def main() -> None:
        async with open_client(rooms) as client, client.listen("user:alice") as own:
            await call(rooms, "publish", "user:alice", "your parcel is here")

            assert await take(own, 1) == ["your parcel is here"]

    run(main())


def test_a_topic_that_the_server_has_chosen_misses_nothing(
    rooms: Rooms, room: str
) -> None:
    user = f"listener-{uuid.uuid4().hex[:8]}"
    seen: list[tuple[str, str]] = []

    async def main() -> None:
        states = States()
        async with open_client(rooms, user, on_state=states) as client:
            await call(rooms, "subscribe", user, room)
            for number in range(3):
                await call(rooms, "publish", room, number)
            await client.rpc("echo", 1)
            left = asyncio.Event()
            messages = client.listen(
                room,
                on_join=lambda info: seen.append(("join", info.user)),
                on_leave=lambda _: left.set(),
            )
            async with messages:
                assert await take(messages, 3) == [0, 1, 2]
                async with open_client(rooms, "bob") as bob, bob.subscribe(room):
                    pass
                await left.wait()
                assert ("join", "bob") in seen
                await call(rooms, "publish", room, 3)
                assert await take(messages, 1) == [3]
            for number in (4, 5):
                await call(rooms, "publish", room, number)
            async with messages:
                assert await take(messages, 2) == [4, 5]
                await call(rooms, "unsubscribe", user, room)
                with pytest.raises(UnsubscribedError, match="by the server"):
                    await take(messages, 1)

    run(main())
