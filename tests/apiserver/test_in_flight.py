"""The cap on requests in flight: who is counted, who is told to come again, and who is not."""

import asyncio
from contextlib import ExitStack
from pathlib import Path

import pytest

from labctl.apiserver.authentication import ADMIN, identified
from labctl.apiserver.http.in_flight import READS, WRITES, InFlight
from labctl.errors import StatusError
from tests.apiserver.https import listening
from tests.apiserver.serving import run

_ANN, _BOB = identified("ann", ()), identified("bob", ())


@pytest.mark.parametrize(("verb", "other"), [("get", "create"), ("delete", "list")])
def test_reads_and_writes_are_counted_apart(verb: str, other: str) -> None:
    cap = InFlight(reads=2, writes=2)
    with ExitStack() as places:
        for user in (_ANN, _BOB):
            places.enter_context(cap.place(user, verb))
        with pytest.raises(StatusError) as caught, cap.place(_BOB, verb):
            pass
        assert (caught.value.code, caught.value.reason) == (429, "TooManyRequests")
        for user, asked, subresource in (
            (_BOB, other, ""),
            (_BOB, "watch", ""),
            (_BOB, verb, "exec"),
            (_BOB, verb, "log"),
            (ADMIN, verb, ""),
        ):
            with cap.place(user, asked, subresource):
                pass
    with cap.place(_BOB, verb):
        pass


def test_one_user_leaves_half_of_the_places_to_the_others() -> None:
    cap = InFlight(reads=4)
    with ExitStack() as places:
        for user in (_BOB, _BOB, _ANN):
            places.enter_context(cap.place(user, "get"))
        with pytest.raises(StatusError), cap.place(_BOB, "get"):
            pass
        with cap.place(_ANN, "get"):
            pass


def test_a_place_is_free_again_when_a_request_fails() -> None:
    cap = InFlight(reads=1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), cap.place(_BOB, "get"):
            raise ZeroDivisionError


def test_a_full_server_says_when_to_come_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site, site.session("node-node1") as session:
            with ExitStack() as places:
                for verb, count in (("get", READS), ("create", WRITES)):
                    for user in (_ANN, _BOB):
                        for _ in range(count // 2):
                            places.enter_context(site.server.in_flight.place(user, verb))
                for method, path in (("GET", "/api/v1/nodes"), ("POST", "/api/v1/nodes")):
                    answer = await session.request(method, path)
                    assert answer.status == 429
                    assert answer.headers["Retry-After"] == "1"
                    assert (await answer.json())["reason"] == "TooManyRequests"
                query = {"watch": "1", "timeoutSeconds": "1"}
                async with session.get("/api/v1/nodes", params=query) as answer:
                    assert answer.status == 200
                async with site.session() as admins:
                    assert (await admins.get("/api/v1/nodes")).status == 200
            assert (await session.get("/api/v1/nodes")).status == 200

    run(main())


def test_a_thousand_readers_at_once_are_all_answered_in_the_end(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site, site.session("node-node1") as session:

            async def read() -> int:
                async with session.get("/api/v1/nodes") as answer:
                    await answer.read()
                    return answer.status

            assert set(await asyncio.gather(*(read() for _ in range(1000)))) <= {200, 429}
            assert await read() == 200

    run(main())
