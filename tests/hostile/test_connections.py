"""Connections that are slow, many, or no HTTP: they end in time, and leave room for the others."""

import asyncio
import contextlib
import gzip
from asyncio import to_thread
from pathlib import Path

import pytest

from labctl.api.kinds.core import CONFIGMAPS
from labctl.apiserver.http.limits import Limits
from labctl.client.client import Client
from labctl.errors import StatusError
from tests.apiserver.https import Site, listening
from tests.apiserver.serving import config_map, run
from tests.hostile.wires import Said, connect, say
from tests.waiting import until

IMPATIENT = Limits(
    connections_of_a_peer=20,
    handshake_seconds=0.3,
    idle_seconds=0.3,
    body_seconds=0.3,
    stall_seconds=0.3,
)
_PODS = "/api/v1/namespaces/default/pods"


def post(*headers: str, body: bytes = b"", path: str = _PODS) -> bytes:
    lines = (f"POST {path} HTTP/1.1", "Host: lab", *headers, "", "")
    return "\r\n".join(lines).encode() + body


CHUNKED = "Transfer-Encoding: chunked"
NO_HTTP = {
    "nothing of the kind": b"\x00\x01\x02\x03" * 100 + b"\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "line feeds alone": b"GET / HTTP/1.1\nHost: lab\n\n",
    "an unknown method": b"FOO / HTTP/1.1\r\nHost: lab\r\n\r\n",
    "a NUL in a header": b"GET / HTTP/1.1\r\nHost: lab\r\nA: b\x00c\r\n\r\n",
    "a line of 70 KB": b"GET / HTTP/1.1\r\nHost: lab\r\nA: " + b"a" * 70_000 + b"\r\n\r\n",
    "a path of 70 KB": b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: lab\r\n\r\n",
    "10,000 headers": b"GET / HTTP/1.1\r\nHost: lab\r\n" + b"A: b\r\n" * 10_000 + b"\r\n",
    "two lengths": post("Content-Length: 2", "Content-Length: 3", body=b"{}"),
    "a length and chunks": post("Content-Length: 6", CHUNKED, body=b"0\r\n\r\nG"),
    "chunks and a length": post(CHUNKED, "Content-Length: 6", body=b"0\r\n\r\nG"),
    "a signed length": post("Content-Length: +2", body=b"{}"),
    "a list of lengths": post("Content-Length: 2, 2", body=b"{}"),
    "an endless length": post("Content-Length: " + "9" * 30, body=b"{}"),
    "an unknown coding": post("Transfer-Encoding: xchunked", body=b"0\r\n\r\n"),
    "chunks twice": post("Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n"),
    "a space before the colon": post("Transfer-Encoding : chunked", body=b"0\r\n\r\n"),
    "a folded header": post("Transfer-Encoding:\r\n chunked", body=b"0\r\n\r\n"),
    "a chunk of no size": post(CHUNKED, body=b"zz\r\n"),
    "a chunk of a negative size": post(CHUNKED, body=b"-1\r\n"),
    "an endless chunk": post(CHUNKED, body=b"f" * 18 + b"\r\n"),
}


def test_what_is_no_http_is_told_so_once_and_cut_off(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site:
            for what, data in NO_HTTP.items():
                said = await to_thread(say, site.port, data, site.context())
                assert said.closed, what
                assert said.codes == [400], what
                assert said.status["reason"] == "BadRequest", what
                assert len(said.data) < 4096, what

    run(main())
    assert not caplog.records  # or who fills the log would fill the disk


def test_a_second_request_cannot_hide_in_the_first(tmp_path: Path) -> None:
    """Whatever is behind a body whose length is told belongs to the next request, and only there."""
    hidden = b"GET /version HTTP/1.1\r\nHost: lab\r\n\r\n"

    async def main() -> None:
        async with listening(tmp_path) as site:
            whole = post(f"Content-Length: {len(hidden)}", body=hidden)
            assert (await _answered(site, whole)).codes == [400]
            after = post("Content-Length: 2", body=b"{}" + hidden)
            assert (await _answered(site, after)).codes == [422, 200]

    run(main())


async def _answered(site: Site, data: bytes) -> Said:
    return await to_thread(say, site.port, data, site.context(), seconds=0.5)


def test_slow_clients_are_not_waited_for(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path, limits=IMPATIENT) as site:
            tls = site.context()
            handshake, head, body, idle = await asyncio.gather(
                to_thread(say, site.port, b"\x16\x03\x01", None),
                to_thread(say, site.port, b"GET /version HTTP/1.1\r\nHost: l", tls),
                to_thread(say, site.port, post("Content-Length: 100", body=b"{"), tls, end=b"504}"),
                to_thread(say, site.port, b"GET /version HTTP/1.1\r\nHost: lab\r\n\r\n", tls),
            )
            assert (handshake.data, handshake.closed) == (b"", True)
            assert (head.data, head.closed) == (b"", True)
            assert (body.codes, body.status["reason"]) == ([504], "Timeout")
            assert (idle.codes, idle.closed) == ([200], True)

    run(main())


def test_one_peer_leaves_room_for_others_and_gets_its_own_back(tmp_path: Path) -> None:
    limits = Limits(connections_of_a_peer=3, connections=5)

    async def main() -> None:
        async with listening(tmp_path, limits=limits) as site:
            api = Client(site.transport())
            silent = [connect(site.port, None) for _ in range(3)]
            assert (await to_thread(say, site.port, b"x", None)).closed
            root = Client(site.transport_of_root())
            await root.list(CONFIGMAPS)
            for wire in silent:
                wire.close()
            await _until_answered(api)
            for client in (api, root):
                await client.transport.close()

    run(main())


async def _until_answered(api: Client) -> None:
    """The places of connections that ended are free in the next round of the loop, or after it."""
    async with asyncio.timeout(5):
        while True:
            with contextlib.suppress(StatusError):
                await api.list(CONFIGMAPS)
                return


def test_the_body_of_who_may_not_is_never_taken_in(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site:
            stranger = post("Content-Length: 3000000", body=b"{")
            said = await to_thread(say, site.port, stranger, site.context(None), end=b'"code":403')
            assert (said.codes, said.status["reason"]) == ([403], "Forbidden")

    run(main())


@pytest.mark.parametrize("more", [(), ("Expect: 100-continue",)])
def test_a_body_that_will_be_too_long_is_refused_before_it_comes(
    tmp_path: Path, more: tuple[str, ...]
) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site:
            data = post("Content-Length: 999999999999", *more, body=b"{")
            said = await to_thread(say, site.port, data, site.context(), end=b"413}")
            assert (said.codes, said.status["reason"]) == ([413], "RequestEntityTooLarge")

    run(main())


def test_nothing_is_unpacked(tmp_path: Path) -> None:
    bomb = gzip.compress(b" " * 50_000_000)

    async def main() -> None:
        async with listening(tmp_path) as site:
            data = post(f"Content-Length: {len(bomb)}", "Content-Encoding: gzip", body=bomb)
            said = await to_thread(say, site.port, data, site.context(), end=b"400}")
            assert said.codes == [400]

    run(main())


def test_who_reads_no_answer_is_cut_off(tmp_path: Path) -> None:
    """A long list, and a watch: what is not read is not even made, and in the end not waited for."""

    async def main() -> None:
        async with listening(tmp_path, limits=IMPATIENT) as site:
            api = Client(site.transport_of_root())
            for number in range(30):
                await api.create(CONFIGMAPS, config_map(f"c{number}", text="x" * 900_000))
            for query in ("", "?watch=1"):
                wire = await to_thread(connect, site.port, site.context())
                wire.sendall(
                    f"GET /api/v1/configmaps{query} HTTP/1.1\r\nHost: lab\r\n\r\n".encode()
                )
                assert await to_thread(wire.recv, 12) == b"HTTP/1.1 200"
                await _until_idle(site)
                wire.close()
            await api.transport.close()

    run(main())


async def _until_idle(site: Site) -> None:
    """No watch and no list is being sent any more."""
    measures = site.server.measures
    await to_thread(
        until, lambda: not (measures.lasting.total() or any(measures.in_flight.values()))
    )


def test_clients_of_http_1_0_are_answered_to_the_end_of_the_connection(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site:
            api = Client(site.transport_of_root())
            for number in range(3):
                await api.create(CONFIGMAPS, config_map(f"c{number}", text="x" * 200_000))
            for query, text in (("", b"ConfigMapList"), ("?watch=1&timeoutSeconds=1", b"ADDED")):
                data = f"GET /api/v1/configmaps{query} HTTP/1.0\r\n\r\n".encode()
                said = await to_thread(say, site.port, data, site.context())
                assert (said.codes, said.closed) == ([200], True)
                assert text in said.data
                assert b"chunked" not in said.data
            await api.transport.close()

    run(main())
