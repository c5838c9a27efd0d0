"""`kubernetes_asyncio`: the official client's shape on aiohttp; it says `watch=True`."""

import pytest
from kubernetes_asyncio import client, config, watch
from kubernetes_asyncio.client.api_client import ApiClient

from tests.clients.loop import run
from tests.clients.objects import config_map, deployment


def test_a_flow(kubeconfig: str, space: str) -> None:
    async def main() -> None:
        settings = client.Configuration()
        await config.load_kube_config(kubeconfig, client_configuration=settings)
        async with ApiClient(settings) as api:
            await _objects(api, space)
            await _watch(api, space)

    run(main())


async def _objects(api: ApiClient, space: str) -> None:
    core, apps = client.CoreV1Api(api), client.AppsV1Api(api)
    made = await core.create_namespaced_config_map(space, config_map("a", mode="test"))
    assert isinstance(made, client.V1ConfigMap)
    patched = await core.patch_namespaced_config_map("a", space, {"data": {"more": "yes"}})
    assert patched.data == {"mode": "test", "more": "yes"}
    with pytest.raises(client.ApiException) as caught:
        await core.replace_namespaced_config_map("a", space, made)
    assert (caught.value.status, caught.value.reason) == (409, "Conflict")
    await apps.create_namespaced_deployment(space, deployment("web"))
    scale = await apps.patch_namespaced_deployment_scale("web", space, {"spec": {"replicas": 2}})
    assert scale.spec.replicas == 2
    await apps.delete_namespaced_deployment("web", space, propagation_policy="Foreground")
    with pytest.raises(client.ApiException) as caught:
        await core.read_namespaced_config_map("nope", space)
    assert caught.value.status == 404


async def _watch(api: ApiClient, space: str) -> None:
    core = client.CoreV1Api(api)
    seen = []
    async with watch.Watch() as watching:
        listing = core.list_namespaced_config_map
        async for event in watching.stream(
            listing, space, label_selector="app", timeout_seconds=20
        ):
            seen.append((event["type"], event["object"].metadata.name))
            if len(seen) == 1:
                await core.create_namespaced_config_map(space, config_map("b"))
                await core.delete_namespaced_config_map("a", space)
            if len(seen) == 3:
                break
    assert seen == [("ADDED", "a"), ("ADDED", "b"), ("DELETED", "a")]
