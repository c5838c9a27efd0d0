"""The account of a pod: given, missing, with its pull secrets, and the volume with its token."""

from pathlib import Path

import pytest

from labctl.api.kinds.core import NAMESPACES, PODS, SERVICEACCOUNTS
from labctl.api.objects import Obj, copy
from labctl.apiserver.admission.token_volume import MOUNT_PATH, with_token_volume
from tests.apiserver.serving import client, node_client, pod, refused, run, serving


def test_a_pod_acts_as_default_even_before_that_is_made(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await api.create(NAMESPACES, {"metadata": {"name": "new"}})
            made = await api.create(
                PODS, {**pod("web"), "metadata": {"name": "web", "namespace": "new"}}
            )
            assert made["spec"]["serviceAccountName"] == "default"
            assert made["spec"]["serviceAccount"] == "default"

    run(main())


def test_another_account_must_exist_and_brings_its_pull_secrets(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            robots = pod("web", serviceAccountName="robot")
            await refused(
                api.create(PODS, robots),
                403,
                "Forbidden",
                'pods "web" is forbidden: error looking up service account default/robot: '
                'serviceaccount "robot" not found',
            )
            secrets = [{"name": "registry"}]
            account = {
                "metadata": {"name": "robot", "namespace": "default"},
                "imagePullSecrets": secrets,
            }
            await api.create(SERVICEACCOUNTS, account)
            assert (await api.create(PODS, robots))["spec"]["imagePullSecrets"] == secrets
            own = pod("own", serviceAccountName="robot", imagePullSecrets=[{"name": "mine"}])
            assert (await api.create(PODS, own))["spec"]["imagePullSecrets"] == [{"name": "mine"}]

    run(main())


def test_a_mirror_pod_has_no_account(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            kubelet = node_client(server, "node1")
            mirror = pod("m", nodeName="node1")
            mirror["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "x"}
            assert "serviceAccountName" not in (await kubelet.create(PODS, mirror))["spec"]
            claiming = copy(mirror)
            claiming["metadata"]["name"] = "n"
            claiming["spec"]["serviceAccountName"] = "default"
            await refused(
                kubelet.create(PODS, claiming),
                403,
                "Forbidden",
                "a mirror pod may not reference service accounts",
            )

    run(main())


def test_a_pod_that_asks_for_it_gets_its_token(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            made = await api.create(PODS, pod("web", automountServiceAccountToken=True))
            (volume,) = made["spec"]["volumes"]
            (mount,) = made["spec"]["containers"][0]["volumeMounts"]
            assert mount == {"name": volume["name"], "readOnly": True, "mountPath": MOUNT_PATH}
            assert volume["projected"]["defaultMode"] == 0o644
            assert "volumes" not in (await api.create(PODS, pod("plain")))["spec"]

    run(main())


def _spec(**more: object) -> Obj:
    return {"containers": [{"name": "a"}], "initContainers": [{"name": "i"}], **more}


_WANTED: Obj = {"automountServiceAccountToken": True}


def test_every_container_mounts_the_token() -> None:
    spec = with_token_volume(_spec(), _WANTED)
    (volume,) = spec["volumes"]
    assert volume["name"].startswith("kube-api-access-")
    sources = [next(iter(source)) for source in volume["projected"]["sources"]]
    assert sources == ["serviceAccountToken", "configMap", "downwardAPI"]
    mount = {"name": volume["name"], "readOnly": True, "mountPath": MOUNT_PATH}
    for kind in ("containers", "initContainers"):
        assert [one["volumeMounts"] for one in spec[kind]] == [[mount]]


def test_a_token_volume_that_is_there_is_used() -> None:
    volume: Obj = {"name": "kube-api-access-own", "projected": {"sources": []}}
    spec = with_token_volume(_spec(volumes=[volume]), _WANTED)
    assert spec["volumes"] == [volume]
    assert spec["containers"][0]["volumeMounts"][0]["name"] == "kube-api-access-own"


@pytest.mark.parametrize(
    ("spec", "account"),
    [
        (_spec(), {}),
        (_spec(automountServiceAccountToken=False), _WANTED),
        (_spec(), {"automountServiceAccountToken": False}),
        ({"containers": [{"name": "a", "volumeMounts": [{"mountPath": MOUNT_PATH}]}]}, _WANTED),
    ],
)
def test_who_wants_no_token_gets_none(spec: Obj, account: Obj) -> None:
    assert with_token_volume(spec, account) == spec


def test_a_pods_wish_goes_before_its_accounts() -> None:
    wish = _spec(automountServiceAccountToken=True)
    assert with_token_volume(wish, {"automountServiceAccountToken": False})["volumes"]
