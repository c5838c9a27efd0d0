"""Roles and bindings: what they allow, who gets what at start, and that nobody gives more than is theirs."""

from pathlib import Path
from typing import Any

import pytest

from labctl.api.kinds.core import CONFIGMAPS, NAMESPACES, PODS, SECRETS
from labctl.api.kinds.rbac import CLUSTERROLEBINDINGS, CLUSTERROLES, ROLEBINDINGS, ROLES
from labctl.api.objects import Obj
from labctl.api.resource import Resource
from labctl.apiserver.authentication import identified
from labctl.apiserver.authorization.bootstrap import default_objects, parse_rules
from labctl.apiserver.authorization.rules import compile_rules
from labctl.apiserver.server import ApiServer
from labctl.client.client import Client
from labctl.errors import StatusError
from tests.apiserver.serving import client, config_map, pod, refused, run, serving, transport

_GROUP = "rbac.authorization.k8s.io"


def role(name: str, rules: str, namespace: str = "default") -> Obj:
    metadata = {"name": name, "namespace": namespace} if namespace else {"name": name}
    return {"metadata": metadata, "rules": list(parse_rules(rules))}


def binding(name: str, to: str, subject: Obj, namespace: str = "default") -> Obj:
    """Binds the ClusterRole `to`, or the Role of `Role/NAME`."""
    kind, _, target = to.rpartition("/")
    return {
        "metadata": {"name": name, "namespace": namespace} if namespace else {"name": name},
        "roleRef": {"apiGroup": _GROUP, "kind": kind or "ClusterRole", "name": target},
        "subjects": [subject],
    }


BOB: Obj = {"kind": "User", "name": "bob"}


# Rules, and for questions of verb, group, resource and name whether they are answered with yes.
_RULES: list[tuple[str, dict[tuple[str, str, str, str], bool]]] = [
    (
        "get list: pods pods/log deployments.apps",
        {
            ("get", "", "pods", "a"): True,
            ("get", "", "pods/log", "a"): True,
            ("list", "apps", "deployments", ""): True,
            ("get", "", "pods/exec", "a"): False,
            ("get", "apps", "pods", "a"): False,
            ("delete", "", "pods", "a"): False,
            ("get", "", "deployments", ""): False,
        },
    ),
    (
        "*: *.apps",
        {
            ("patch", "apps", "deployments/scale", "a"): True,
            ("get", "", "pods", "a"): False,
        },
    ),
    (
        "update: */scale.*",
        {
            ("update", "apps", "deployments/scale", "a"): True,
            ("update", "example.org", "widgets/scale", "a"): True,
            ("update", "apps", "deployments", "a"): False,
            ("update", "apps", "deployments/status", "a"): False,
        },
    ),
    (
        "get create: configmaps = one",
        {
            ("get", "", "configmaps", "one"): True,
            ("get", "", "configmaps", "two"): False,
            ("create", "", "configmaps", ""): False,
        },
    ),
]


@pytest.mark.parametrize(("text", "questions"), _RULES)
def test_what_rules_mean(text: str, questions: dict[tuple[str, str, str, str], bool]) -> None:
    rules = compile_rules(parse_rules(text))
    for question, answer in questions.items():
        assert rules.allows(*question) is answer, question


def test_names_with_a_meaning_of_their_own_are_only_names() -> None:
    for name in ("*", "/", ""):
        rule: Obj = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
        rules = compile_rules([{**rule, "resourceNames": [name]}])
        assert not rules.allows("get", "", "secrets", "web")


def test_paths_end_in_a_star_or_are_exact() -> None:
    rules = compile_rules(parse_rules("get: /healthz /logs/*"))
    for path, allowed in (("/healthz", True), ("/healthz/a", False), ("/logs/a/b", True)):
        assert rules.allows_path("get", path) is allowed
    assert not rules.allows_path("post", "/healthz")
    assert compile_rules(parse_rules("*: /*")).allows_path("post", "/anything")


def test_a_binding_counts_at_once_and_no_longer_than_it_is_there(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            admin, bob = client(server), client(server, "bob", ())
            await admin.create(NAMESPACES, {"metadata": {"name": "two"}})
            await refused(bob.list(PODS, "default"), 403, "Forbidden")
            await admin.create(ROLEBINDINGS, binding("b", "view", BOB))
            await bob.list(PODS, "default")
            await refused(bob.list(PODS, "two"), 403, "Forbidden", 'in the namespace "two"')
            await refused(bob.list(PODS), 403, "Forbidden", "at the cluster scope")
            await refused(bob.list(SECRETS, "default"), 403, "Forbidden")
            await refused(bob.create(PODS, pod("a")), 403, "Forbidden")
            await bob.get(NAMESPACES, "default")
            await refused(bob.get(NAMESPACES, "two"), 403, "Forbidden", 'in the namespace "two"')
            await admin.delete(ROLEBINDINGS, "b", "default")
            await refused(bob.list(PODS, "default"), 403, "Forbidden")

    run(main())


def test_subjects_are_users_groups_and_accounts(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            admin = client(server)
            group: Obj = {"kind": "Group", "name": "dev"}
            account: Obj = {"kind": "ServiceAccount", "name": "robot", "namespace": "default"}
            await admin.create(CLUSTERROLEBINDINGS, binding("g", "view", group, ""))
            await admin.create(ROLEBINDINGS, binding("a", "edit", account))
            await client(server, "bob", ("dev",)).list(PODS)
            robot = Client(server.account_transport("default", "robot"))
            await robot.create(PODS, pod("a"))
            await refused(robot.list(PODS), 403, "Forbidden")
            other = Client(server.account_transport("kube-system", "robot"))
            await refused(other.list(PODS, "default"), 403, "Forbidden")

    run(main())


def test_a_role_may_name_the_objects_that_it_is_about(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            admin, bob = client(server), client(server, "bob", ())
            await admin.create(CONFIGMAPS, config_map("one"))
            await admin.create(ROLES, role("one", "READ: configmaps = one"))
            await admin.create(ROLEBINDINGS, binding("one", "Role/one", BOB))
            await bob.get(CONFIGMAPS, "one", "default")
            named = await bob.list(CONFIGMAPS, "default", fields="metadata.name=one")
            assert len(named.items) == 1
            await refused(bob.get(CONFIGMAPS, "two", "default"), 403, "Forbidden")
            await refused(bob.list(CONFIGMAPS, "default"), 403, "Forbidden")

    run(main())


def test_a_binding_to_no_role_says_so(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            await client(server).create(ROLEBINDINGS, binding("b", "nope", BOB))
            await refused(
                client(server, "bob", ()).list(PODS, "default"),
                403,
                "Forbidden",
                f'RBAC: clusterrole.{_GROUP} "nope" not found',
            )

    run(main())


async def _writer(server: ApiServer, rules: str) -> Client:
    """Bob, who may write roles and bindings of the namespace default, and has `rules` himself."""
    admin = client(server)
    writing = f"WRITE READ: roles.{_GROUP} rolebindings.{_GROUP}\n{rules}"
    await admin.create(ROLES, role("bobs", writing))
    await admin.create(ROLEBINDINGS, binding("bobs", "Role/bobs", BOB))
    return client(server, "bob", ())


def test_nobody_gives_away_more_than_they_have(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            bob = await _writer(server, "READ: pods")
            await bob.create(ROLES, role("r", "get: pods"))
            for rules in ("get: secrets", "*: pods", "get: pods/log", "get: *", "list: *.*"):
                await refused(
                    bob.create(ROLES, role("x", rules)),
                    403,
                    "Forbidden",
                    'user "bob" (groups=["system:authenticated"]) is attempting to grant RBAC '
                    "permissions not currently held",
                )
            await refused(
                bob.patch(ROLES, "r", {"rules": role("x", "get: secrets")["rules"]}, "default"),
                403,
                "Forbidden",
                '{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}',
            )
            await bob.patch(ROLES, "bobs", {"metadata": {"labels": {"a": "b"}}}, "default")
            await bob.create(ROLEBINDINGS, binding("b", "Role/r", BOB))
            await refused(
                bob.create(ROLEBINDINGS, binding("c", "cluster-admin", BOB)), 403, "Forbidden"
            )
            await refused(
                bob.create(ROLEBINDINGS, binding("c", "nope", BOB)),
                404,
                "NotFound",
                f'clusterroles.{_GROUP} "nope" not found',
            )

    run(main())


def test_escalate_and_bind_are_permissions_themselves(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            rules = f"escalate: roles.{_GROUP}\nbind: clusterroles.{_GROUP} = edit"
            bob = await _writer(server, rules)
            await bob.create(ROLES, role("r", "*: *.*"))
            await bob.create(ROLEBINDINGS, binding("b", "edit", BOB))
            await refused(bob.create(ROLEBINDINGS, binding("c", "admin", BOB)), 403, "Forbidden")

    run(main())


# What cannot be a role or a binding: resource, object, and a part of the answer.
_INVALID: list[tuple[Resource, Obj, str]] = [
    (ROLES, {"rules": [{"apiGroups": [""], "resources": ["pods"]}]}, "rules[0].verbs: Required"),
    (ROLES, {"rules": [{"verbs": ["get"], "resources": ["pods"]}]}, "at least one api group"),
    (ROLES, {"rules": [{"verbs": ["get"], "apiGroups": [""]}]}, "at least one resource"),
    (
        ROLES,
        {"rules": [{"verbs": ["get"], "nonResourceURLs": ["/a"]}]},
        "namespaced rules cannot apply to non-resource URLs",
    ),
    (CLUSTERROLES, {"aggregationRule": {}}, "at least one clusterRoleSelector required"),
    (ROLEBINDINGS, {}, "roleRef"),
    (ROLEBINDINGS, {"roleRef": {"kind": "Pod", "name": "a"}}, 'supported values: "Role"'),
    (
        CLUSTERROLEBINDINGS,
        {"roleRef": {"kind": "Role", "name": "a"}},
        'supported values: "ClusterRole"',
    ),
    (
        CLUSTERROLEBINDINGS,
        {
            "roleRef": {"kind": "ClusterRole", "name": "a"},
            "subjects": [{"kind": "ServiceAccount", "name": "a"}],
        },
        "subjects[0].namespace: Required value",
    ),
    (
        ROLEBINDINGS,
        {"roleRef": {"kind": "Role", "name": "a"}, "subjects": [{"kind": "Robot", "name": "a"}]},
        'subjects[0].kind: Unsupported value: "Robot"',
    ),
]


@pytest.mark.parametrize(("resource", "obj", "message"), _INVALID)
def test_what_is_no_role_and_no_binding(
    tmp_path: Path, resource: Resource, obj: Obj, message: str
) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            namespace = {"namespace": "default"} if resource.namespaced else {}
            sent = {**obj, "metadata": {"name": "x", **namespace}}
            await refused(client(server).create(resource, sent), 422, "Invalid", message)

    run(main())


def test_a_binding_keeps_its_role(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            admin = client(server)
            made = await admin.create(ROLEBINDINGS, binding("b", "view", BOB))
            assert made["subjects"] == [{**BOB, "apiGroup": _GROUP}]
            await refused(
                admin.patch(ROLEBINDINGS, "b", {"roleRef": {"name": "edit"}}, "default"),
                422,
                "Invalid",
                "cannot change roleRef",
            )

    run(main())


def test_the_defaults_are_there_and_come_back(tmp_path: Path) -> None:
    async def edit(api: Client) -> None:
        await api.delete(CLUSTERROLES, "view")
        await api.delete(CLUSTERROLEBINDINGS, "system:discovery")
        await api.patch(CLUSTERROLES, "system:kube-dns", {"rules": [_EXTRA]})
        await api.patch(CLUSTERROLEBINDINGS, "system:basic-user", {"subjects": [_MORE]})
        note = {"rbac.authorization.kubernetes.io/autoupdate": "false"}
        change: Obj = {"metadata": {"annotations": note}, "rules": []}
        await api.patch(CLUSTERROLES, "system:monitoring", change)

    async def main() -> None:
        async with serving(tmp_path) as server:
            found = {(one, obj["metadata"]["name"]) for one, obj in default_objects()}
            for resource in (CLUSTERROLES, CLUSTERROLEBINDINGS, ROLES, ROLEBINDINGS):
                for obj in (await client(server).list(resource)).items:
                    assert (resource, obj["metadata"]["name"]) in found
                    labels = obj["metadata"]["labels"]
                    assert labels["kubernetes.io/bootstrapping"] == "rbac-defaults"
            await edit(client(server))
        async with serving(tmp_path) as server:
            api = client(server)
            assert (await api.get(CLUSTERROLES, "view"))["rules"]
            await api.get(CLUSTERROLEBINDINGS, "system:discovery")
            dns = (await api.get(CLUSTERROLES, "system:kube-dns"))["rules"]
            assert dns == [_EXTRA, *parse_rules("list watch: endpoints services")]
            subjects = (await api.get(CLUSTERROLEBINDINGS, "system:basic-user"))["subjects"]
            assert [one["name"] for one in subjects] == ["more", "system:authenticated"]
            assert (await api.get(CLUSTERROLES, "system:monitoring"))["rules"] == []
            before = server.cache.revision
        async with serving(tmp_path) as server:
            assert server.cache.revision == before  # nothing is repaired twice

    run(main())


_EXTRA: Obj = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
_MORE: Obj = {"kind": "Group", "name": "more", "apiGroup": _GROUP}


# What the roles for people allow in the namespace default: role, method, path, allowed.
_ROLES_FOR_PEOPLE = [
    ("view", "GET", "pods", True),
    ("view", "GET", "secrets", False),
    ("view", "POST", "pods", False),
    ("edit", "GET", "secrets", True),
    ("edit", "POST", "configmaps", True),
    ("edit", "POST", f"/apis/{_GROUP}/v1/namespaces/default/roles", False),
    ("edit", "POST", "resourcequotas", False),
    ("admin", "POST", f"/apis/{_GROUP}/v1/namespaces/default/roles", True),
    ("admin", "POST", "resourcequotas", False),
    ("admin", "GET", "/api/v1/nodes", False),
    ("cluster-admin", "POST", "resourcequotas", True),
]


@pytest.mark.parametrize(("name", "method", "path", "allowed"), _ROLES_FOR_PEOPLE)
def test_the_roles_for_people(
    tmp_path: Path, name: str, method: str, path: str, allowed: bool
) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            await client(server).create(ROLEBINDINGS, binding("b", name, BOB))
            wire = transport(server, "bob", ())
            full = path if path.startswith("/") else f"/api/v1/namespaces/default/{path}"
            body: Any = {"metadata": {"name": "x"}} if method == "POST" else None
            code = 200
            try:
                await wire.request(method, full, body=body)
            except StatusError as error:
                code = error.code
            assert (code != 403) is allowed

    run(main())


def test_permissions_are_remembered_until_a_role_or_binding_changes(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            admin, bob = client(server), identified("bob", ())
            rbac = server.backend.authorizer.rbac
            known = rbac.permissions(bob)
            await admin.create(CONFIGMAPS, config_map("a"))
            await server.cache.fresh()
            assert rbac.permissions(bob) is known
            await admin.create(ROLEBINDINGS, binding("c", "view", BOB))
            await server.cache.fresh()
            assert rbac.permissions(bob) is not known

    run(main())
