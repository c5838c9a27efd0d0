"""`lightkube`: typed models, no discovery, watches that go on by themselves."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from lightkube import ApiError, Client, KubeConfig
from lightkube.models.autoscaling_v1 import ScaleSpec
from lightkube.models.core_v1 import Container, PodSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import ConfigMap, Pod
from lightkube.types import PatchType

from tests.clients.objects import TALK, deployment
from tests.waiting import until


@pytest.fixture
def client(kubeconfig: str, space: str) -> Iterator[Client]:
    config = KubeConfig.from_file(kubeconfig)
    with Client(config=config, namespace=space, field_manager="tests") as one:
        yield one


def _settings(name: str, **data: str) -> ConfigMap:
    return ConfigMap(metadata=ObjectMeta(name=name, labels={"app": name}), data=data)


def test_objects_come_back_as_models(client: Client) -> None:
    made = client.create(_settings("a", mode="test"))
    assert isinstance(made, ConfigMap)
    assert client.get(ConfigMap, "a") == made
    patched = client.patch(ConfigMap, "a", {"data": {"more": "yes"}})
    assert patched.data == {"mode": "test", "more": "yes"}
    merged = client.patch(ConfigMap, "a", {"data": {"more": None}}, patch_type=PatchType.MERGE)
    assert merged.data == {"mode": "test"}
    with pytest.raises(ApiError) as caught:
        client.replace(made)
    assert (caught.value.status.code, caught.value.status.reason) == (409, "Conflict")
    assert [one.metadata.name for one in client.list(ConfigMap, labels={"app": "a"})] == ["a"]
    client.delete(ConfigMap, "a")
    with pytest.raises(ApiError) as caught:
        client.get(ConfigMap, "a")
    assert caught.value.status.reason == "NotFound"


def test_a_deployment_is_scaled_and_waited_for(client: Client) -> None:
    client.create(Deployment.from_dict(deployment("web")))
    client.wait(Deployment, "web", for_conditions=["Available"])
    scale = {"spec": ScaleSpec(replicas=2).to_dict()}
    merge = PatchType.MERGE
    assert client.patch(Deployment.Scale, "web", scale, patch_type=merge).spec.replicas == 2
    until(lambda: client.get(Deployment, "web").status.readyReplicas == 2, seconds=20)
    client.delete(Deployment, "web")


def test_a_watch_goes_on(client: Client) -> None:
    client.create(_settings("a"))
    seen = []
    with closing(client.watch(ConfigMap, labels={"app": ("a", "b")})) as events:
        for kind, one in events:
            seen.append((kind, one.metadata.name))
            if len(seen) == 1:
                client.create(_settings("b"))
                client.patch(ConfigMap, "a", {"metadata": {"labels": {"app": "other"}}})
            if len(seen) == 3:
                break
    assert seen == [("ADDED", "a"), ("ADDED", "b"), ("DELETED", "a")]


def test_the_log_of_a_pod(client: Client) -> None:
    container = Container(name="main", image="busybox", command=TALK)
    client.create(Pod(metadata=ObjectMeta(name="talker"), spec=PodSpec(containers=[container])))
    client.wait(Pod, "talker", for_conditions=["Ready"])
    with closing(client.log("talker", follow=True)) as lines:
        assert [next(lines), next(lines)] == ["one\n", "two\n"]
    client.delete(Pod, "talker", grace_period=0)
