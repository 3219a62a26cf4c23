"""``async with MockServer(...)``: the loop of the test goes on while the server starts and stops."""

from __future__ import annotations

import asyncio
import threading

import pytest

from flare_client import new_secure_session
from mock_server import MockServer, ServerError

WAIT = 30


class Held(MockServer):
    """A server that starts and stops once it may: on the loop, nobody could let it."""

    def __init__(self) -> None:
        super().__init__("2.6")
        self.entered, self.may_go_on = threading.Event(), threading.Event()

    def _hold(self) -> None:
        self.entered.set()
        assert self.may_go_on.wait(WAIT), "the loop stood still"
        self.may_go_on.clear()

    def start(self) -> None:
        self._hold()
        super().start()

    def stop(self) -> None:
        self._hold()
        super().stop()


async def wait_until(event: threading.Event) -> None:
    while not event.is_set():
        await asyncio.sleep(0)
    event.clear()


def test_a_server_in_a_coroutine() -> None:
    def list_jobs(kit: str) -> object:
        with new_secure_session("admin@nvidia.com", kit) as session:
            return session.list_jobs()

    async def main() -> MockServer:
        async with MockServer("2.9") as server:
            kit = await asyncio.to_thread(server.kit)
            assert await asyncio.to_thread(list_jobs, str(kit)) == []
        return server

    assert not asyncio.run(main()).is_running


def test_the_loop_goes_on_while_it_starts_and_stops() -> None:
    async def main() -> None:
        server = Held()
        entering = asyncio.create_task(server.__aenter__())
        await wait_until(server.entered)
        assert not entering.done()
        server.may_go_on.set()
        assert await entering is server
        leaving = asyncio.create_task(server.__aexit__(None, None, None))
        await wait_until(server.entered)
        assert not leaving.done()
        server.may_go_on.set()
        await leaving
        assert not server.is_running

    asyncio.run(main())


def test_a_start_that_is_cancelled_leaves_no_server() -> None:
    async def main() -> None:
        server = Held()
        entering = asyncio.create_task(server.__aenter__())
        await wait_until(server.entered)
        entering.cancel()
        await asyncio.sleep(0)
        server.may_go_on.set()  # it starts all the same
        await wait_until(server.entered)
        server.may_go_on.set()  # and is stopped
        with pytest.raises(asyncio.CancelledError):
            await entering
        assert not server.is_running

    before = threading.active_count()
    asyncio.run(main())
    assert threading.active_count() == before


def test_a_start_that_fails_says_why() -> None:
    async def main() -> None:
        async with MockServer("2.6", host="0.0.0.0"):
            raise AssertionError("it started")

    with pytest.raises(ServerError, match="only this machine"):
        asyncio.run(main())
