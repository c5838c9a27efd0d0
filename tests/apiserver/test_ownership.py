"""managedFields of ordinary writes: who is noted, for what, and what clients may do with them."""

from pathlib import Path
from typing import Any

from labctl.api.kinds.apps import DEPLOYMENTS
from labctl.api.kinds.core import CONFIGMAPS, NAMESPACES, NODES, PODS, SECRETS
from labctl.api.objects import Obj
from labctl.client.client import Client
from labctl.client.http import HttpTransport
from tests.apiserver.serving import client, config_map, deployment, node, pod, run
from tests.apiserver.test_apply import fields, managers, wired


async def write(api: Client, method: str, path: str, body: Any, **query: str) -> Obj:
    return await api.transport.request(
        method,
        path,
        query=query,
        body=body,
        content_type="application/merge-patch+json" if method == "PATCH" else "application/json",
    )


_PODS = "/api/v1/namespaces/default/pods"
_WEB = "/apis/apps/v1/namespaces/default/deployments/web"


def test_whoever_makes_an_object_is_noted(tmp_path: Path) -> None:
    async def main() -> None:
        async with wired(tmp_path) as (_, api):
            made = await write(api, "POST", _PODS, pod("web"), fieldManager="kubectl-create")
            (entry,) = made["metadata"]["managedFields"]
            assert entry["time"] == made["metadata"]["creationTimestamp"]
            assert {k: entry[k] for k in entry if k not in {"time", "fieldsV1"}} == {
                "manager": "kubectl-create",
                "operation": "Update",
                "apiVersion": "v1",
                "fieldsType": "FieldsV1",
            }
            assert entry["fieldsV1"]["f:metadata"] == {"f:labels": {".": {}, "f:app": {}}}
            container = entry["fieldsV1"]["f:spec"]["f:containers"]['k:{"name":"main"}']
            assert set(container) >= {".", "f:image", "f:imagePullPolicy", "f:name", "f:resources"}
            assert "f:tolerations" not in entry["fieldsV1"]["f:spec"]  # admission's
            assert "f:status" not in entry["fieldsV1"]

    run(main())


def test_without_a_name_it_is_what_the_client_calls_itself(tmp_path: Path) -> None:
    async def main() -> None:
        async with wired(tmp_path) as (site, _), site.session() as session:
            for number, agent in enumerate(("curl/8.1 (linux)", "/x", "m" * 200)):
                body = config_map(f"c{number}", a="1")
                answer = await session.post(
                    "/api/v1/namespaces/default/configmaps",
                    json=body,
                    headers={"User-Agent": agent},
                )
                (noted,) = managers(await answer.json())
                assert noted[0] == ("curl", "unknown", "m" * 128)[number]

    run(main())


def test_every_later_writer_is_noted_too(tmp_path: Path) -> None:
    async def main() -> None:
        async with wired(tmp_path) as (site, api):
            await client(site.server).create(NODES, node("node1"))
            await write(api, "POST", _PODS, pod("web"), fieldManager="kubectl-create")
            await client(site.server, "system:kube-scheduler", ()).bind("default", "web", "node1")
            kubelet = Client(site.transport("node-node1", "kubelet"))
            running = {"status": {"phase": "Running", "podIP": "10.244.1.2"}}
            await kubelet.patch(PODS, "web", running, "default", subresource="status")
            await kubelet.transport.close()
            label = {"metadata": {"labels": {"app": "other"}}}
            web = await write(api, "PATCH", f"{_PODS}/web", label, fieldManager="kubectl-label")
            assert sorted(managers(web)) == [
                ("kubectl-create", "Update", ""),
                ("kubectl-label", "Update", ""),
                ("kubelet", "Update", "status"),
            ]
            assert fields(web, "kubelet") == {"f:status": {"f:phase": {}, "f:podIP": {}}}
            assert fields(web, "kubectl-label") == {"f:metadata": {"f:labels": {"f:app": {}}}}
            assert fields(web, "kubectl-create")["f:metadata"] == {"f:labels": {}}

    run(main())


def test_controllers_are_noted_on_what_clients_made(tmp_path: Path) -> None:
    async def main() -> None:
        async with wired(tmp_path) as (site, api):
            await api.create(DEPLOYMENTS, deployment("web"))
            account = site.server.account_transport("kube-system", "deployment-controller")
            controllers = Client(account)
            state = {
                "metadata": {"annotations": {"deployment.kubernetes.io/revision": "1"}},
                "status": {"replicas": 1, "conditions": [{"type": "Available", "status": "True"}]},
            }
            web = await controllers.patch(
                DEPLOYMENTS, "web", state, "default", subresource="status"
            )
            assert fields(web, "kube-controller-manager") == {
                "f:metadata": {
                    "f:annotations": {".": {}, "f:deployment.kubernetes.io/revision": {}}
                },
                "f:status": {
                    "f:conditions": {
                        ".": {},
                        'k:{"type":"Available"}': {".": {}, "f:status": {}, "f:type": {}},
                    },
                    "f:replicas": {},
                },
            }

    run(main())


def test_scaling_is_noted_as_a_write_of_the_subresource(tmp_path: Path) -> None:
    async def main() -> None:
        async with wired(tmp_path) as (_, api):
            await api.create(DEPLOYMENTS, deployment("web"))
            await write(api, "PATCH", f"{_WEB}/scale", {"spec": {"replicas": 3}}, fieldManager="s")
            web = await api.get(DEPLOYMENTS, "web", "default")
            assert ("s", "Update", "scale") in managers(web)
            assert fields(web, "s") == {"f:spec": {"f:replicas": {}}}
            assert "f:replicas" not in fields(web, "labctl")["f:spec"]

    run(main())


def test_a_write_of_what_is_there_changes_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with wired(tmp_path) as (_, api):
            made = await api.create(DEPLOYMENTS, deployment("web"))
            assert await write(api, "PUT", _WEB, deployment("web"), fieldManager="other") == made
            assert (
                await write(api, "PATCH", _WEB, {"spec": {"replicas": 1}}, fieldManager="o") == made
            )
            # What strategies take back is no change either, though a client has written it.
            assert (
                await write(api, "PATCH", _WEB, {"status": {"replicas": 9}}, fieldManager="o")
                == made
            )

    run(main())


def test_clients_may_set_and_reset_managed_fields(tmp_path: Path) -> None:
    async def main() -> None:
        async with wired(tmp_path) as (_, api):
            path = "/api/v1/namespaces/default/configmaps/settings"
            made = await api.create(CONFIGMAPS, config_map("settings", a="1"))
            for bad in ([{"manager": "x", "operation": "Steal"}], [{"operation": "Apply"}]):
                kept = await write(api, "PATCH", path, {"metadata": {"managedFields": bad}})
                assert kept == made
            entry = {**made["metadata"]["managedFields"][0], "manager": "renamed"}
            renamed = await write(api, "PATCH", path, {"metadata": {"managedFields": [entry]}})
            assert managers(renamed) == [("renamed", "Update", "")]
            resets: list[list[Obj]] = [[], [{}]]
            for reset in resets:
                await write(api, "PATCH", path, {"metadata": {"managedFields": [entry]}})
                cleared = await write(api, "PATCH", path, {"metadata": {"managedFields": reset}})
                assert "managedFields" not in cleared["metadata"]
            later = await write(api, "PATCH", path, {"data": {"b": "1"}})
            assert "managedFields" not in later["metadata"]

    run(main())


def test_what_is_written_otherwise_is_put_down_to_what_it_becomes(tmp_path: Path) -> None:
    async def main() -> None:
        async with wired(tmp_path) as (_, api):
            secret = {"metadata": {"name": "key", "namespace": "default"}, "stringData": {"a": "b"}}
            made = await api.create(SECRETS, secret)
            assert fields(made, "labctl")["f:data"] == {".": {}, "f:a": {}}
            space = await api.create(NAMESPACES, {"metadata": {"name": "team"}})
            assert fields(space, "labctl") == {
                "f:metadata": {"f:labels": {".": {}, "f:kubernetes.io/metadata.name": {}}}
            }

    run(main())


def test_the_unix_socket_is_a_client_as_any_other(tmp_path: Path) -> None:
    async def main() -> None:
        async with wired(tmp_path) as (site, _):
            api = Client(HttpTransport.unix(site.unix))
            made = await api.create(CONFIGMAPS, config_map("settings", a="1"))
            await api.transport.close()
            assert managers(made) == [("labctl", "Update", "")]

    run(main())
