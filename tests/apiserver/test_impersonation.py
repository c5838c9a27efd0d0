"""Acting as somebody else: who may, as whom, and what comes of it."""

from pathlib import Path

import pytest

from labctl.api.kinds.rbac import CLUSTERROLEBINDINGS, CLUSTERROLES
from labctl.api.objects import Obj
from labctl.apiserver.authentication import ADMIN, Credentials, identified
from labctl.apiserver.impersonation import impersonate
from labctl.apiserver.request import Identity
from tests.apiserver.https import listening
from tests.apiserver.serving import client, refused, run, serving
from tests.apiserver.test_rbac import BOB, binding, role

Headers = list[tuple[str, str]]

_AS_BOB: Headers = [("Impersonate-User", "bob")]

# Headers, and who they make of an admin.
_WISHES: list[tuple[Headers, Identity]] = [
    ([], ADMIN),
    (_AS_BOB, Identity("bob", ("system:authenticated",))),
    (
        [*_AS_BOB, ("Impersonate-Group", "b"), ("impersonate-group", "a")],
        Identity("bob", ("b", "a", "system:authenticated")),
    ),
    (
        [*_AS_BOB, ("Impersonate-Uid", "7"), ("Impersonate-Extra-Example.org%2Fteam", "x")],
        Identity("bob", ("system:authenticated",), "7", (("example.org/team", ("x",)),)),
    ),
    (
        [("Impersonate-User", "system:serviceaccount:default:robot")],
        Identity(
            "system:serviceaccount:default:robot",
            ("system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"),
        ),
    ),
    (
        [("Impersonate-User", "system:anonymous")],
        Identity("system:anonymous", ("system:unauthenticated",)),
    ),
]


@pytest.mark.parametrize(("headers", "identity"), _WISHES)
def test_whom_headers_make(tmp_path: Path, headers: Headers, identity: Identity) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            assert await impersonate(server.backend.authorizer, ADMIN, headers) == identity

    run(main())


@pytest.mark.parametrize(
    "headers",
    [
        [("Impersonate-Group", "system:masters")],
        [("Impersonate-Uid", "7")],
        [("Impersonate-Extra-A", "7")],
        [("Impersonate-User", "")],
        [("Impersonate-User", "\udcff")],
        [("Impersonate-User", "a\x00b")],
    ],
)
def test_what_names_nobody_is_a_bad_request(tmp_path: Path, headers: Headers) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            wish = impersonate(server.backend.authorizer, ADMIN, headers)
            await refused(wish, 400, "BadRequest")

    run(main())


def test_only_who_may_acts_as_another(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            bob, authorizer = identified("bob", ()), server.backend.authorizer
            rules = """
                impersonate: users = ann
                impersonate: groups = dev
                impersonate: userextras/team.authentication.k8s.io = x
            """
            await client(server).create(CLUSTERROLES, role("i", rules, ""))
            await client(server).create(CLUSTERROLEBINDINGS, binding("i", "i", BOB, ""))
            ann: Headers = [("Impersonate-User", "ann")]
            allowed = [*ann, ("Impersonate-Group", "dev"), ("Impersonate-Extra-Team", "x")]
            assert (await impersonate(authorizer, bob, allowed)).name == "ann"
            for headers, message in (
                (
                    [("Impersonate-User", "eve")],
                    (
                        'users "eve" is forbidden: User "bob" cannot impersonate resource "users" '
                        'in API group "" at the cluster scope'
                    ),
                ),
                ([*ann, ("Impersonate-Group", "system:masters")], 'groups "system:masters"'),
                ([*ann, ("Impersonate-Uid", "1")], 'resource "uids"'),
                ([*ann, ("Impersonate-Extra-Team", "y")], 'resource "userextras/team"'),
                (
                    [("Impersonate-User", "system:serviceaccount:default:robot")],
                    'impersonate resource "serviceaccounts" in API group "" in the namespace',
                ),
            ):
                await refused(impersonate(authorizer, bob, headers), 403, "Forbidden", message)

    run(main())


def test_the_impersonated_is_authorized_and_not_the_sender(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site, site.session() as session:
            headers = {"Impersonate-User": "bob"}
            answer = await session.get("/api/v1/pods", headers=headers)
            body: Obj = await answer.json()
            assert answer.status == 403
            assert body["message"].startswith('pods is forbidden: User "bob" cannot list')
            answer = await session.get("/metrics", headers=headers)
            assert answer.status == 403
            anonymous = site.server.identify(Credentials(), _AS_BOB)
            await refused(anonymous, 403, "Forbidden", 'User "system:anonymous" cannot impersonate')

    run(main())
