"""A loop gets each message once and in order, or is told, and leaves nothing behind."""

import asyncio
from typing import Any

import pytest

from tests.support.client.simulated import Server, make_client, settle
from wspubsub import Position, UsageError
from wspubsub.client import (
    Client,
    ConnectionState,
    DisconnectedError,
    MessagesLostError,
    RefusedError,
    Subscription,
    UnsubscribedError,
)


async def take(room: Subscription, count: int) -> list[Any]:
    taken: list[Any] = []
    async for message in room:
        taken.append(message.data)
        if len(taken) == count:
            break
    return taken


def count_tasks() -> int:
    return len(asyncio.all_tasks())


def test_a_loop_subscribes_and_gets_what_is_published(server: Server) -> None:
    async def run() -> None:
        async with make_client(server) as client:
            room = client.subscribe("room", data={"as": "ann"})
            taking = asyncio.create_task(take(room, 2))
            await settle()
            server.publish("one", "two")

            assert await taking == ["one", "two"]
            assert room.position == Position("a", 2)
            assert server.find_calls("subscribe") == [
                ("subscribe", "room", {"as": "ann"})
            ]

    asyncio.run(run())


def test_a_message_says_where_it_stands_and_who_published_it(server: Server) -> None:
    async def run() -> None:
        async with make_client(server) as client, client.subscribe("room") as room:
            server.publish({"text": "hello"})

            message = await anext(aiter(room))

            assert message.topic == "room"
            assert message.data == {"text": "hello"}
            assert message.position == Position("a", 1)
            assert message.info is not None
            assert message.info.user == "ann"
            assert room.data == {"state": "room"}

    asyncio.run(run())


def test_a_loop_that_is_left_unsubscribes(server: Server) -> None:
    async def run() -> None:
        async with make_client(server) as client:
            before = count_tasks()
            taking = asyncio.create_task(take(client.subscribe("room"), 1))
            await settle()
            server.publish("one")
            await taking
            await settle()

            assert server.listeners == {}
            assert count_tasks() == before
        assert count_tasks() == 1

    asyncio.run(run())


def test_a_loop_whose_body_raises_unsubscribes(server: Server) -> None:
    async def fail(room: Subscription) -> None:
        async for _ in room:  # pragma: no branch - it ends inside
            raise ZeroDivisionError

    async def run() -> None:
        async with make_client(server) as client:
            failing = asyncio.create_task(fail(client.subscribe("room")))
            await settle()
            server.publish("one")
            with pytest.raises(ZeroDivisionError):
                await failing
            await settle()

            assert server.listeners == {}

    asyncio.run(run())


def test_a_loop_that_is_canceled_leaves_no_task_behind(server: Server) -> None:
    async def run() -> None:
        async with make_client(server) as client:
            before = count_tasks()
            taking = asyncio.create_task(take(client.subscribe("room"), 1))
            await settle()
            server.topic().publish("one", "two")
            server.is_silent = True
            server.push(2)  # asks for the first one
            await settle()

            taking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await taking
            await settle()

            assert server.listeners == {}
            assert count_tasks() == before

    asyncio.run(run())


def test_a_later_loop_goes_on_where_the_last_one_stopped(server: Server) -> None:
    async def run() -> None:
        async with make_client(server) as client:
            room = client.subscribe("room")
            taking = asyncio.create_task(take(room, 2))
            await settle()
            server.publish("one", "two", "three")
            first = await taking
            await settle()
            assert server.listeners == {}
            server.topic().publish("four")

            assert first + await take(room, 2) == ["one", "two", "three", "four"]

    asyncio.run(run())


def test_a_loop_that_took_nothing_stands_where_it_began(server: Server) -> None:
    async def run() -> None:
        server.topic().publish("before")
        async with make_client(server) as client:
            async with client.subscribe("room") as room:
                server.publish("one")
            assert room.position == Position("a", 1)

            assert await take(room, 1) == ["one"]

    asyncio.run(run())


def test_a_loop_may_begin_again_at_once(server: Server) -> None:
    async def run() -> None:
        server.topic().publish(*range(1, 5))
        async with make_client(server) as client:
            room = client.subscribe("room", since=Position("a", 0))

            assert [await take(room, 1) for _ in range(4)] == [[1], [2], [3], [4]]
            server.topic().publish(5)
            again = client.subscribe("room", since=room.position)
            assert await take(again, 1) == [5]

    asyncio.run(run())


def test_loops_in_a_block_share_one_subscription(server: Server) -> None:
    async def run() -> None:
        async with make_client(server) as client:
            async with client.subscribe("room") as room:
                server.publish("one", "two")
                assert await take(room, 1) == ["one"]
                await settle()
                assert await take(room, 1) == ["two"]
            assert len(server.find_calls("subscribe")) == 1
            assert len(server.find_calls("unsubscribe")) == 1

    asyncio.run(run())


def test_a_loop_ends_when_its_subscription_is_closed(server: Server) -> None:
    async def run() -> None:
        async with make_client(server) as client:
            room = client.subscribe("room")
            taking = asyncio.create_task(take(room, 9))
            await settle()
            server.publish("one")
            await settle()

            await room.aclose()

            assert await taking == ["one"]

    asyncio.run(run())


def test_a_loop_ends_when_its_client_is_closed(server: Server) -> None:
    async def run() -> None:
        client = make_client(server)
        async with client:
            taking = asyncio.create_task(take(client.subscribe("room"), 9))
            await settle()
        assert await taking == []
        with pytest.raises(DisconnectedError, match="closed"):
            await take(client.subscribe("room"), 1)
        assert server.find_calls("subscribe") == [("subscribe", "room", None)]

    asyncio.run(run())


def test_two_tasks_cannot_share_a_loop(server: Server) -> None:
    async def run() -> None:
        async with make_client(server) as client, client.subscribe("room") as room:
            first = asyncio.create_task(take(room, 1))
            await settle()
            with pytest.raises(UsageError, match="one task at a time"):
                await take(room, 1)
            server.publish("one")
            assert await first == ["one"]

    asyncio.run(run())


def test_a_topic_has_one_subscription_at_a_time(server: Server) -> None:
    async def run() -> None:
        async with make_client(server) as client, client.subscribe("room"):
            with pytest.raises(UsageError, match="already"):
                await take(client.subscribe("room"), 1)

    asyncio.run(run())


def test_a_loss_is_raised_and_the_next_loop_goes_on_behind_it(server: Server) -> None:
    async def run() -> None:
        async with make_client(server) as client, client.subscribe("room") as room:
            server.topic().publish(*range(1, 6))
            server.topic().trim(3)
            server.push(5)

            with pytest.raises(MessagesLostError, match="from 1 to 3") as lost:
                await take(room, 1)

            assert lost.value.after == Position("a", 0)
            assert lost.value.before == Position("a", 4)
            assert room.position == Position("a", 3)
            assert await take(room, 2) == [4, 5]

    asyncio.run(run())


def test_a_loss_that_a_loop_alone_meets_is_not_told_twice(server: Server) -> None:
    async def run() -> None:
        server.topic().publish(*range(1, 6))
        server.topic().trim(3)
        async with make_client(server) as client:
            room = client.subscribe("room", since=Position("a", 1))

            with pytest.raises(MessagesLostError, match="from 2 to 3"):
                await take(room, 1)
            await settle()

            assert await take(room, 2) == [4, 5]

    asyncio.run(run())


def test_a_loss_is_told_in_its_place_where_somebody_wants_to_be_told(
    server: Server,
) -> None:
    seen: list[Any] = []

    async def reload(error: MessagesLostError) -> None:
        await asyncio.sleep(0)
        seen.append(error.before)

    async def run(client: Client) -> None:
        room = client.subscribe("room", since=Position("a", 1), on_lost=reload)
        async for message in room:  # pragma: no branch - it ends inside
            seen.append(message.data)
            if message.data == 5:
                break

    async def main() -> None:
        server.topic().publish(*range(1, 6))
        server.topic().trim(3)
        async with make_client(server) as client:
            await run(client)

    asyncio.run(main())

    assert seen == [Position("a", 4), 4, 5]


def test_another_epoch_is_told(server: Server) -> None:
    async def run() -> None:
        async with make_client(server) as client, client.subscribe("room") as room:
            server.publish("one")
            await take(room, 1)
            assert server.sdk is not None
            server.sdk.cut()
            server.topic().restart("b")
            server.topic().publish("first", "second")
            server.sdk.mend()
            server.publish("third")

            with pytest.raises(MessagesLostError, match="nobody knows how many"):
                await take(room, 1)
            assert await take(room, 1) == ["third"]

    asyncio.run(run())


def test_what_was_missed_comes_when_the_connection_is_back(server: Server) -> None:
    async def run() -> None:
        async with make_client(server) as client, client.subscribe("room") as room:
            server.publish(0)
            assert server.sdk is not None
            server.sdk.cut()
            server.topic().publish(*range(1, 700))
            server.sdk.mend()
            server.publish(700)

            assert await take(room, 701) == [*range(701)]

    asyncio.run(run())


def test_a_slow_loop_gets_everything_of_a_topic_with_history(server: Server) -> None:
    async def run() -> None:
        async with (
            make_client(server) as client,
            client.subscribe("room", queue_size=4) as room,
        ):
            server.publish(*range(1000))

            assert await take(room, 1000) == [*range(1000)]
            assert all(call[3] <= 4 for call in server.find_calls("history"))

    asyncio.run(run())


def test_a_slow_loop_is_told_what_was_dropped_without_history(server: Server) -> None:
    async def run() -> None:
        server.topic("chat", epoch="")
        async with (
            make_client(server) as client,
            client.subscribe("chat", queue_size=2) as room,
        ):
            server.publish(1, 2, 3, 4, 5, topic="chat")

            assert await take(room, 2) == [1, 2]
            with pytest.raises(MessagesLostError, match="3 came faster") as lost:
                await take(room, 1)
            assert lost.value.dropped == 3
            assert room.position is None
            server.publish(6, topic="chat")
            assert await take(room, 1) == [6]

    asyncio.run(run())


def test_losses_in_a_row_become_one(server: Server) -> None:
    async def run() -> None:
        async with make_client(server) as client, client.subscribe("room") as room:
            assert server.sdk is not None
            for epoch in "bcd":
                server.sdk.cut()
                server.topic().restart(epoch)
                server.sdk.mend()

            with pytest.raises(MessagesLostError) as lost:
                await take(room, 1)

            assert lost.value.after == Position("a", 0)
            assert lost.value.before == Position("d", 1)

    asyncio.run(run())


def test_a_client_that_is_not_let_in_is_told(server: Server) -> None:
    async def run() -> None:
        server.refused["room"] = 103
        async with make_client(server) as client:
            with pytest.raises(UnsubscribedError, match="permission denied") as refused:
                await client.subscribe("room").__aenter__()
            assert refused.value.code == 103
            with pytest.raises(UnsubscribedError):
                await take(client.subscribe("room"), 1)
            await settle()
            del server.refused["room"]
            async with client.subscribe("room") as room:
                assert room.position == Position("a", 0)

    asyncio.run(run())


def test_a_client_that_is_sent_away_gets_what_came_before(server: Server) -> None:
    async def run() -> None:
        async with make_client(server) as client, client.subscribe("room") as room:
            server.publish("one")
            assert server.sdk is not None
            server.sdk.send_away(3503, "force disconnect")

            assert await take(room, 1) == ["one"]
            with pytest.raises(DisconnectedError, match="force disconnect"):
                await take(room, 1)
            with pytest.raises(DisconnectedError, match="force disconnect"):
                await take(client.subscribe("other"), 1)

    asyncio.run(run())


def test_a_block_that_waits_to_be_let_in_ends_with_its_client(server: Server) -> None:
    async def run() -> None:
        states: list[ConnectionState] = []
        async with make_client(server, on_state=states.append) as client:
            assert server.sdk is not None
            server.sdk.cut()
            server.refused["room"] = 0
            entering = asyncio.create_task(client.subscribe("room").__aenter__())
            await asyncio.sleep(0)
        with pytest.raises(DisconnectedError):
            await entering
        assert [each.name for each in states][-1] == "disconnected"

    asyncio.run(run())


def test_only_the_newest_matters_where_the_server_says_so(server: Server) -> None:
    losses: list[Any] = []

    async def run() -> None:
        price = server.topic("price", is_cache=True)
        price.publish(1, 2, 3)
        price.trim(2)
        async with (
            make_client(server) as client,
            client.subscribe("price", on_lost=losses.append) as room,
        ):
            assert room.position == Position("a", 2)
            assert server.sdk is not None
            server.sdk.cut()
            price.publish(4, 5)
            price.trim(4)
            server.sdk.mend()

            assert await take(room, 2) == [3, 5]

    asyncio.run(run())

    assert losses == []


def test_a_subscription_may_be_closed_twice_and_entered_again(server: Server) -> None:
    async def run() -> None:
        async with make_client(server) as client:
            room = client.subscribe("room")
            await room.aclose()
            for value in (1, 2):
                async with room:
                    server.publish(value)
                    assert await take(room, 1) == [value]
                    async with room:
                        pass
                await room.aclose()

    asyncio.run(run())


def test_a_subscribe_that_fails_at_once_leaves_nothing_behind(server: Server) -> None:
    async def run() -> None:
        server.failures["subscribe"] = [ZeroDivisionError()]
        async with make_client(server) as client:
            with pytest.raises(ZeroDivisionError):
                await take(client.subscribe("room"), 1)

            async with client.subscribe("room") as room:
                server.publish("one")
                assert await take(room, 1) == ["one"]

    asyncio.run(run())


def test_a_topic_whose_history_cannot_be_read_is_told_to_have_lost_it(
    server: Server,
) -> None:
    async def run() -> None:
        async with make_client(server) as client, client.subscribe("room") as room:
            server.failures["history"] = [RefusedError(108, "not available")]
            server.topic().publish(1, 2)
            server.push(2)

            with pytest.raises(MessagesLostError, match="from 1 to 1"):
                await take(room, 1)
            assert await take(room, 1) == [2]

    asyncio.run(run())


def test_a_topic_can_be_subscribed_while_its_last_subscription_is_closed(
    server: Server,
) -> None:
    async def run() -> None:
        async with make_client(server) as client:
            for value in range(3):
                room = client.subscribe("room")
                async with room:
                    server.publish(value)
                    assert await take(room, 1) == [value]
                    closing = asyncio.create_task(room.aclose())
                    await asyncio.sleep(0)
                    async with client.subscribe("room") as again:
                        server.publish(value)
                        assert await take(again, 1) == [value]
                    await closing

    asyncio.run(run())
