"""What the server adds to a write, or refuses of it, kind by kind."""

import asyncio
import time
from contextlib import closing
from pathlib import Path

from labctl.api.kinds.certificates import CERTIFICATESIGNINGREQUESTS
from labctl.api.kinds.cluster import PRIORITYCLASSES
from labctl.api.kinds.coordination import LEASES
from labctl.api.kinds.core import CONFIGMAPS, EVENTS, NODES, PODS, SECRETS, SERVICES
from labctl.api.lab import default_lab, lab_configmap
from labctl.api.objects import Obj
from labctl.store import revision_log
from tests.apiserver.serving import (
    MASTERS,
    client,
    config_map,
    node,
    node_client,
    pod,
    refused,
    run,
    serving,
)


def test_nothing_is_created_where_there_is_no_namespace(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await refused(
                api.create(CONFIGMAPS, config_map("a", "nope")),
                404,
                "NotFound",
                'namespaces "nope" not found',
            )
            assert (await api.list(CONFIGMAPS, "nope")).items == []

    run(main())


def test_pods_stay_on_lost_nodes_as_long_as_the_lab_says(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)

            async def seconds(made: Obj) -> list[int]:
                return [t["tolerationSeconds"] for t in made["spec"]["tolerations"]]

            assert await seconds(await api.create(PODS, pod("a"))) == [300, 300]
            lab = default_lab("demo")
            settings = lab_configmap(lab)
            text = settings["data"]["lab.yaml"].replace(
                "evictionSeconds: 300", "evictionSeconds: 7"
            )
            await api.create(CONFIGMAPS, {**settings, "data": {"lab.yaml": text}})
            await server.cache.fresh()
            assert await seconds(await api.create(PODS, pod("b"))) == [7, 7]
            own = {
                "key": "node.kubernetes.io/not-ready",
                "operator": "Exists",
                "tolerationSeconds": 1,
            }
            own["effect"] = "NoExecute"
            assert await seconds(await api.create(PODS, pod("c", tolerations=[own]))) == [1, 7]

    run(main())


def test_a_new_node_takes_no_pods_yet_and_brings_its_status(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            status = {"addresses": [{"type": "InternalIP", "address": "172.30.1.1"}]}
            made = await node_client(server, "node1").create(
                NODES, {**node("node1"), "status": status}
            )
            assert made["status"] == status
            assert made["spec"]["taints"] == [
                {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
            ]

    run(main())


def test_every_service_gets_an_address_of_its_own(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)

            def service(name: str, **spec: object) -> Obj:
                return {
                    "metadata": {"name": name, "namespace": "default"},
                    "spec": {"ports": [{"port": 80}], **spec},
                }

            made = await asyncio.gather(
                *(api.create(SERVICES, service(f"s{n}")) for n in range(100))
            )
            addresses = {one["spec"]["clusterIP"] for one in made}
            assert len(addresses) == 100
            assert all(address.startswith("10.96.") for address in addresses)
            assert not addresses & {"10.96.0.0", "10.96.0.1", "10.96.0.10", "10.96.255.255"}
            assert made[0]["spec"]["clusterIPs"] == [made[0]["spec"]["clusterIP"]]

            headless = await api.create(SERVICES, service("headless", clusterIP="None"))
            assert headless["spec"]["clusterIP"] == "None"
            chosen = await api.create(SERVICES, service("chosen", clusterIP="10.96.0.10"))
            assert chosen["spec"]["clusterIP"] == "10.96.0.10"
            await refused(
                api.create(SERVICES, service("again", clusterIP="10.96.0.10")),
                422,
                "Invalid",
                "provided IP is already allocated",
            )
            await refused(
                api.create(SERVICES, service("off", clusterIP="10.1.0.1")), 422, "Invalid", "range"
            )
            kept = await api.replace(SERVICES, service("chosen", selector={"a": "b"}))
            assert kept["spec"]["clusterIP"] == "10.96.0.10"

    run(main())


def test_a_pods_class_says_how_much_it_matters(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            plain = await api.create(PODS, pod("plain"))
            assert plain["spec"]["priority"] == 0
            assert plain["spec"]["preemptionPolicy"] == "PreemptLowerPriority"
            high: Obj = {"metadata": {"name": "high"}, "value": 1000, "preemptionPolicy": "Never"}
            await api.create(PRIORITYCLASSES, high)
            await server.cache.fresh()
            made = await api.create(PODS, pod("high", priorityClassName="high"))
            assert (made["spec"]["priority"], made["spec"]["preemptionPolicy"]) == (1000, "Never")
            system = pod("system", priorityClassName="system-node-critical")
            assert (await api.create(PODS, system))["spec"]["priority"] == 2_000_001_000
            for bad, why in (
                (pod("a", priorityClassName="nope"), "no PriorityClass with name nope was found"),
                (pod("b", priority=7), "the integer value (7) must not be provided in pod spec"),
            ):
                await refused(api.create(PODS, bad), 403, "Forbidden", why)
            everybody: Obj = {"metadata": {"name": "all"}, "value": 5, "globalDefault": True}
            await api.create(PRIORITYCLASSES, everybody)
            await server.cache.fresh()
            usual = await api.create(PODS, pod("usual"))
            assert (usual["spec"]["priority"], usual["spec"]["priorityClassName"]) == (5, "all")

    run(main())


def test_who_asks_for_a_certificate_is_the_servers_to_say(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            asked: Obj = {
                "metadata": {"name": "a"},
                "spec": {
                    "request": "bm90aGluZw==",
                    "signerName": "example.org/signer",
                    "usages": ["client auth"],
                    "username": "somebody else",
                },
            }
            made = await api.create(CERTIFICATESIGNINGREQUESTS, asked)
            assert made["spec"]["username"] == "admin"
            assert {*MASTERS} <= {*made["spec"]["groups"]}
            conditions = [{"type": "Approved", "status": "True", "reason": "Checked"}]
            approved = {**made, "status": {"conditions": conditions}}
            done = await api.replace(CERTIFICATESIGNINGREQUESTS, approved, "approval")
            assert done["status"]["conditions"] == conditions
            changed = {**done, "spec": {**done["spec"], "username": "another"}}
            assert await api.replace(CERTIFICATESIGNINGREQUESTS, changed) == done

    run(main())


def test_what_is_empty_in_metadata_is_not_there(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            empty: Obj = {"labels": {}, "annotations": {}, "ownerReferences": [], "finalizers": []}
            sent = config_map("a")
            made = await api.create(CONFIGMAPS, {**sent, "metadata": {**sent["metadata"], **empty}})
            assert not made["metadata"].keys() & empty.keys()
            patched = await api.patch(CONFIGMAPS, "a", {"metadata": empty}, "default")
            assert patched == made

    run(main())


def test_strings_of_a_secret_are_stored_encoded(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            secret = {
                "metadata": {"name": "s", "namespace": "default"},
                "stringData": {"password": "geheim"},
            }
            made = await client(server).create(SECRETS, secret)
            assert made["data"] == {"password": "Z2VoZWlt"}
            assert "stringData" not in made

    run(main())


def test_a_lease_is_made_by_put_too_and_events_expire(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            lease = {
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "metadata": {"name": "leader", "namespace": "kube-system"},
                "spec": {"holderIdentity": "me"},
            }
            assert (await api.replace(LEASES, lease))["spec"] == {"holderIdentity": "me"}
            event = {
                "metadata": {"name": "e", "namespace": "default"},
                "involvedObject": {"kind": "Pod", "namespace": "default", "name": "web"},
                "reason": "Testing",
                "type": "Normal",
            }
            await api.create(EVENTS, event)
            with closing(revision_log.connect(tmp_path / "store.db")) as connection:
                expires = revision_log.next_expiry(connection)
            assert expires is not None
            assert 3590 < expires - time.time() < 3601
            await refused(api.replace(CONFIGMAPS, config_map("none")), 404, "NotFound")

    run(main())
