"""`/metrics`: what was asked is counted, and the page is one that Prometheus reads."""

from contextlib import aclosing
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from prometheus_client.parser import text_string_to_metric_families

from labctl.api.kinds.core import CONFIGMAPS, PODS
from labctl.client.client import Client
from tests.apiserver.https import listening
from tests.apiserver.serving import config_map, first, pod, refused, run


async def _samples(session: ClientSession) -> dict[str, list[tuple[dict[str, str], float]]]:
    """The page's values by name, each with its labels."""
    async with session.get("/metrics") as response:
        assert response.status == 200
        assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        text = await response.text()
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def _value(samples: dict[str, Any], name: str, **labels: str) -> float:
    """The one sample that has these labels."""
    (found,) = (value for at, value in samples[name] if labels.items() <= at.items())
    return float(found)


def test_requests_are_counted_by_their_answer(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site, site.session() as session:
            transport = site.transport()
            api = Client(transport)
            await api.create(CONFIGMAPS, config_map("a"))
            await api.get(CONFIGMAPS, "a", "default")
            await refused(api.get(CONFIGMAPS, "b", "default"), 404, "NotFound")
            await api.list(CONFIGMAPS)
            samples = await _samples(session)
            total, labels = "apiserver_request_total", {"resource": "configmaps", "group": ""}
            assert _value(samples, total, verb="POST", code="201", **labels) == 1
            assert _value(samples, total, verb="GET", code="200", **labels) == 1
            assert _value(samples, total, verb="GET", code="404", **labels) == 1
            assert _value(samples, total, verb="LIST", scope="cluster", **labels) == 1
            took = "apiserver_request_duration_seconds"
            assert _value(samples, f"{took}_count", verb="GET", **labels) == 2
            assert 0 < _value(samples, f"{took}_sum", verb="GET", **labels) < 10
            assert _value(samples, f"{took}_bucket", verb="GET", le="+Inf", **labels) == 2
            inflight = "apiserver_current_inflight_requests"
            assert _value(samples, inflight, request_kind="mutating") == 0
            await transport.close()

    run(main())


def test_watches_are_told_apart_from_requests(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site, site.session() as session:
            transport = site.transport()
            api = Client(transport)
            await api.create(PODS, pod("a"))
            async with aclosing(api.watch(PODS, "default", resource_version="0")) as events:
                await first(events, 1)
                await api.create(PODS, pod("b"))
                await first(events, 1)
                samples = await _samples(session)
                lasting = "apiserver_longrunning_requests"
                assert _value(samples, lasting, verb="WATCH", resource="pods") == 1
                assert _value(samples, "apiserver_watch_events_total", resource="pods") == 2
                assert all(
                    labels["verb"] != "WATCH"
                    for labels, _ in samples["apiserver_request_duration_seconds_count"]
                )
            await transport.close()

    run(main())


def test_the_store_and_the_process_are_measured(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site, site.session() as session:
            transport = site.transport()
            await Client(transport).create(CONFIGMAPS, config_map("a"))
            await Client(transport).delete(CONFIGMAPS, "a", "default")
            samples = await _samples(session)
            took = "etcd_request_duration_seconds_count"
            for operation in ("create", "delete"):
                assert _value(samples, took, operation=operation, type="configmaps") == 1
            assert _value(samples, "apiserver_storage_objects", resource="configmaps") == 0
            assert _value(samples, "apiserver_storage_objects", resource="namespaces") == 4
            revision = _value(samples, "apiserver_watch_cache_resource_version")
            assert revision == site.server.cache.revision
            assert _value(samples, "process_cpu_seconds_total") > 0
            assert _value(samples, "process_resident_memory_bytes") > 0
            await transport.close()

    run(main())


def test_metrics_are_not_for_everybody(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site:
            for user in (None, "node-node1"):
                async with site.session(user) as session, session.get("/metrics") as response:
                    assert response.status == 403

    run(main())
