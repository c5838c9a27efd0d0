"""`up` on a lab that exists: what can be changed is changed, without hurting what runs."""

import pytest

from labctl import names
from labctl.lab.nodes import is_ready
from tests.command import Labctl
from tests.conftest import MakeLab


@pytest.fixture(scope="module")
def labctl(make_lab: MakeLab) -> Labctl:
    one = make_lab("--nodes", "2")
    one.ok("create", "deployment", "web", "--image", "nginx", "--replicas", "4", "--port", "80")
    one.ok("rollout", "status", "deployment/web")
    return one


def verify(labctl: Labctl) -> None:
    """Right after `up`, without a pause: it returns when the network is what it shall be."""
    labctl.ok("verify", "--protocol", "icmp")


def test_nodes_come_and_their_pods_are_reached(labctl: Labctl) -> None:
    labctl.ok("up", "--nodes", "3")
    labctl.ok("run", "there", "--image", "nginx", "--node", "node3")
    labctl.ok("wait", "--for=condition=Ready", "pod/there")
    verify(labctl)


def test_the_backend_changes_under_running_pods(labctl: Labctl) -> None:
    before = labctl.ok("get", "pods", "-o", "name")
    labctl.ok("up", "--backend", "vxlan")
    verify(labctl)
    assert labctl.ok("get", "pods", "-o", "name") == before
    labctl.ok("up", "--backend", "host-gw")
    verify(labctl)


def test_a_node_whose_object_was_deleted_comes_back_with_its_pods(labctl: Labctl) -> None:
    before = labctl.ok("ps")
    labctl.ok("delete", "node", "node3")
    assert "node3" not in labctl.ok("get", "nodes", "-o", "name")
    labctl.ok("up")
    assert is_ready(labctl("get", "node", "node3", "-o", "json").json)
    assert labctl.ok("ps") == before
    verify(labctl)


def test_nodes_go_with_their_pods_made_elsewhere(labctl: Labctl) -> None:
    told = labctl("up", "--nodes", "1").err
    assert "pod default/there went with node3: it has no controller to make it again\n" in told
    assert " went with node2" not in told
    assert labctl.ok("get", "nodes", "-o", "name") == "node/node1\n"
    labctl.ok("rollout", "status", "deployment/web")
    assert set(labctl.ok("get", "pods", "-o", "jsonpath={.items[*].spec.nodeName}").split()) == {
        "node1"
    }
    assert labctl("get", "pod", "there").code == 1
    left = [pin.name for pin in names.NETNS_DIR.glob(f"labctl.{labctl.lab}.node.*")]
    assert left == [names.node_netns(labctl.lab, "node1")]
    verify(labctl)


def test_labels_taints_and_manifests_of_the_file_are_brought(labctl: Labctl) -> None:
    file = """
apiVersion: labctl.io/v1alpha1
kind: Lab
spec:
  nodes: [{name: node1, labels: {disk: ssd}, taints: [{key: a, effect: NoSchedule}]}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {mode: test}
"""
    labctl.ok("up", "-", stdin=file)
    assert labctl.ok("get", "node", "node1", "-o", "jsonpath={.metadata.labels.disk}") == "ssd"
    assert labctl.ok("get", "node", "node1", "-o", "jsonpath={.spec.taints[0].key}") == "a"
    assert labctl.ok("get", "cm", "settings", "-o", "jsonpath={.data.mode}") == "test"
    labctl.ok("up", "-", stdin=file.replace("ssd", "nvme"))
    assert labctl.ok("get", "node", "node1", "-o", "jsonpath={.metadata.labels.disk}") == "nvme"


def test_what_cannot_change_is_refused_and_nothing_changes(labctl: Labctl) -> None:
    text = "apiVersion: labctl.io/v1alpha1\nkind: Lab\nspec: {nodes: 1, network: {mtu: 1400}}"
    stored = names.lab_file(labctl.lab).read_text()
    refused = labctl("up", "-", stdin=text)
    assert refused.code == 2
    assert "error: spec.network.mtu: 1500 cannot become 1400" in refused.err
    assert "hint: take it down first" in refused.err
    assert names.lab_file(labctl.lab).read_text() == stored
