"""Disruption budgets in a whole control plane: counted, spent by evictions, earned back."""

import asyncio
from pathlib import Path

from labctl.api.kinds.apps import DAEMONSETS
from labctl.api.kinds.core import PODS
from labctl.api.kinds.policy import PODDISRUPTIONBUDGETS
from labctl.api.objects import Obj, condition, name, owner_reference
from labctl.errors import StatusError
from tests.controlplane.cluster import Cluster, running_cluster


def _budget(**spec: object) -> Obj:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, **spec},
    }


async def _until_allowed(cluster: Cluster, allowed: int, expected: int) -> Obj:
    def wish(budget: Obj) -> bool:
        status = budget.get("status") or {}
        seen = status.get("observedGeneration") == budget["metadata"]["generation"]
        counts = (status.get("disruptionsAllowed"), status.get("expectedPods"))
        return seen and counts == (allowed, expected)

    return await cluster.until(PODDISRUPTIONBUDGETS, "web", "default", wish)


def test_a_budget_follows_its_pods_and_their_scale(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path) as cluster:
            await cluster.client.create(PODDISRUPTIONBUDGETS, _budget(maxUnavailable="34%"))
            await _until_allowed(cluster, 0, 0)
            await cluster.deploy("web", 3)
            await cluster.available("web", 3)
            budget = await _until_allowed(cluster, 2, 3)
            assert (condition(budget, "DisruptionAllowed") or {})["reason"] == "SufficientPods"
            change = {"spec": {"maxUnavailable": 0}}
            await cluster.client.patch(PODDISRUPTIONBUDGETS, "web", change, "default")
            await _until_allowed(cluster, 0, 3)

    asyncio.run(scenario())


def test_evictions_wait_for_replacements_to_be_ready(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path) as cluster:
            await cluster.deploy("web", 3)
            await cluster.available("web", 3)
            await cluster.client.create(PODDISRUPTIONBUDGETS, _budget(minAvailable=2))
            await _until_allowed(cluster, 1, 3)
            first = {name(pod) for pod in (await cluster.client.list(PODS, "default")).items}
            for pod in sorted(first):
                await _evict_in_time(cluster, pod)
            await cluster.available("web", 3)
            budget = await _until_allowed(cluster, 1, 3)
            assert not budget["status"].get("disruptedPods")

    asyncio.run(scenario())


async def _evict_in_time(cluster: Cluster, pod: str) -> None:
    """As kubectl drain does: again whenever the budget may have changed."""
    watch = cluster.client.watch(PODDISRUPTIONBUDGETS, "default")
    async with asyncio.timeout(30):
        async for _ in watch:
            try:
                await cluster.client.evict("default", pod)
            except StatusError as error:
                if error.code != 429:
                    raise
            else:
                return


def test_pods_whose_number_nobody_states_may_not_be_disrupted(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path, starter=False) as cluster:
            template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [_C]}}
            daemons = {
                "apiVersion": "apps/v1",
                "kind": "DaemonSet",
                "metadata": {"name": "web", "namespace": "default"},
                "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template},
            }
            owner = owner_reference(await cluster.client.create(DAEMONSETS, daemons))
            metadata = {"name": "web-1", "namespace": "default", "labels": {"app": "web"}}
            pod = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [_C]}}
            owned = {**metadata, "ownerReferences": [owner]}
            await cluster.client.create(PODS, {**pod, "metadata": owned})
            await cluster.client.create(PODDISRUPTIONBUDGETS, _budget(maxUnavailable=1))
            budget = await cluster.until(
                PODDISRUPTIONBUDGETS,
                "web",
                "default",
                lambda one: (
                    (condition(one, "DisruptionAllowed") or {}).get("reason") == "SyncFailed"
                ),
            )
            assert budget["status"]["disruptionsAllowed"] == 0
            told = condition(budget, "DisruptionAllowed") or {}
            text = "daemonsets.apps does not implement the scale subresource"
            assert told["message"] == text

    asyncio.run(scenario())


_C = {"name": "web", "image": "nginx"}
