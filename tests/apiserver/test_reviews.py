"""Reviews: what the server says of access, rules, tokens and oneself; and junk in them."""

from pathlib import Path
from typing import Any

import pytest

from labctl.api.kinds.core import PODS, SERVICEACCOUNTS
from labctl.api.kinds.rbac import CLUSTERROLES, ROLEBINDINGS
from labctl.api.objects import Obj
from labctl.api.tokens import ISSUER
from labctl.apiserver.server import ApiServer
from tests.apiserver.https import listening
from tests.apiserver.serving import client, node_client, pod, refused, run, serving, transport
from tests.apiserver.test_rbac import BOB, binding, role

_AUTHORIZATION = "/apis/authorization.k8s.io/v1"
_AUTHENTICATION = "/apis/authentication.k8s.io/v1"
_SELF = f"{_AUTHORIZATION}/selfsubjectaccessreviews"
_OTHERS = f"{_AUTHORIZATION}/subjectaccessreviews"
_LOCAL = f"{_AUTHORIZATION}/namespaces/default/localsubjectaccessreviews"
_RULES = f"{_AUTHORIZATION}/selfsubjectrulesreviews"
_TOKENS = f"{_AUTHENTICATION}/tokenreviews"
_MASTERS = ("system:masters",)


async def review(
    server: ApiServer, path: str, spec: Any, user: str = "admin", groups: tuple[str, ...] = _MASTERS
) -> Obj:
    """The status of a review's answer."""
    wire = transport(server, user, groups)
    body = {} if spec is None else {"spec": spec}
    answer = await wire.request("POST", path, body=body)
    status: Obj = answer["status"]
    return status


def may(verb: str, resource: str, namespace: str = "default", **more: str) -> Obj:
    attributes = {"verb": verb, "resource": resource, "namespace": namespace, **more}
    return {"resourceAttributes": attributes}


def test_may_i(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            await client(server).create(ROLEBINDINGS, binding("b", "view", BOB))
            for spec, allowed in (
                (may("get", "pods"), True),
                (may("get", "pods", subresource="log"), True),
                (may("get", "pods", subresource="exec"), False),
                (may("get", "pods", namespace=""), False),
                (may("delete", "pods"), False),
                (may("list", "deployments", group="apps"), True),
                (may("list", "widgets", group="example.org"), False),
                ({"nonResourceAttributes": {"verb": "get", "path": "/healthz"}}, True),
                ({"nonResourceAttributes": {"verb": "get", "path": "/metrics"}}, False),
            ):
                told = await review(server, _SELF, spec, "bob", ())
                assert told["allowed"] is allowed, spec
            assert (await review(server, _SELF, may("*", "*", group="*")))["allowed"]
            told = await review(server, _SELF, may("get", "pods"), "bob", ())
            assert told["reason"] == (
                'RBAC: allowed by RoleBinding "b/default" of ClusterRole "view" to User "bob"'
            )

    run(main())


def test_may_another(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            admin = client(server)
            await admin.create(ROLEBINDINGS, binding("b", "view", BOB))
            await admin.create(PODS, pod("web"))
            await admin.bind("default", "web", "node1")
            bob = {"user": "bob", **may("list", "pods")}
            assert (await review(server, _OTHERS, bob))["allowed"]
            assert (await review(server, _LOCAL, bob))["allowed"]
            group = {"groups": ["system:masters"], **may("list", "secrets")}
            assert (await review(server, _OTHERS, group))["allowed"]
            node = {"user": "system:node:node1", "groups": ["system:nodes"]}
            assert (await review(server, _OTHERS, {**node, **may("get", "pods", name="web")}))[
                "allowed"
            ]
            listing = may("list", "pods")
            assert not (await review(server, _OTHERS, {**node, **listing}))["allowed"]
            terms = [{"key": "spec.nodeName", "operator": "In", "values": ["node1"]}]
            listing["resourceAttributes"]["fieldSelector"] = {"requirements": terms}
            assert (await review(server, _OTHERS, {**node, **listing}))["allowed"]
            await refused(
                review(server, _OTHERS, bob, "bob", ()),
                403,
                "Forbidden",
                'cannot create resource "subjectaccessreviews"',
            )

    run(main())


def test_what_i_may(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            admin = client(server)
            await admin.create(CLUSTERROLES, role("r", "get: pods = web\nget: /logs", ""))
            await admin.create(ROLEBINDINGS, binding("b", "r", BOB))
            told = await review(server, _RULES, {"namespace": "default"}, "bob", ())
            assert {
                "verbs": ["get"],
                "apiGroups": [""],
                "resources": ["pods"],
                "resourceNames": ["web"],
            } in told["resourceRules"]
            assert told["incomplete"] is False
            elsewhere = await review(server, _RULES, {"namespace": "kube-system"}, "bob", ())
            assert all("pods" not in rule["resources"] for rule in elsewhere["resourceRules"])
            kubelet = node_client(server, "node1").transport
            body = {"spec": {"namespace": "default"}}
            answer = await kubelet.request("POST", _RULES, body=body)
            assert answer["status"]["incomplete"] is True

    run(main())


def test_whose_token_it_is(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site:
            api = client(site.server)
            account = {"metadata": {"name": "robot", "namespace": "default"}}
            await api.create(SERVICEACCOUNTS, account)
            path = "/api/v1/namespaces/default/serviceaccounts/robot/token"
            made = await api.transport.request("POST", path, body={})
            vault = await api.transport.request(
                "POST", path, body={"spec": {"audiences": ["vault", "other"]}}
            )
            token, own = made["status"]["token"], vault["status"]["token"]
            told = await review(site.server, _TOKENS, {"token": token})
            assert told["authenticated"] is True
            assert told["audiences"] == [ISSUER]
            assert told["user"]["username"] == "system:serviceaccount:default:robot"
            told = await review(site.server, _TOKENS, {"token": own, "audiences": ["vault"]})
            assert told["audiences"] == ["vault"]
            for spec in ({"token": own}, {"token": "x"}, {"token": token, "audiences": ["vault"]}):
                told = await review(site.server, _TOKENS, spec)
                assert told == {"user": {}, "error": "invalid bearer token"}

    run(main())


# Reviews that ask nothing that can be answered: path, spec, code, reason, part of the message.
_JUNK: list[tuple[str, Any, int, str, str]] = [
    (_SELF, None, 422, "Invalid", "exactly one of nonResourceAttributes or resourceAttributes"),
    (
        _SELF,
        {**may("get", "pods"), "nonResourceAttributes": {"path": "/"}},
        422,
        "Invalid",
        "exactly one of",
    ),
    (_SELF, "x", 400, "BadRequest", "spec"),
    (_SELF, {"resourceAttributes": []}, 400, "BadRequest", "resourceAttributes"),
    (_SELF, {"resourceAttributes": {"verb": 1}}, 400, "BadRequest", "verb"),
    (_OTHERS, may("get", "pods"), 422, "Invalid", "at least one of user or group"),
    (_OTHERS, {"user": "a", "groups": "b", **may("get", "pods")}, 400, "BadRequest", "groups"),
    (
        _LOCAL,
        {"user": "a", **may("get", "pods", namespace="two")},
        422,
        "Invalid",
        "must match metadata.namespace",
    ),
    (
        _LOCAL,
        {"user": "a", "nonResourceAttributes": {"path": "/", "verb": "get"}},
        422,
        "Invalid",
        "disallowed on this kind of request",
    ),
    (_RULES, {}, 422, "Invalid", "no namespace on request"),
    (_RULES, {"namespace": 1}, 400, "BadRequest", "namespace"),
    (_TOKENS, {}, 422, "Invalid", "token is required"),
    (_TOKENS, {"token": ["a"]}, 400, "BadRequest", "token"),
]


@pytest.mark.parametrize(("path", "spec", "code", "reason", "message"), _JUNK)
def test_junk_in_reviews(
    tmp_path: Path, path: str, spec: Any, code: int, reason: str, message: str
) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            before = server.cache.revision
            await refused(review(server, path, spec), code, reason, message)
            assert server.cache.revision == before

    run(main())


def test_reviews_are_asked_and_never_read(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site, site.session() as session:
            for path in (_SELF, _OTHERS, _RULES, _TOKENS):
                for method in ("GET", "PUT", "DELETE"):
                    answer = await session.request(method, path)
                    assert answer.status == 405, (method, path)
            for group in ("authentication.k8s.io", "authorization.k8s.io"):
                answer = await session.get(f"/apis/{group}/v1")
                listed = (await answer.json())["resources"]
                assert all(one["verbs"] == ["create"] for one in listed)
            answer = await session.get("/api/v1")
            found = {one["name"]: one for one in (await answer.json())["resources"]}
            token = found["serviceaccounts/token"]
            assert (token["group"], token["kind"]) == ("authentication.k8s.io", "TokenRequest")

    run(main())
