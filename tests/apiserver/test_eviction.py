"""Evictions: what budgets allow, what they refuse, and that no two share the last permission."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from labctl.api.kinds.core import PODS
from labctl.api.kinds.policy import PODDISRUPTIONBUDGETS
from labctl.api.objects import Obj, condition, is_deleting
from labctl.apiserver.server import ApiServer
from labctl.client.client import Client
from labctl.errors import StatusError
from tests.apiserver.serving import client, pod, refused, run, serving, transport

_REFUSED = "Cannot evict pod as it would violate the pod's disruption budget."


def _budget(name: str = "web", **spec: Any) -> Obj:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"tier": "web"}}, **spec},
    }


def _status(allowed: int, *, healthy: int = 3, desired: int = 2, generation: int = 1) -> Obj:
    return {
        "disruptionsAllowed": allowed,
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "expectedPods": 3,
        "observedGeneration": generation,
    }


async def _make_pod(api: Client, name: str, *, ready: bool = True, phase: str = "Running") -> None:
    wanted = pod(name)
    wanted["metadata"]["labels"] = {"tier": "web"}
    await api.create(PODS, wanted)
    await api.bind("default", name, "node1")
    conditions = [{"type": "Ready", "status": str(ready)}]
    status = {"status": {"phase": phase, "conditions": conditions}}
    await api.patch(PODS, name, status, "default", subresource="status")


async def _make_budget(api: Client, status: Obj | None, name: str = "web", **spec: Any) -> None:
    made = await api.create(PODDISRUPTIONBUDGETS, _budget(name, **spec))
    if status is not None:
        await api.replace(PODDISRUPTIONBUDGETS, {**made, "status": status}, "status")


@asynccontextmanager
async def _running(directory: Path, *pods: str) -> AsyncIterator[tuple[ApiServer, Client]]:
    async with serving(directory) as server:
        api = client(server)
        for name in pods:
            await _make_pod(api, name)
        yield server, api


def test_an_eviction_takes_one_from_the_budget(tmp_path: Path) -> None:
    async def main() -> None:
        async with _running(tmp_path, "a", "b") as (_, api):
            await _make_budget(api, _status(1))
            await api.evict("default", "a")
            evicted = await api.get(PODS, "a", "default")
            assert is_deleting(evicted)
            told = condition(evicted, "DisruptionTarget") or {}
            assert (told["status"], told["reason"]) == ("True", "EvictionByEvictionAPI")
            assert told["message"] == "Eviction API: evicting"
            budget = await api.get(PODDISRUPTIONBUDGETS, "web", "default")
            assert budget["status"]["disruptionsAllowed"] == 0
            assert list(budget["status"]["disruptedPods"]) == ["a"]
            assert budget["status"]["conditions"][0]["reason"] == "InsufficientPods"
            await refused(api.evict("default", "b"), 429, "TooManyRequests", _REFUSED)

    run(main())


def test_a_refusal_says_why_and_not_when_to_come_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with _running(tmp_path, "a") as (_, api):
            await _make_budget(api, _status(0, healthy=1))
            error = await refused(api.evict("default", "a"), 429, "TooManyRequests", _REFUSED)
            text = "The disruption budget web needs 2 healthy pods and has 1 currently"
            cause = {"reason": "DisruptionBudget", "message": text}
            assert error.status["details"] == {"causes": [cause]}
            assert not is_deleting(await api.get(PODS, "a", "default"))

    run(main())


def test_a_budget_that_nobody_has_counted_yet_allows_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with _running(tmp_path, "a") as (_, api):
            await _make_budget(api, None)
            error = await refused(api.evict("default", "a"), 429, "TooManyRequests", _REFUSED)
            text = "The disruption budget web is still being processed by the server."
            assert error.status["details"]["causes"][0]["message"] == text
            budget = await api.get(PODDISRUPTIONBUDGETS, "web", "default")
            await api.replace(PODDISRUPTIONBUDGETS, {**budget, "status": _status(5)}, "status")
            change = {"spec": {"minAvailable": 3}}
            await api.patch(PODDISRUPTIONBUDGETS, "web", change, "default")
            await refused(api.evict("default", "a"), 429, "TooManyRequests", _REFUSED)

    run(main())


def test_many_evictions_at_once_never_share_a_permission(tmp_path: Path) -> None:
    async def main() -> None:
        names = [f"p{number}" for number in range(12)]
        async with _running(tmp_path, *names) as (_, api):
            await _make_budget(api, _status(5))
            evictions = (api.evict("default", name) for name in names)
            answers = await asyncio.gather(*evictions, return_exceptions=True)
            failed = [one for one in answers if isinstance(one, StatusError)]
            assert [one.code for one in failed] == [429] * 7
            pods = (await api.list(PODS, "default")).items
            assert sum(map(is_deleting, pods)) == 5

    run(main())


def test_a_dry_run_takes_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with _running(tmp_path, "a") as (server, api):
            await _make_budget(api, _status(1))
            path = PODS.path("default", "a", "eviction")
            for query, options in (({"dryRun": "All"}, {}), ({}, {"dryRun": ["All"]})):
                body = {"metadata": {"name": "a"}, "deleteOptions": options}
                await transport(server).request("POST", path, query=query, body=body)
            budget = await api.get(PODDISRUPTIONBUDGETS, "web", "default")
            assert budget["status"] == _status(1)
            assert not is_deleting(await api.get(PODS, "a", "default"))

    run(main())


def test_pods_that_do_no_work_are_not_guarded(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await _make_budget(api, _status(0))
            for phase in ("Pending", "Failed", "Succeeded"):
                await _make_pod(api, phase.lower(), ready=False, phase=phase)
                await api.evict("default", phase.lower())
            await _make_pod(api, "sick", ready=False)
            await api.evict("default", "sick")  # enough others are healthy
            await _make_pod(api, "needed", ready=False)
            budget = await api.get(PODDISRUPTIONBUDGETS, "web", "default")
            few = {**budget, "status": _status(0, healthy=1)}
            await api.replace(PODDISRUPTIONBUDGETS, few, "status")
            await refused(api.evict("default", "needed"), 429, "TooManyRequests", _REFUSED)
            always = {"spec": {"unhealthyPodEvictionPolicy": "AlwaysAllow"}}
            await api.patch(PODDISRUPTIONBUDGETS, "web", always, "default")
            await api.evict("default", "needed")

    run(main())


def test_two_budgets_for_a_pod_are_a_mistake(tmp_path: Path) -> None:
    async def main() -> None:
        async with _running(tmp_path, "a") as (_, api):
            await _make_budget(api, _status(1))
            await _make_budget(api, _status(1), "another")
            text = "This pod has more than one PodDisruptionBudget"
            await refused(api.evict("default", "a"), 500, "", text)

    run(main())


def test_both_versions_of_the_body_are_understood_and_others_refused(tmp_path: Path) -> None:
    async def main() -> None:
        async with _running(tmp_path, "a", "b") as (server, _):
            wire = transport(server)
            for name, version in (("a", "policy/v1beta1"), ("b", "policy/v1")):
                body = {"apiVersion": version, "kind": "Eviction", "metadata": {"name": name}}
                path = PODS.path("default", name, "eviction")
                assert (await wire.request("POST", path, body=body))["status"] == "Success"
            bad: Any
            for bad in ({"apiVersion": "v1"}, {"metadata": {"name": "b"}}, {"metadata": 1}, [1]):
                request = wire.request("POST", PODS.path("default", "a", "eviction"), body=bad)
                await refused(request, 400, "BadRequest")

    run(main())
