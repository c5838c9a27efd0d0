"""Tokens of ServiceAccounts: asked for, shown over TLS, and worth nothing once what they name is gone."""

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest

from labctl.api.kinds.core import NODES, PODS, SECRETS, SERVICEACCOUNTS
from labctl.api.kinds.rbac import ROLEBINDINGS
from labctl.api.objects import Obj, parse_time, uid
from labctl.api.tokens import ISSUER, request_claims
from labctl.apiserver.authentication import Credentials, authenticate
from labctl.client.client import Client
from labctl.errors import StatusError
from labctl.pki import TokenKey, ensure_signing_key
from tests.apiserver.https import Site, listening
from tests.apiserver.serving import client, node, node_client, pod, refused, run, serving

_TOKEN = "/api/v1/namespaces/default/serviceaccounts/robot/token"
_WHOAMI = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


def account(name: str = "robot", **more: Any) -> Obj:
    return {"metadata": {"name": name, "namespace": "default"}, **more}


def bound_to(obj: Obj) -> Obj:
    reference = {"apiVersion": "v1", "kind": obj["kind"], "name": obj["metadata"]["name"]}
    return {"spec": {"boundObjectRef": {**reference, "uid": uid(obj)}}}


def claims_of(token: str) -> Obj:
    part = token.split(".")[1]
    claims: Obj = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


async def request_token(api: Client, body: Obj | None = None, path: str = _TOKEN) -> Obj:
    return await api.transport.request("POST", path, body=body or {})


async def whoami(site: Site, authorization: str) -> tuple[int, Obj]:
    """What the server says of a request with that header and no certificate."""
    async with site.session(user=None) as session:
        answer = await session.post(_WHOAMI, json={}, headers={"Authorization": authorization})
        return answer.status, await answer.json()


def test_a_token_says_who_is_asking(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site:
            api = client(site.server)
            robot = await api.create(SERVICEACCOUNTS, account())
            made = await request_token(api)
            token = made["status"]["token"]
            code, answer = await whoami(site, f"Bearer {token}")
            user = answer["status"]["userInfo"]
            assert (code, user["username"]) == (201, "system:serviceaccount:default:robot")
            assert user["uid"] == uid(robot)
            assert user["groups"] == [
                "system:serviceaccounts",
                "system:serviceaccounts:default",
                "system:authenticated",
            ]
            claims = claims_of(token)
            assert claims["exp"] - claims["iat"] == 3600
            assert claims["iss"] == ISSUER
            assert claims["aud"] == [ISSUER]
            assert claims["kubernetes.io"]["serviceaccount"] == {"name": "robot", "uid": uid(robot)}
            assert parse_time(made["status"]["expirationTimestamp"]) == claims["exp"]
            async with site.session(user=None) as session:
                headers = {"Authorization": f"bearer {token}"}
                path = "/api/v1/namespaces/default/pods"
                assert (await session.get(path, headers=headers)).status == 403
                binding = {
                    "metadata": {"name": "b", "namespace": "default"},
                    "roleRef": {"kind": "ClusterRole", "name": "view"},
                    "subjects": [{"kind": "ServiceAccount", "name": "robot"}],
                }
                await api.create(ROLEBINDINGS, binding)
                assert (await session.get(path, headers=headers)).status == 200

    run(main())


def test_a_token_goes_with_its_account(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site:
            api = client(site.server)
            await api.create(SERVICEACCOUNTS, account())
            bearer = f"Bearer {(await request_token(api))['status']['token']}"
            assert (await whoami(site, bearer))[0] == 201
            await api.delete(SERVICEACCOUNTS, "robot", "default")
            assert (await whoami(site, bearer))[0] == 401
            await api.create(SERVICEACCOUNTS, account())
            code, answer = await whoami(site, bearer)
            assert (code, answer["reason"], answer["message"]) == (
                401,
                "Unauthorized",
                "Unauthorized",
            )

    run(main())


def test_a_token_goes_with_what_it_is_bound_to(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site:
            api = client(site.server)
            await api.create(SERVICEACCOUNTS, account())
            web = await api.create(PODS, pod("web", serviceAccountName="robot"))
            secret = await api.create(SECRETS, account("held"))
            machine = await api.create(NODES, node("node1"))
            bound = {
                obj["kind"]: (await request_token(api, bound_to(obj)))["status"]["token"]
                for obj in (web, secret, machine)
            }
            assert claims_of(bound["Pod"])["kubernetes.io"]["pod"] == {
                "name": "web",
                "uid": uid(web),
            }
            for token in bound.values():
                assert (await whoami(site, f"Bearer {token}"))[0] == 201
            extra = (await whoami(site, f"Bearer {bound['Pod']}"))[1]["status"]["userInfo"]["extra"]
            assert extra["authentication.kubernetes.io/pod-name"] == ["web"]
            await api.delete(PODS, "web", "default")
            await api.create(PODS, pod("web", serviceAccountName="robot"))
            await api.delete(SECRETS, "held", "default")
            await api.delete(NODES, "node1")
            for token in bound.values():
                assert (await whoami(site, f"Bearer {token}"))[0] == 401

    run(main())


def test_what_is_no_good_token_is_unauthorized(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site:
            api = client(site.server)
            robot = await api.create(SERVICEACCOUNTS, account())
            token = (await request_token(api))["status"]["token"]
            key, now = TokenKey.load(site.pki), int(time.time())
            other = tmp_path / "other"
            other.mkdir()
            ensure_signing_key(other)
            good = request_claims(robot, [], [ISSUER], now, 600)
            head, body, signature = token.split(".")
            bad = {
                "another lab's": TokenKey.load(other).sign(good),
                "expired": key.sign({**good, "exp": now - 1}),
                "not begun": key.sign({**good, "nbf": now + 60}),
                "another issuer's": key.sign({**good, "iss": "https://example.org"}),
                "for somebody else": key.sign({**good, "aud": ["vault"]}),
                "without its claims": key.sign({"iss": ISSUER, "exp": now + 60}),
                "odd": key.sign({**good, "kubernetes.io": "x"}),
                "unsigned": f"{head}.{body}.",
                "with algorithm none": "eyJhbGciOiJub25lIn0." + body + ".",
                "changed": f"{head}.{body[:-4]}AAAA.{signature}",
                "garbage": "x" * 2000,
                "not text": "\udcff\udcfe",
            }
            before = site.server.cache.revision
            for what, one in bad.items():
                with pytest.raises(StatusError) as caught:
                    await site.server.identify(Credentials(authorization=f"Bearer {one}"))
                assert (caught.value.code, caught.value.reason) == (401, "Unauthorized"), what
            for header in ("Bearer", "Bearer ", "Basic YTpi", token, f"Token {token}"):
                assert (await whoami(site, header))[0] == 401, header
            assert site.server.cache.revision == before

    run(main())


# What a TokenRequest may not ask for: body, code, reason, and a part of the message.
_BAD_REQUESTS: list[tuple[Any, int, str, str]] = [
    ({"spec": {"expirationSeconds": 60}}, 422, "Invalid", "less than 10 minutes"),
    ({"spec": {"expirationSeconds": 1 << 40}}, 422, "Invalid", "larger than 2^32 seconds"),
    ({"spec": {"expirationSeconds": "1h"}}, 400, "BadRequest", "expirationSeconds"),
    ({"spec": {"audiences": "a"}}, 400, "BadRequest", "audiences"),
    ({"spec": 1}, 400, "BadRequest", "spec"),
    ({"kind": "Pod"}, 400, "BadRequest", "TokenRequest"),
    ([1], 400, "BadRequest", "JSON object"),
    ({"metadata": {"name": "other"}}, 400, "BadRequest", "does not match"),
    ({"spec": {"boundObjectRef": {"kind": "Service", "name": "a"}}}, 400, "BadRequest", "Service"),
    ({"spec": {"boundObjectRef": {"kind": "Pod", "name": "no"}}}, 404, "NotFound", 'pods "no"'),
    (
        {"spec": {"boundObjectRef": {"kind": "Pod", "name": "web"}}},
        400,
        "BadRequest",
        'cannot bind token for serviceaccount "robot" to pod running with different',
    ),
    (
        {"spec": {"boundObjectRef": {"kind": "Node", "name": "node1", "uid": "x"}}},
        409,
        "Conflict",
        "does not match the UID in record",
    ),
]


@pytest.mark.parametrize(("body", "code", "reason", "message"), _BAD_REQUESTS)
def test_tokens_that_cannot_be_had(
    tmp_path: Path, body: Any, code: int, reason: str, message: str
) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await api.create(SERVICEACCOUNTS, account())
            await api.create(PODS, pod("web"))
            await api.create(NODES, node("node1"))
            request = api.transport.request("POST", _TOKEN, body=body)
            await refused(request, code, reason, message)

    run(main())


def test_a_server_without_a_key_has_no_tokens(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await refused(request_token(api), 404, "NotFound", 'serviceaccounts "robot" not found')
            await api.create(SERVICEACCOUNTS, account())
            await refused(request_token(api), 503, "ServiceUnavailable", "no key to sign tokens")
            shown = Credentials(authorization="Bearer a.b.c")
            await refused(authenticate(server.backend.tokens, shown), 401, "Unauthorized")

    run(main())


def test_a_node_gets_tokens_for_its_own_pods_alone(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site:
            api, kubelet = client(site.server), node_client(site.server, "node1")
            await api.create(SERVICEACCOUNTS, account())
            pods = {}
            for name, where in (("mine", "node1"), ("theirs", "node2")):
                pods[name] = await api.create(PODS, pod(name, serviceAccountName="robot"))
                await api.bind("default", name, where)
            await request_token(kubelet, bound_to(pods["mine"]))
            for body, message in (
                ({}, "not bound to a pod"),
                (bound_to(pods["theirs"]), "scheduled on a different node"),
                (
                    {"spec": {"boundObjectRef": {"kind": "Pod", "name": "mine"}}},
                    "with a pod binding without a uid",
                ),
            ):
                await refused(request_token(kubelet, body), 403, "Forbidden", message)
            await api.delete(PODS, "mine", "default", grace=0)
            await refused(
                request_token(kubelet, bound_to(pods["mine"])),
                403,
                "Forbidden",
                "no relationship found between node 'node1' and this object",
            )

    run(main())


def test_certificates_and_sockets_name_users(tmp_path: Path) -> None:
    certificate = {
        "subject": (
            (("organizationName", "system:nodes"),),
            (("organizationName", "second"),),
            (("commonName", "system:node:node1"),),
        )
    }

    async def main() -> None:
        async with serving(tmp_path) as server:
            user = await server.identify(Credentials(certificate))
            assert user.name == "system:node:node1"
            assert user.groups == ("system:nodes", "second", "system:authenticated")
            assert "system:masters" in (await server.identify(Credentials(uid=0))).groups
            assert (await server.identify(Credentials())).name == "system:anonymous"
            for credentials in (
                Credentials(uid=1000),
                Credentials(authorization="Bearer nonsense"),
                Credentials({"subject": ((("organizationName", "system:masters"),),)}),
            ):
                await refused(server.identify(credentials), 401, "Unauthorized", "Unauthorized")

    run(main())
