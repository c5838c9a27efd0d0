"""kubectl itself asks what it may do, who it is, for tokens, and acts as somebody else."""

from pathlib import Path

import pytest

from labctl.api.kinds.core import SERVICEACCOUNTS
from labctl.api.kinds.rbac import ROLEBINDINGS
from tests.apiserver.https import Site, listening
from tests.apiserver.kubectls import Kubectl, kubectls
from tests.apiserver.serving import client, run
from tests.apiserver.test_rbac import BOB, binding

KUBECTLS = kubectls()
_CREATES_TOKENS = 24
_WHOAMI_V1 = 28  # 1.27 asks by v1beta1, which Kubernetes 1.33 does not serve either


@pytest.mark.parametrize("minor", KUBECTLS)
def test_access_tokens_and_impersonation(tmp_path: Path, minor: int) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site:
            api = client(site.server)
            account = {"metadata": {"name": "robot", "namespace": "default"}}
            await api.create(SERVICEACCOUNTS, account)
            kubectl = Kubectl.of(KUBECTLS[minor], site, tmp_path)
            await _check_access(kubectl)
            await api.create(ROLEBINDINGS, binding("b", "view", BOB))
            await _check_impersonation(kubectl)
            if minor >= _WHOAMI_V1:
                await _check_identity(kubectl)
            if minor >= _CREATES_TOKENS:
                await _check_tokens(kubectl, site)

    run(main(), 120)


async def _can(kubectl: Kubectl, *words: str) -> str:
    """What `auth can-i` says; its exit code must say the same."""
    code, said = await kubectl.run("auth", "can-i", *words)
    assert code == (0 if said.startswith("yes") else 1), said
    return said.split()[0]


async def _check_access(kubectl: Kubectl) -> None:
    assert await _can(kubectl, "create", "pods") == "yes"
    assert await _can(kubectl, "get", "pods", "--as=bob") == "no"
    assert await _can(kubectl, "get", "/metrics", "--as=bob") == "no"
    assert await _can(kubectl, "get", "/version", "--as=bob") == "yes"
    listed = (await kubectl.ok("auth", "can-i", "--list")).splitlines()
    assert any(line.startswith("*.*") and "[*]" in line for line in listed)


async def _check_impersonation(kubectl: Kubectl) -> None:
    code, said = await kubectl.run("get", "secrets", "--as=bob", "--as-group=dev")
    assert code == 1
    assert said.strip() == (
        'Error from server (Forbidden): secrets is forbidden: User "bob" cannot list resource '
        '"secrets" in API group "" in the namespace "default"'
    )
    await kubectl.ok("get", "pods", "--as=bob")
    assert await _can(kubectl, "get", "pods", "--as=bob") == "yes"
    listed = (await kubectl.ok("auth", "can-i", "--list", "--as=bob")).splitlines()
    assert any(line.startswith("pods ") and "list" in line for line in listed)


async def _check_identity(kubectl: Kubectl) -> None:
    said = await kubectl.ok("auth", "whoami")
    assert "kubernetes-admin" in said
    assert "[system:masters system:authenticated]" in said
    said = await kubectl.ok("auth", "whoami", "--as=bob", "--as-group=dev")
    assert "bob" in said
    assert "[dev system:authenticated]" in said


async def _check_tokens(kubectl: Kubectl, site: Site) -> None:
    token = (await kubectl.ok("create", "token", "robot", "--duration=15m")).strip()
    where = (
        "--kubeconfig=/dev/null",
        f"--server={site.url}",
        f"--certificate-authority={site.pki / 'ca.crt'}",
    )
    code, said = await kubectl.run(*where, f"--token={token}", "get", "pods")
    assert (code, 'User "system:serviceaccount:default:robot" cannot list' in said) == (1, True)
    code, said = await kubectl.run(*where, f"--token={token}x", "get", "pods")
    assert code == 1
    assert "error: You must be logged in to the server" in said
    code, said = await kubectl.run("create", "token", "robot", "--duration=1m")
    assert code == 1
    assert "may not specify a duration less than 10 minutes" in said
