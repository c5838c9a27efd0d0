"""The official client, `kubernetes`: typed objects, watches, patches, dynamic client, election, logs."""

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from typing import Any

import pytest
from kubernetes import client, config, dynamic, watch
from kubernetes.client.exceptions import ApiException, ConflictException
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock.configmaplock import ConfigMapLock

from tests.clients.objects import config_map, deployment, pod
from tests.waiting import until


@pytest.fixture
def api(kubeconfig: str) -> Iterator[client.ApiClient]:
    with config.new_client_from_config(kubeconfig) as one:
        yield one


def test_objects_come_back_typed(api: client.ApiClient, space: str) -> None:
    core = client.CoreV1Api(api)
    made = core.create_namespaced_config_map(space, config_map("a", mode="test"))
    assert isinstance(made, client.V1ConfigMap)
    assert isinstance(made.metadata.creation_timestamp, datetime)
    typed = client.V1ConfigMap(metadata=client.V1ObjectMeta(name="b"), data={"x": "1"})
    core.create_namespaced_config_map(space, typed)
    names = [one.metadata.name for one in core.list_namespaced_config_map(space).items]
    assert {"a", "b"} <= {*names}
    made.data["mode"] = "real"
    assert core.replace_namespaced_config_map("a", space, made).data == {"mode": "real"}
    with pytest.raises(ApiException) as caught:  # with the version of before
        core.replace_namespaced_config_map("a", space, made)
    assert (caught.value.status, caught.value.reason) == (409, "Conflict")
    deleted = core.delete_namespaced_config_map("a", space)
    assert (deleted["status"], deleted["details"]["name"]) == ("Success", "a")
    with pytest.raises(ApiException) as caught:
        core.read_namespaced_config_map("a", space)
    assert caught.value.status == 404


def test_each_patch_by_the_body_that_it_is_given(api: client.ApiClient, space: str) -> None:
    apps = client.AppsV1Api(api)
    apps.create_namespaced_deployment(space, deployment("web"))
    env = {"containers": [{"name": "main", "env": [{"name": "A", "value": "1"}]}]}
    patch: Any = {"spec": {"template": {"spec": env}}}
    (container,) = apps.patch_namespaced_deployment(
        "web", space, patch
    ).spec.template.spec.containers
    assert (container.image, container.env[0].value) == ("nginx", "1")
    patch = [{"op": "replace", "path": "/spec/replicas", "value": 2}]
    assert apps.patch_namespaced_deployment("web", space, patch).spec.replicas == 2
    scale = apps.patch_namespaced_deployment_scale("web", space, {"spec": {"replicas": 1}})
    assert (scale.kind, scale.spec.replicas) == ("Scale", 1)
    merged = apps.patch_namespaced_deployment(
        "web", space, {"metadata": {"labels": None}}, _content_type="application/merge-patch+json"
    )
    assert merged.metadata.labels is None


def test_a_scale_is_read_and_replaced(api: client.ApiClient, space: str) -> None:
    apps = client.AppsV1Api(api)
    apps.create_namespaced_stateful_set(space, {**deployment("db", 0), "kind": "StatefulSet"})
    read = apps.read_namespaced_stateful_set_scale("db", space)
    assert isinstance(read, client.V1Scale)
    until(lambda: _replaced_scale(apps, space) == 0)


def _replaced_scale(apps: client.AppsV1Api, space: str) -> Any:
    """Whoever reads before they write loses a race now and then, and reads again."""
    read = apps.read_namespaced_stateful_set_scale("db", space)
    read.spec.replicas = 0
    try:
        return apps.replace_namespaced_stateful_set_scale("db", space, read).spec.replicas or 0
    except ConflictException:
        return None


def test_a_watch_is_resumed_where_it_stopped(api: client.ApiClient, space: str) -> None:
    core = client.CoreV1Api(api)
    for name in ("a", "b"):
        core.create_namespaced_config_map(space, config_map(name))
    version = core.list_namespaced_config_map(space).metadata.resource_version
    core.create_namespaced_config_map(space, config_map("c"))
    core.patch_namespaced_config_map("a", space, {"data": {"x": "1"}})
    core.delete_namespaced_config_map("b", space)
    seen = []
    listing = {"namespace": space, "resource_version": version, "timeout_seconds": 20}
    with closing(watch.Watch().stream(core.list_namespaced_config_map, **listing)) as events:
        for event in events:
            seen.append((event["type"], event["object"].metadata.name))
            if len(seen) == 3:
                break
    assert seen == [("ADDED", "c"), ("MODIFIED", "a"), ("DELETED", "b")]


def test_a_token_that_is_none_is_a_bad_request(api: client.ApiClient, space: str) -> None:
    core = client.CoreV1Api(api)
    with pytest.raises(ApiException) as caught:
        core.list_namespaced_config_map(space, _continue="bm90aGluZw")
    assert caught.value.status == 400


def test_lists_in_pages(api: client.ApiClient, space: str) -> None:
    core = client.CoreV1Api(api)
    for number in range(5):
        core.create_namespaced_config_map(space, config_map(f"p{number}"))
    wanted = {"field_selector": "metadata.name!=kube-root-ca.crt", "limit": 2}
    page = core.list_namespaced_config_map(space, **wanted)
    names = [one.metadata.name for one in page.items]
    while page.metadata._continue:
        page = core.list_namespaced_config_map(space, _continue=page.metadata._continue, **wanted)
        names += [one.metadata.name for one in page.items]
    assert names == ["p0", "p1", "p2", "p3", "p4"]


def test_the_dynamic_client(api: client.ApiClient, space: str) -> None:
    found = dynamic.DynamicClient(api)
    maps = found.resources.get(api_version="v1", kind="ConfigMap")
    made = maps.create(body=config_map("a", mode="test"), namespace=space)
    assert made.data.mode == "test"
    patched = maps.patch(
        body={"data": {"more": "yes"}},
        name="a",
        namespace=space,
        content_type="application/merge-patch+json",
    )
    assert patched.data.to_dict() == {"mode": "test", "more": "yes"}
    assert [
        one.metadata.name for one in maps.get(namespace=space, label_selector="app=a").items
    ] == ["a"]
    with closing(maps.watch(namespace=space, label_selector="app=a", timeout=20)) as events:
        event = next(events)
    assert (event["type"], event["object"].metadata.name) == ("ADDED", "a")
    deployments = found.resources.get(api_version="apps/v1", kind="Deployment")
    assert deployments.subresources["scale"].kind == "Scale"
    maps.delete(name="a", namespace=space)
    with pytest.raises(dynamic.exceptions.NotFoundError):
        maps.get(name="a", namespace=space)


def test_a_candidate_leads(api: client.ApiClient, kubeconfig: str, space: str) -> None:
    config.load_kube_config(kubeconfig)  # the lock makes its own client
    leads = threading.Event()

    def lead() -> None:
        leads.set()
        raise SystemExit

    def candidate(name: str) -> None:
        lock = ConfigMapLock("leader", space, name)
        settings = electionconfig.Config(
            lock, lease_duration=3, renew_deadline=2, retry_period=1, onstarted_leading=lead,
            onstopped_leading=lambda: None,
        )  # fmt: skip
        leaderelection.LeaderElection(settings).acquire()
        lock.api_instance.api_client.close()

    thread = threading.Thread(target=candidate, args=("first",), daemon=True)
    thread.start()
    thread.join(20)
    record = client.CoreV1Api(api).read_namespaced_config_map("leader", space)
    text = record.metadata.annotations["control-plane.alpha.kubernetes.io/leader"]
    assert '"holderIdentity": "first"' in text


def test_leases_are_taken_by_compare_and_swap(api: client.ApiClient, space: str) -> None:
    leases = client.CoordinationV1Api(api)
    spec = client.V1LeaseSpec(holder_identity="first", lease_duration_seconds=15)
    lease = client.V1Lease(metadata=client.V1ObjectMeta(name="leader"), spec=spec)
    held = leases.create_namespaced_lease(space, lease)
    with pytest.raises(ApiException) as caught:
        leases.create_namespaced_lease(space, lease)
    assert caught.value.reason == "Conflict"
    held.spec.holder_identity = "second"
    held.spec.renew_time = datetime.now().astimezone()
    renewed = leases.replace_namespaced_lease("leader", space, held)
    assert isinstance(renewed.spec.renew_time, datetime)
    with pytest.raises(ApiException) as caught:
        leases.replace_namespaced_lease("leader", space, held)
    assert caught.value.status == 409


def test_the_log_of_a_pod(api: client.ApiClient, space: str) -> None:
    core = client.CoreV1Api(api)
    core.create_namespaced_pod(space, pod("talker"))
    until(lambda: _phase(core, space) == "Running", seconds=20)
    until(lambda: core.read_namespaced_pod_log("talker", space) == "one\ntwo\n")
    assert core.read_namespaced_pod_log("talker", space, tail_lines=1) == "two\n"
    log = core.read_namespaced_pod_log
    with closing(watch.Watch().stream(log, "talker", space, follow=True)) as lines:
        assert [next(lines), next(lines)] == ["one", "two"]
    core.delete_namespaced_pod("talker", space, grace_period_seconds=0)


def _phase(core: client.CoreV1Api, space: str) -> Any:
    return core.read_namespaced_pod("talker", space).status.phase
