"""Tables as kubectl prints them: columns, cells, and the one word that says how a pod is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.api.defaults import set_defaults
from labctl.api.kinds import apps, batch, coordination, core, networking, policy, rbac
from labctl.api.objects import Obj, format_time
from labctl.api.resource import Resource
from labctl.api.resources import RESOURCES
from labctl.api.tables import duration, table
from labctl.api.tables.pods import pod_status
from tests.api.manifest_samples import config, deployment, pod, service

NOW = 1_800_000_000.0


def ago(seconds: float) -> str:
    return format_time(NOW - seconds)


def aged(obj: Obj, seconds: float = 300) -> Obj:
    return {**obj, "metadata": {**obj.get("metadata", {}), "creationTimestamp": ago(seconds)}}


def cells(resource: Resource, obj: Obj) -> list[Any]:
    made = table(resource, [obj], now=NOW)
    (row,) = made["rows"]
    found: list[Any] = row["cells"]
    assert len(found) == len(made["columnDefinitions"])
    return found


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (-1.5, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (599, "9m59s"),
        (600, "10m"),
        (3 * 3600 - 1, "179m"),
        (3 * 3600, "3h"),
        (8 * 3600 - 60, "7h59m"),
        (8 * 3600, "8h"),
        (48 * 3600 - 1, "47h"),
        (48 * 3600, "2d"),
        (51 * 3600, "2d3h"),
        (8 * 86400, "8d"),
        (729 * 86400, "729d"),
        (730 * 86400, "2y"),
        (751 * 86400, "2y21d"),
        (9 * 365 * 86400, "9y"),
    ],
)
def test_durations_are_shown_as_kubectl_shows_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@given(st.floats(0, 1e10), st.floats(0, 1e10))
def test_a_duration_is_never_longer_than_six_characters(one: float, two: float) -> None:
    assert len(duration(one)) <= 7
    assert (duration(one) == duration(two)) or one != two


RUNNING: Obj = {"running": {"startedAt": ago(5)}}


def container_status(state: Obj, **members: Any) -> Obj:
    return {"name": "web", "state": state, "restartCount": 0, "ready": False, **members}


def waiting(reason: str) -> Obj:
    return {"waiting": {"reason": reason}}


def ended(**members: Any) -> Obj:
    return {"terminated": {"exitCode": 1, **members}}


def with_status(obj: Obj, phase: str, *statuses: Obj, **members: Any) -> Obj:
    return {**obj, "status": {"phase": phase, "containerStatuses": list(statuses), **members}}


READY = container_status(RUNNING, ready=True)
INITIALIZED = [{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": "True"}]
WITH_INIT = pod(initContainers=[{"name": "i", "image": "x"}, {"name": "j", "image": "x"}])


def init(*states: Obj) -> list[Obj]:
    names = ("i", "j")
    return [
        {"name": name, "state": state, "restartCount": 1}
        for name, state in zip(names, states, strict=False)
    ]


@pytest.mark.parametrize(
    ("obj", "word"),
    [
        (with_status(pod(), "Pending"), "Pending"),
        (
            with_status(pod(), "Pending", container_status(waiting("ContainerCreating"))),
            "ContainerCreating",
        ),
        (with_status(pod(), "Running", READY), "Running"),
        (
            with_status(pod(), "Running", container_status(waiting("CrashLoopBackOff"))),
            "CrashLoopBackOff",
        ),
        (with_status(pod(), "Pending", container_status(waiting("ErrImagePull"))), "ErrImagePull"),
        (with_status(pod(), "Failed", container_status(ended(reason="Error"))), "Error"),
        (with_status(pod(), "Failed", container_status(ended(exitCode=3))), "ExitCode:3"),
        (with_status(pod(), "Failed", container_status(ended(signal=9))), "Signal:9"),
        (
            with_status(
                pod(), "Succeeded", container_status(ended(exitCode=0, reason="Completed"))
            ),
            "Completed",
        ),
        (with_status(pod(), "Failed", reason="Evicted"), "Evicted"),
        (with_status(pod(), "Pending", initContainerStatuses=[]), "Pending"),
        (
            with_status(
                pod(),
                "Running",
                container_status(ended(reason="Completed", exitCode=0)),
                READY,
                conditions=INITIALIZED,
            ),
            "Running",
        ),
        (
            with_status(
                pod(), "Running", container_status(ended(reason="Completed", exitCode=0)), READY
            ),
            "NotReady",
        ),
        (
            with_status(
                pod(),
                "Pending",
                conditions=[
                    {"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}
                ],
            ),
            "SchedulingGated",
        ),
        (with_status(WITH_INIT, "Pending", initContainerStatuses=init(RUNNING)), "Init:0/2"),
        (
            with_status(
                WITH_INIT, "Pending", initContainerStatuses=init(ended(exitCode=0), RUNNING)
            ),
            "Init:1/2",
        ),
        (
            with_status(
                WITH_INIT, "Pending", initContainerStatuses=init(waiting("PodInitializing"))
            ),
            "Init:0/2",
        ),
        (
            with_status(
                WITH_INIT, "Pending", initContainerStatuses=init(waiting("CrashLoopBackOff"))
            ),
            "Init:CrashLoopBackOff",
        ),
        (
            with_status(WITH_INIT, "Pending", initContainerStatuses=init(ended(reason="Error"))),
            "Init:Error",
        ),
        (with_status(WITH_INIT, "Pending", initContainerStatuses=init(ended())), "Init:ExitCode:1"),
        (
            with_status(WITH_INIT, "Pending", initContainerStatuses=init(ended(signal=9))),
            "Init:Signal:9",
        ),
    ],
)
def test_the_status_of_a_pod_is_one_word(obj: Obj, word: str) -> None:
    assert pod_status(obj) == word
    assert cells(core.PODS, obj)[2] == word


@pytest.mark.parametrize(
    ("phase", "reason", "word"),
    [
        ("Running", "", "Terminating"),
        ("Pending", "", "Terminating"),
        ("Running", "NodeLost", "Unknown"),
        ("Succeeded", "", "Succeeded"),
    ],
)
def test_a_pod_that_is_being_deleted_is_terminating(phase: str, reason: str, word: str) -> None:
    obj = with_status(pod(), phase, reason=reason)
    obj["metadata"] = {**obj["metadata"], "deletionTimestamp": ago(1)}
    assert pod_status(obj) == word


def test_a_pods_row_has_kubectls_cells() -> None:
    last = {"terminated": {"finishedAt": ago(65)}}
    restarted = container_status(RUNNING, ready=True, restartCount=2, lastState=last)
    obj = with_status(
        pod(nodeName="node1", readinessGates=[{"conditionType": "a"}, {"conditionType": "Ready"}]),
        "Running",
        restarted,
        podIPs=[{"ip": "10.244.1.2"}],
        conditions=INITIALIZED,
    )
    row = ["web", "1/1", "Running", "2 (65s ago)", "5m", "10.244.1.2", "node1", "<none>", "1/2"]
    assert cells(core.PODS, aged(obj)) == row
    nothing = ["<none>"] * 4
    assert cells(core.PODS, pod()) == ["web", "0/1", "", "0", "<unknown>", *nothing]


def test_sidecars_count_as_containers_and_other_restarts_of_init_do_not() -> None:
    sidecar = {"name": "i", "image": "x", "restartPolicy": "Always"}
    started = {"name": "i", "state": RUNNING, "started": True, "ready": True, "restartCount": 4}
    obj = with_status(
        pod(initContainers=[sidecar]), "Running", READY, initContainerStatuses=[started]
    )
    assert cells(core.PODS, obj)[1:4] == ["2/2", "Running", "4"]
    plain = with_status(
        WITH_INIT, "Running", READY, initContainerStatuses=init(*[ended(exitCode=0)] * 2)
    )
    assert cells(core.PODS, plain)[1:4] == ["1/1", "Running", "0"]


NODE: Obj = {
    "metadata": {"name": "node1", "labels": {"node-role.kubernetes.io/worker": ""}},
    "spec": {"unschedulable": True},
    "status": {
        "conditions": [{"type": "Ready", "status": "True"}],
        "addresses": [{"type": "InternalIP", "address": "172.30.1.1"}],
        "nodeInfo": {"kubeletVersion": "v1.33.0", "osImage": "Debian", "kernelVersion": "6.18"},
    },
}
EVENT: Obj = {
    "metadata": {"name": "web.1"},
    "involvedObject": {"kind": "Pod", "name": "web", "fieldPath": "spec"},
    "type": "Normal",
    "reason": "Scheduled",
    "message": "Successfully assigned\n",
    "firstTimestamp": ago(90),
    "lastTimestamp": ago(30),
    "count": 3,
    "source": {"component": "default-scheduler", "host": "node1"},
}
ENDPOINTS: Obj = {
    "metadata": {"name": "web"},
    "subsets": [
        {"addresses": [{"ip": f"10.0.0.{n}"} for n in range(1, 6)], "ports": [{"port": 80}]}
    ],
}


@pytest.mark.parametrize(
    ("resource", "obj", "row"),
    [
        (
            apps.DEPLOYMENTS,
            {
                **aged(deployment()),
                "status": {"readyReplicas": 2, "updatedReplicas": 3, "availableReplicas": 2},
            },
            ["nginx-deployment", "2/3", 3, 2, "5m", "nginx", "nginx:1.14.2", "app=nginx"],
        ),
        (
            apps.REPLICASETS,
            {**aged(deployment()), "status": {"replicas": 3, "readyReplicas": 1}},
            ["nginx-deployment", 3, 3, 1, "5m", "nginx", "nginx:1.14.2", "app=nginx"],
        ),
        (
            core.NODES,
            aged(NODE),
            [
                "node1",
                "Ready,SchedulingDisabled",
                "worker",
                "5m",
                "v1.33.0",
                "172.30.1.1",
                "<none>",
                "Debian",
                "6.18",
                "<unknown>",
            ],
        ),
        (
            core.NODES,
            {
                "metadata": {"name": "a"},
                "status": {"conditions": [{"type": "Ready", "status": "Unknown"}]},
            },
            ["a", "NotReady", "<none>", "<unknown>", "", "<none>", "<none>"] + ["<unknown>"] * 3,
        ),
        (
            core.EVENTS,
            EVENT,
            [
                "30s",
                "Normal",
                "Scheduled",
                "pod/web",
                "spec",
                "default-scheduler, node1",
                "Successfully assigned",
                "90s",
                3,
                "web.1",
            ],
        ),
        (
            core.EVENTS,
            {"metadata": {"name": "a"}, "eventTime": ago(7), "reportingComponent": "x"},
            ["7s", "", "", "", "", "x", "", "7s", 1, "a"],
        ),
        (
            core.SERVICES,
            aged(set_defaults(core.SERVICES, service(clusterIP="10.96.0.7"))),
            ["web", "ClusterIP", "10.96.0.7", "<none>", "80/TCP", "5m", "app=web"],
        ),
        (
            core.SERVICES,
            service(type="LoadBalancer", ports=[{"port": 80, "nodePort": 30080}]),
            ["web", "LoadBalancer", "<none>", "<pending>", "80:30080/TCP", "<unknown>", "app=web"],
        ),
        (
            core.ENDPOINTS,
            aged(ENDPOINTS),
            ["web", "10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 2 more...", "5m"],
        ),
        (
            networking.ENDPOINTSLICES,
            {
                "metadata": {"name": "a"},
                "addressType": "IPv4",
                "endpoints": [{"addresses": ["10.0.0.1"]}],
                "ports": [{"port": 80}],
            },
            ["a", "IPv4", "80", "10.0.0.1", "<unknown>"],
        ),
        (
            core.CONFIGMAPS,
            aged(config(data={"a": "b"}, binaryData={"c": ""})),
            ["settings", 2, "5m"],
        ),
        (
            core.NAMESPACES,
            {**aged({"metadata": {"name": "a"}}), "status": {"phase": "Active"}},
            ["a", "Active", "5m"],
        ),
        (core.SECRETS, {"type": "Opaque", "data": {"a": ""}}, ["", "Opaque", 1, "<unknown>"]),
        (core.SERVICEACCOUNTS, {"metadata": {"name": "a"}}, ["a", 0, "<unknown>"]),
        (
            coordination.LEASES,
            aged({"metadata": {"name": "a"}, "spec": {"holderIdentity": "node1"}}),
            ["a", "node1", "5m"],
        ),
        (
            batch.JOBS,
            {
                "metadata": {"name": "a"},
                "spec": {"completions": 2},
                "status": {"succeeded": 1, "startTime": ago(30)},
            },
            ["a", "Running", "1/2", "30s", "<unknown>", "<none>", "<none>", "<none>"],
        ),
        (
            apps.STATEFULSETS,
            {**aged(deployment()), "status": {"readyReplicas": 1}},
            ["nginx-deployment", "1/3", "5m", "nginx", "nginx:1.14.2"],
        ),
        (
            policy.PODDISRUPTIONBUDGETS,
            {"metadata": {"name": "a"}, "spec": {"minAvailable": "50%"}},
            ["a", "50%", "N/A", 0, "<unknown>"],
        ),
        (
            rbac.ROLEBINDINGS,
            {
                "metadata": {"name": "a"},
                "roleRef": {"kind": "Role", "name": "r"},
                "subjects": [
                    {"kind": "ServiceAccount", "name": "s"},
                    {"kind": "User", "name": "u"},
                ],
            },
            ["a", "Role/r", "<unknown>", "u", "", "/s"],
        ),
        (rbac.ROLES, aged({"metadata": {"name": "a"}}), ["a", ago(300)]),
    ],
)
def test_rows_are_kubectls(resource: Resource, obj: Obj, row: list[Any]) -> None:
    assert cells(resource, obj) == row


@pytest.mark.parametrize(
    ("resource", "narrow"),
    [
        (core.PODS, "NAME READY STATUS RESTARTS AGE"),
        (core.NODES, "NAME STATUS ROLES AGE VERSION"),
        (core.EVENTS, "LAST SEEN TYPE REASON OBJECT MESSAGE"),
        (core.SERVICES, "NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE"),
        (core.NAMESPACES, "NAME STATUS AGE"),
        (apps.DEPLOYMENTS, "NAME READY UP-TO-DATE AVAILABLE AGE"),
        (apps.REPLICASETS, "NAME DESIRED CURRENT READY AGE"),
        (apps.DAEMONSETS, "NAME DESIRED CURRENT READY UP-TO-DATE AVAILABLE NODE SELECTOR AGE"),
        (core.PODTEMPLATES, "NAME CONTAINERS IMAGES POD LABELS"),
    ],
)
def test_headings_are_kubectls(resource: Resource, narrow: str) -> None:
    columns = table(resource, [], now=NOW)["columnDefinitions"]
    assert " ".join(one["name"] for one in columns if one["priority"] == 0).upper() == narrow
    assert sum(one["format"] == "name" for one in columns) == 1


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda one: one.plural)
def test_every_kind_can_print_an_object_that_says_nothing(resource: Resource) -> None:
    assert cells(resource, {"metadata": {"name": "a"}})
    assert cells(resource, {"metadata": {}, "spec": {}, "status": {}})


def test_rows_carry_what_the_query_asks_for() -> None:
    metadata = {"resourceVersion": "7"}
    made = table(core.CONFIGMAPS, [config()], metadata, NOW)
    assert made["metadata"] == metadata
    assert made["rows"][0]["object"] == {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": config()["metadata"],
    }
    whole = table(core.CONFIGMAPS, [config()], metadata, NOW, "Object")
    assert whole["rows"][0]["object"] == config()
    assert table(core.CONFIGMAPS, [config()], metadata, NOW, "None")["rows"][0]["object"] is None
    assert table(core.CONFIGMAPS, [], metadata, NOW, columns=False)["columnDefinitions"] == []


STATES = st.sampled_from((RUNNING, waiting("x"), waiting(""), ended(), ended(exitCode=0), {}))
STATUSES = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(("web", "i", "j", "?"))},
        optional={
            "state": STATES,
            "lastState": STATES,
            "ready": st.booleans(),
            "restartCount": st.integers(0, 3),
        },
    ),
    max_size=3,
)


@given(st.sampled_from(("Pending", "Running", "Failed", "")), STATUSES, STATUSES)
def test_any_status_of_a_pod_can_be_printed(phase: str, main: list[Obj], inits: list[Obj]) -> None:
    obj = with_status(WITH_INIT, phase, *main, initContainerStatuses=inits)
    ready, total = cells(core.PODS, obj)[1].split("/")
    assert 0 <= int(ready) <= max(len(main), int(total))
