"""Who may do what: the control plane, a node, and everybody else."""

from pathlib import Path

import pytest

from labctl.api.kinds.core import EVENTS, NODES, PODS, SECRETS
from labctl.api.objects import Obj, name
from labctl.apiserver.authentication import ADMIN, ANONYMOUS, identified
from labctl.client.client import Client
from tests.apiserver.serving import (
    client,
    deployment,
    node,
    node_client,
    pod,
    refused,
    run,
    serving,
    transport,
)

_NS = "/api/v1/namespaces/default"
_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
_LEASE: Obj = {"metadata": {"name": "node1"}, "spec": {"holderIdentity": "node1"}}
_TAINTS = {"spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]}}


def _event(kind: str, name: str, uid: str = "", number: int = 1) -> Obj:
    subject = {"kind": kind, "namespace": "default", "name": name, "uid": uid}
    return {
        "metadata": {"name": f"{name}.{number}", "namespace": "default"},
        "involvedObject": subject,
    }


# What node1 may not do: method, path, body, and a part of the answer.
_REFUSED: list[tuple[str, str, Obj | None, str]] = [
    (
        "POST",
        f"{_NS}/configmaps",
        {"metadata": {"name": "x"}},
        'cannot create resource "configmaps"',
    ),
    ("PATCH", f"{_NS}/secrets/x", {}, 'cannot patch resource "secrets" in API group ""'),
    ("POST", f"{_NS}/pods", pod("x"), "can only create mirror pods"),
    ("PATCH", f"{_NS}/pods/mine", {}, 'cannot patch resource "pods"'),
    ("PUT", f"{_NS}/pods/mine", pod("mine"), 'cannot update resource "pods"'),
    ("POST", f"{_NS}/pods/mine/binding", {}, 'cannot create resource "pods/binding"'),
    ("GET", f"{_NS}/pods/mine/exec", None, 'cannot get resource "pods/exec"'),
    (
        "PATCH",
        f"{_NS}/pods/theirs/status",
        {"status": {"phase": "Failed"}},
        (
            'pods "theirs" is forbidden: node "node1" can only update pod status for pods with '
            "spec.nodeName set to itself"
        ),
    ),
    ("DELETE", f"{_NS}/pods/theirs", None, "can only delete pods with spec.nodeName set to itself"),
    ("POST", f"{_NS}/pods/theirs/eviction", {}, "spec.nodeName set to itself"),
    ("DELETE", f"{_NS}/pods", None, 'cannot deletecollection resource "pods"'),
    (
        "POST",
        "/api/v1/nodes",
        node("node9"),
        'nodes "node9" is forbidden: node "node1" is not allowed to modify node "node9"',
    ),
    ("PATCH", "/api/v1/nodes/node2", {}, 'is not allowed to modify node "node2"'),
    ("PATCH", "/api/v1/nodes/node2/status", {"status": {}}, 'not allowed to modify node "node2"'),
    ("PATCH", "/api/v1/nodes/node1", _TAINTS, "is not allowed to modify taints"),
    ("DELETE", "/api/v1/nodes/node1", None, 'cannot delete resource "nodes"'),
    ("GET", f"{_NS}/secrets/x", None, "no relationship found between node 'node1'"),
    ("GET", f"{_NS}/secrets", None, 'cannot list resource "secrets" in API group ""'),
    ("GET", "/api/v1/configmaps", None, 'cannot list resource "configmaps"'),
    ("GET", f"{_NS}/pods/theirs", None, "no relationship found between node 'node1'"),
    ("GET", "/api/v1/pods", None, "can only list/watch pods with spec.nodeName field selector"),
    ("GET", f"{_LEASES}/node2", None, "with the same name as the requesting node"),
    ("POST", f"{_NS}/serviceaccounts/other/token", {}, "no relationship found"),
    ("POST", _LEASES, {**_LEASE, "metadata": {"name": "node2"}}, "can only access node lease"),
    ("POST", _LEASES.replace("kube-node-lease", "default"), _LEASE, "can only access leases in"),
    ("POST", f"{_NS}/events", _event("Pod", "theirs"), "can only write events about itself and"),
    ("POST", f"{_NS}/events", _event("Node", "node2"), "can only write events about itself and"),
    ("POST", f"{_NS}/events", _event("Deployment", "web"), "can only write events about itself"),
    ("POST", f"{_NS}/events", {"metadata": {"name": "e"}}, "can only write events about itself"),
    ("PATCH", f"{_NS}/events/theirs.0", {"count": 2}, "can only write events about itself and"),
    (
        "PATCH",
        f"{_NS}/events/theirs.0",
        {"involvedObject": {"name": "mine"}},
        "can only write events about itself and pods with spec.nodeName set to itself",
    ),
    (
        "POST",
        "/apis/events.k8s.io/v1/namespaces/default/events",
        {
            "metadata": {"name": "e", "namespace": "default"},
            "regarding": _event("Pod", "theirs")["involvedObject"],
            "eventTime": "2026-01-01T00:00:00.000000Z",
            "reportingController": "kubelet",
            "reportingInstance": "node1",
            "action": "Binding",
            "reason": "Told",
            "type": "Normal",
        },
        "can only write events about itself and pods with spec.nodeName set to itself",
    ),
    ("POST", "/apis/apps/v1/namespaces/default/deployments", deployment("x"), "deployments.apps"),
    ("GET", "/apis/apps/v1/deployments", None, 'in API group "apps" at the cluster scope'),
    ("DELETE", "/api/v1/namespaces/default", None, 'cannot delete resource "namespaces"'),
    ("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles", None, "clusterroles"),
]


@pytest.mark.parametrize(("method", "path", "body", "message"), _REFUSED)
def test_what_a_node_may_not_do(
    tmp_path: Path, method: str, path: str, body: Obj | None, message: str
) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            admin = client(server)
            for name in ("node1", "node2"):
                await admin.create(NODES, node(name))
            for name, where in (("mine", "node1"), ("theirs", "node2")):
                await admin.create(PODS, pod(name))
                await admin.bind("default", name, where)
            await admin.create(EVENTS, _event("Pod", "theirs", number=0))
            before = server.cache.revision
            wire = transport(server, "system:node:node1", ("system:nodes",))
            request = wire.request(
                method, path, body=body, content_type="application/merge-patch+json"
            )
            if method != "PATCH":
                request.close()
                request = wire.request(method, path, body=body)
            await refused(request, 403, "Forbidden", message)
            await server.cache.fresh()
            assert server.cache.revision == before

    run(main())


def test_what_a_node_does_all_day(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            admin, kubelet = client(server), node_client(server, "node1")
            wire = kubelet.transport
            await kubelet.create(NODES, node("node1"))
            await kubelet.patch(NODES, "node1", {"metadata": {"labels": {"a": "b"}}})
            ready = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
            await kubelet.patch(NODES, "node1", ready, subresource="status")
            lease = await wire.request("POST", _LEASES, body=_LEASE)
            await wire.request("PUT", f"{_LEASES}/node1", body=lease)
            await admin.create(PODS, pod("mine"))
            await admin.bind("default", "mine", "node1")
            assert len((await kubelet.list(PODS, fields="spec.nodeName=node1")).items) == 1
            for kind in ("services", "nodes", "namespaces"):
                await wire.request("GET", f"/api/v1/{kind}")
            change = {"status": {"phase": "Running", "podIP": "10.244.1.2"}}
            await kubelet.patch(PODS, "mine", change, "default", subresource="status")
            await admin.create(PODS, pod("theirs"))
            for event in (_event("Pod", "mine"), _event("Node", "node1")):
                await kubelet.create(EVENTS, event)
            await kubelet.create(EVENTS, _event("Pod", "theirs", uid="of-mine-of-that-name"))
            await kubelet.delete(PODS, "mine", "default", grace=0)
            await kubelet.create(EVENTS, _event("Pod", "mine", number=2))
            assert [name(one) for one in (await admin.list(PODS)).items] == ["theirs"]

    run(main())


def test_the_control_planes_components_may_do_their_work_and_no_more(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            sets = Client(server.account_transport("kube-system", "replicaset-controller"))
            scheduler = client(server, "system:kube-scheduler", ())
            manager = client(server, "system:kube-controller-manager", ())
            await sets.create(PODS, pod("web"))
            await scheduler.bind("default", "web", "node1")
            assert len((await manager.list(SECRETS)).items) == 0
            for user in (scheduler, manager):
                await refused(user.create(PODS, pod("own")), 403, "Forbidden")
            await refused(sets.create(NODES, node("own")), 403, "Forbidden")

    run(main())


def test_a_stranger_is_told_in_kubernetes_words(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            bob = client(server, "bob", ("developers",))
            error = await refused(
                bob.get(PODS, "web", "default"),
                403,
                "Forbidden",
                'pods "web" is forbidden: User "bob" cannot get resource "pods" in API group "" '
                'in the namespace "default"',
            )
            assert error.status["details"] == {"name": "web", "kind": "pods"}
            await refused(
                bob.list(PODS, "default"),
                403,
                "Forbidden",
                'pods is forbidden: User "bob" cannot list',
            )
            # A node's name without a node's group is nobody.
            await refused(client(server, "system:node:node1", ()).list(PODS), 403, "Forbidden")

    run(main())


def test_paths_without_resources(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            for path in ("/healthz", "/livez", "/readyz", "/version"):
                await server.authorize_path(ANONYMOUS, "GET", path)
            bob = identified("bob", ())
            for path in ("/api", "/apis", "/apis/apps/v1", "/openapi/v3"):
                await server.authorize_path(bob, "GET", path)
            for path in ("/apis", "/api/v1", "/metrics", "/livez/ping"):
                await server.authorize_path(ADMIN, "GET", path)
                await refused(
                    server.authorize_path(ANONYMOUS, "GET", path),
                    403,
                    "Forbidden",
                    f'forbidden: User "system:anonymous" cannot get path "{path}"',
                )

    run(main())
