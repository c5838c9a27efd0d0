"""The Node as it registers and reports."""

from labctl.api.lab import NodeSpec, Taint
from labctl.api.objects import Obj, condition
from labctl.node.machine import Machine
from labctl.node.node_object import lease, node_object, node_status, without_heartbeats

MACHINE = Machine(
    cpus=2,
    memory_kib=4_000_000,
    machine_id="m",
    boot_id="b",
    kernel="6.18.0",
    os_image="Debian",
    architecture="amd64",
    kubelet_version="v1.33.0",
    runtime_version="labctl://0.1.0",
)
SPEC = NodeSpec("node1", (("zone", "a"),), (Taint("edge", "", "NoSchedule"),))


def status(told: Obj, *problems: str) -> Obj:
    return node_status(told, "node1", "172.30.1.1", MACHINE, problems)


def test_labels_and_taints_come_from_the_lab_file() -> None:
    node = node_object(SPEC, "172.30.1.1", MACHINE, ())
    assert node["metadata"]["labels"] == {
        "kubernetes.io/hostname": "node1",
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "beta.kubernetes.io/arch": "amd64",
        "zone": "a",
    }
    assert node["spec"]["taints"] == [{"key": "edge", "effect": "NoSchedule"}]


def test_a_node_says_where_and_what_it_is() -> None:
    told = status({})
    assert told["addresses"] == [
        {"type": "InternalIP", "address": "172.30.1.1"},
        {"type": "Hostname", "address": "node1"},
    ]
    assert told["capacity"]["memory"] == "4000000Ki"
    assert told["allocatable"] == told["capacity"]
    assert told["daemonEndpoints"] == {"kubeletEndpoint": {"Port": 10250}}
    assert told["nodeInfo"]["containerRuntimeVersion"] == "labctl://0.1.0"


def test_a_node_with_problems_says_all_of_them() -> None:
    ready = condition({"status": status({}, "runtime is down", "no network")}, "Ready")
    assert ready is not None
    assert (ready["status"], ready["reason"]) == ("False", "KubeletNotReady")
    assert ready["message"] == "runtime is down, no network"


def test_conditions_of_others_stay() -> None:
    told = {"conditions": [{"type": "NetworkUnavailable", "status": "False"}]}
    assert [one["type"] for one in status(told)["conditions"]] == [
        "NetworkUnavailable",
        "MemoryPressure",
        "DiskPressure",
        "PIDPressure",
        "Ready",
    ]


def test_a_heartbeat_alone_is_no_news() -> None:
    told = status({})
    later = {
        **told,
        "conditions": [{**one, "lastHeartbeatTime": "later"} for one in told["conditions"]],
    }
    assert without_heartbeats(later) == without_heartbeats(told)
    assert without_heartbeats(status(told, "trouble")) != without_heartbeats(told)


def test_a_lease_goes_with_its_node() -> None:
    node: Obj = {"metadata": {"name": "node1", "uid": "u"}}
    made = lease(node, "2023-11-14T22:13:20.000000Z")
    assert made["metadata"]["ownerReferences"][0]["uid"] == "u"
    assert made["spec"] == {
        "holderIdentity": "node1",
        "leaseDurationSeconds": 40,
        "renewTime": "2023-11-14T22:13:20.000000Z",
    }
