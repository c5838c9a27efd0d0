"""Health as text: as values, and over HTTP."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from labctl.apiserver.http.health import Check, Health, health
from tests.apiserver.https import listening
from tests.apiserver.serving import run


async def _good() -> bool:
    return True


async def _bad() -> bool:
    return False


_CHECKS: Mapping[str, Check] = {"ping": _good, "etcd": _bad}


@pytest.mark.parametrize(
    ("path", "excluded", "verbose", "answer"),
    [
        (
            "/readyz",
            (),
            False,
            Health(500, "[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n"),
        ),
        ("/readyz", ("etcd",), False, Health(200, "ok")),
        (
            "/livez",
            ("etcd", "nope"),
            True,
            Health(
                200,
                "[+]ping ok\n[+]etcd excluded: ok\n"
                'warn: some health checks cannot be excluded: no matches for "nope"\n'
                "livez check passed\n",
            ),
        ),
        ("/healthz/ping", (), False, Health(200, "ok")),
        ("/healthz/etcd", (), False, Health(500, "internal server error: not ok\n")),
        ("/healthz/none", (), False, None),
        ("/healthy", (), False, None),
    ],
)
def test_what_health_says(
    path: str, excluded: tuple[str, ...], verbose: bool, answer: Health | None
) -> None:
    assert asyncio.run(health(path, _CHECKS, excluded, verbose=verbose)) == answer


def test_everyone_may_ask_for_health(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site, site.session(user=None) as session:
            for path, code, text in (
                ("/healthz", 200, "ok"),
                ("/livez?verbose", 200, "[+]ping ok\n[+]etcd ok\nlivez check passed\n"),
                (
                    "/readyz?verbose=1",
                    200,
                    (
                        "[+]ping ok\n[+]etcd ok\n[+]informer-sync ok\n[+]shutdown ok\n"
                        "readyz check passed\n"
                    ),
                ),
            ):
                async with session.get(path) as response:
                    assert (response.status, await response.text()) == (code, text)
                    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
            for path in ("/readyz/ping", "/readyz/none", "/healthy"):
                async with session.get(path) as response:
                    assert response.status == 403
            site.server.ready = False
            async with session.get("/readyz") as response:
                assert response.status == 500
                assert "[-]informer-sync failed: reason withheld" in await response.text()
            async with session.get("/livez") as response:
                assert response.status == 200

    run(main())


def test_one_check_alone_is_for_who_may_ask(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site, site.session() as session:
            for path, code in (("/readyz/ping", 200), ("/readyz/none", 404), ("/healthy", 404)):
                async with session.get(path) as response:
                    assert response.status == code

    run(main())
