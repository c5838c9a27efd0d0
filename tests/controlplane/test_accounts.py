"""What every namespace gets, tokens in Secrets, and roles that add up: by the controllers that run."""

import asyncio
from base64 import b64decode
from pathlib import Path

from labctl.api.kinds.core import CONFIGMAPS, NAMESPACES, PODS, SECRETS, SERVICEACCOUNTS
from labctl.api.kinds.rbac import CLUSTERROLES
from labctl.api.objects import Obj, name, uid
from labctl.api.tokens import ACCOUNT_NAME, ACCOUNT_UID, SECRET_TYPE
from labctl.apiserver.authentication import Credentials
from labctl.apiserver.authorization.bootstrap import parse_rules
from labctl.client.wait import wait_for
from labctl.controllers.role_aggregation import aggregated
from labctl.errors import StatusError
from tests.controlplane.cluster import DEADLINE, Cluster, running_cluster

_CA = "kube-root-ca.crt"


def _always(_: Obj) -> bool:
    return True


async def _until_gone(cluster: Cluster, at: str) -> None:
    await wait_for(cluster.client, SECRETS, at, "default", lambda obj: obj is None, DEADLINE)


def test_every_namespace_has_an_account_and_the_authority(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path, 0) as cluster:
            api = cluster.client
            await api.create(NAMESPACES, {"metadata": {"name": "new"}})
            authority = (tmp_path / "pki" / "ca.crt").read_text()
            for space in ("default", "kube-system", "new"):
                await cluster.until(SERVICEACCOUNTS, "default", space, _always)
                await cluster.until(
                    CONFIGMAPS, _CA, space, lambda one: one["data"] == {"ca.crt": authority}
                )

    asyncio.run(scenario())


def test_they_come_back_and_are_mended(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path, 0) as cluster:
            api = cluster.client
            account = await cluster.until(SERVICEACCOUNTS, "default", "default", _always)
            published = await cluster.until(CONFIGMAPS, _CA, "default", _always)
            await api.delete(SERVICEACCOUNTS, "default", "default")
            await cluster.until(
                SERVICEACCOUNTS, "default", "default", lambda one: uid(one) != uid(account)
            )
            await api.patch(CONFIGMAPS, _CA, {"data": {"ca.crt": "x", "more": "y"}}, "default")
            await cluster.until(
                CONFIGMAPS, _CA, "default", lambda one: one["data"] == published["data"]
            )
            await api.delete(CONFIGMAPS, _CA, "default")
            await cluster.until(CONFIGMAPS, _CA, "default", lambda one: uid(one) != uid(published))

    asyncio.run(scenario())


def test_a_namespace_with_nothing_but_these_ends(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path, 0) as cluster:
            api = cluster.client
            await api.create(NAMESPACES, {"metadata": {"name": "brief"}})
            await cluster.until(SERVICEACCOUNTS, "default", "brief", _always)
            await cluster.until(CONFIGMAPS, _CA, "brief", _always)
            await api.delete(NAMESPACES, "brief")
            await wait_for(api, NAMESPACES, "brief", "", lambda obj: obj is None, DEADLINE)
            for resource in (SERVICEACCOUNTS, CONFIGMAPS):
                assert (await api.list(resource, "brief")).items == []

    asyncio.run(scenario())


def test_a_pod_right_after_its_namespace_is_created(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path, 0) as cluster:
            for number in range(20):
                space = f"n{number}"
                await cluster.client.create(NAMESPACES, {"metadata": {"name": space}})
                pod: Obj = {
                    "metadata": {"name": "web", "namespace": space},
                    "spec": {"containers": [{"name": "main", "image": "nginx"}]},
                }
                made = await cluster.client.create(PODS, pod)
                assert made["spec"]["serviceAccountName"] == "default"

    asyncio.run(scenario())


def _secret(at: str, account: str) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": at,
            "namespace": "default",
            "annotations": {ACCOUNT_NAME: account},
        },
        "type": SECRET_TYPE,
    }


def test_a_secret_for_an_account_is_filled_with_its_token(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path, 0) as cluster:
            api, server = cluster.client, cluster.server
            account = await cluster.until(SERVICEACCOUNTS, "default", "default", _always)
            await api.create(SECRETS, _secret("held", "default"))
            filled = await cluster.until(SECRETS, "held", "default", lambda one: "data" in one)
            assert set(filled["data"]) == {"ca.crt", "namespace", "token"}
            assert filled["metadata"]["annotations"][ACCOUNT_UID] == uid(account)
            token = b64decode(filled["data"]["token"]).decode()
            shown = Credentials(authorization=f"Bearer {token}")
            user = await server.identify(shown)
            assert user.name == "system:serviceaccount:default:default"
            await api.patch(SECRETS, "held", {"data": {"token": None}}, "default")
            again = await cluster.until(
                SECRETS, "held", "default", lambda one: "token" in one["data"]
            )
            assert await _is_refused(cluster, shown)  # good is the token that the Secret holds
            token = b64decode(again["data"]["token"]).decode()
            shown = Credentials(authorization=f"Bearer {token}")
            await server.identify(shown)
            await api.delete(SECRETS, "held", "default")
            assert await _is_refused(cluster, shown)

    asyncio.run(scenario())


async def _is_refused(cluster: Cluster, shown: Credentials) -> bool:
    try:
        await cluster.server.identify(shown)
    except StatusError as error:
        return error.code == 401
    return False


def test_secrets_go_with_their_account(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path, 0) as cluster:
            api = cluster.client
            await api.create(SECRETS, _secret("early", "nobody"))
            await _until_gone(cluster, "early")
            await api.create(
                SERVICEACCOUNTS, {"metadata": {"name": "robot", "namespace": "default"}}
            )
            await api.create(SECRETS, _secret("held", "robot"))
            await cluster.until(SECRETS, "held", "default", lambda one: "data" in one)
            await api.delete(SERVICEACCOUNTS, "robot", "default")
            await _until_gone(cluster, "held")

    asyncio.run(scenario())


def test_roles_add_up(tmp_path: Path) -> None:
    rules = list(parse_rules("get: widgets.example.org"))
    label = {"rbac.authorization.k8s.io/aggregate-to-view": "true"}

    async def scenario() -> None:
        async with running_cluster(tmp_path, 0) as cluster:
            api = cluster.client
            before = {at: (await api.get(CLUSTERROLES, at))["rules"] for at in ("view", "admin")}
            made: Obj = {"metadata": {"name": "widgets", "labels": label}, "rules": rules}
            await api.create(CLUSTERROLES, made)
            for at in ("view", "edit", "admin"):
                await cluster.until(CLUSTERROLES, at, "", lambda one: rules[0] in one["rules"])
            await api.delete(CLUSTERROLES, "widgets")
            for at in before:
                await cluster.until(
                    CLUSTERROLES, at, "", lambda one: one["rules"] == before[name(one)]
                )

    asyncio.run(scenario())


def test_the_sum_of_roles_is_what_their_selectors_pick() -> None:
    def role(at: str, label: str, *rules: str) -> Obj:
        return {
            "metadata": {"name": at, "labels": {label: "true"}},
            "rules": [rule for text in rules for rule in parse_rules(text)],
        }

    selector = {"matchLabels": {"a": "true"}}
    total: Obj = {
        "metadata": {"name": "sum", "labels": {"a": "true"}},
        "aggregationRule": {"clusterRoleSelectors": [selector]},
        "rules": list(parse_rules("get: old")),
    }
    roles = [
        total,
        role("z", "a", "get: pods"),
        role("b", "a", "get: secrets", "get: pods"),
        role("c", "other", "get: nodes"),
    ]
    assert aggregated(total, roles) == [*parse_rules("get: secrets\nget: pods")]


def test_a_start_changes_no_role(tmp_path: Path) -> None:
    """What bootstrap makes is what the controller would make of it."""

    async def scenario() -> None:
        async with running_cluster(tmp_path, 0) as cluster:
            roles = (await cluster.client.list(CLUSTERROLES)).items
            for role in roles:
                if role.get("aggregationRule"):
                    assert aggregated(role, roles) == role["rules"], name(role)

    asyncio.run(scenario())
