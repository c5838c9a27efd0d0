"""Quotas at the API server: charged in one step, given back, never shared by two at once."""

import asyncio
from pathlib import Path
from typing import Any

from labctl.api.kinds.apps import DEPLOYMENTS
from labctl.api.kinds.core import CONFIGMAPS, LIMITRANGES, PODS, RESOURCEQUOTAS, SERVICES
from labctl.api.objects import Obj
from labctl.errors import StatusError
from tests.apiserver.serving import (
    client,
    config_map,
    deployment,
    pod,
    refused,
    run,
    serving,
    transport,
)


def _quota(**spec: Any) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "q", "namespace": "default"},
        "spec": spec,
    }


def _service(name: str, **spec: Any) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"ports": [{"port": 80}], **spec},
    }


def test_what_is_left_is_never_given_twice(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await api.create(RESOURCEQUOTAS, _quota(hard={"pods": "5"}))
            attempts = (api.create(PODS, pod(f"p{number}")) for number in range(20))
            answers = await asyncio.gather(*attempts, return_exceptions=True)
            failed = [one for one in answers if isinstance(one, StatusError)]
            assert len(failed) == 15
            assert {(one.code, one.reason) for one in failed} == {(403, "Forbidden")}
            assert failed[0].message.endswith(
                "is forbidden: exceeded quota: q, requested: pods=1, used: pods=5, limited: pods=5"
            )
            assert len((await api.list(PODS, "default")).items) == 5

    run(main())


def test_what_goes_is_given_back(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await api.create(RESOURCEQUOTAS, _quota(hard={"configmaps": "1"}))
            for _ in range(3):
                await api.create(CONFIGMAPS, config_map("a"))
                await refused(api.create(CONFIGMAPS, config_map("b")), 403, "Forbidden")
                await api.delete(CONFIGMAPS, "a", "default")

    run(main())


def test_what_is_refused_for_another_reason_costs_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api, wire = client(server), transport(server)
            await api.create(RESOURCEQUOTAS, _quota(hard={"pods": "2"}))
            await api.create(PODS, pod("a"))
            for _ in range(3):
                await refused(api.create(PODS, pod("a")), 409, "AlreadyExists")
                await refused(api.create(PODS, pod("b", containers=[])), 422, "Invalid")
                path = PODS.path("default")
                await wire.request("POST", path, query={"dryRun": "All"}, body=pod("b"))
            await api.create(PODS, pod("b"))
            await refused(api.create(PODS, pod("c")), 403, "Forbidden", "exceeded quota: q")
            dry = wire.request("POST", PODS.path("default"), query={"dryRun": "All"}, body=pod("c"))
            await refused(dry, 403, "Forbidden", "exceeded quota: q")

    run(main())


def test_containers_have_to_say_what_they_need(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await api.create(RESOURCEQUOTAS, _quota(hard={"limits.cpu": "1"}))
            sentence = 'pods "a" is forbidden: failed quota: q: must specify limits.cpu for: main'
            await refused(api.create(PODS, pod("a")), 403, "Forbidden", sentence)
            limits = {"resources": {"limits": {"cpu": "600m"}}}
            stated = [{"name": "main", "image": "nginx", **limits}]
            await api.create(PODS, pod("a", containers=stated))
            sentence = "requested: limits.cpu=600m, used: limits.cpu=600m, limited: limits.cpu=1"
            await refused(api.create(PODS, pod("b", containers=stated)), 403, "Forbidden", sentence)

    run(main())


def test_every_kind_can_be_counted(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await api.create(RESOURCEQUOTAS, _quota(hard={"count/deployments.apps": "1"}))
            await api.create(DEPLOYMENTS, deployment("a"))
            sentence = "requested: count/deployments.apps=1, used: count/deployments.apps=1"
            await refused(api.create(DEPLOYMENTS, deployment("b")), 403, "Forbidden", sentence)
            other = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}}
            await transport(server).request("POST", "/api/v1/namespaces", body=other)
            moved = deployment("b")
            moved["metadata"]["namespace"] = "other"
            await api.create(DEPLOYMENTS, moved)

    run(main())


def test_a_change_that_wants_more_is_charged(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await api.create(RESOURCEQUOTAS, _quota(hard={"services.nodeports": "1"}))
            await api.create(SERVICES, _service("a", type="NodePort"))
            await api.create(SERVICES, _service("b"))
            change = api.patch(SERVICES, "b", {"spec": {"type": "NodePort"}}, "default")
            await refused(change, 403, "Forbidden", "exceeded quota: q")
            await api.patch(SERVICES, "a", {"spec": {"sessionAffinity": "ClientIP"}}, "default")

    run(main())


def test_a_scope_limits_its_own_pods_alone(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await api.create(RESOURCEQUOTAS, _quota(hard={"pods": "0"}, scopes=["BestEffort"]))
            await refused(api.create(PODS, pod("a")), 403, "Forbidden", "exceeded quota: q")
            requests = {"resources": {"requests": {"cpu": "1"}}}
            stated = [{"name": "main", "image": "nginx", **requests}]
            await api.create(PODS, pod("a", containers=stated))

    run(main())


def test_limit_ranges_give_and_forbid(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            limit = {"type": "Container", "max": {"cpu": "1"}, "defaultRequest": {"cpu": "100m"}}
            await api.create(
                LIMITRANGES,
                {
                    "apiVersion": "v1",
                    "kind": "LimitRange",
                    "metadata": {"name": "l", "namespace": "default"},
                    "spec": {"limits": [limit]},
                },
            )
            made = await api.create(PODS, pod("a"))
            given = {"limits": {"cpu": "1"}, "requests": {"cpu": "100m"}}
            assert made["spec"]["containers"][0]["resources"] == given
            assert made["status"]["qosClass"] == "Burstable"
            greedy = [{"name": "m", "image": "i", "resources": {"limits": {"cpu": "2"}}}]
            sentence = 'pods "b" is forbidden: maximum cpu usage per Container is 1, but limit is 2'
            await refused(api.create(PODS, pod("b", containers=greedy)), 403, "Forbidden", sentence)

    run(main())
