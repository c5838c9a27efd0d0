"""ping, verify, plan, ps, status, graph: the lab's network as the command line shows it."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from labctl import names
from labctl.net.namespaces import inside
from labctl.net.netlink import Netlink
from labctl.net.observe import observe
from tests.command import PROGRAM, Labctl
from tests.conftest import MakeLab


@pytest.fixture(scope="module")
def pods(labctl: Labctl) -> Iterator[list[str]]:
    """Three stand-ins, one a node, in the default namespace; their names."""
    words = ("create", "deployment", "net", "--image", "nginx", "--replicas", "3", "--port", "80")
    labctl.ok(*words)
    labctl.ok("rollout", "status", "deploy/net")
    template = "jsonpath={.items[*].metadata.name}"
    yield labctl.ok("get", "pods", "-l", "app=net", "-o", template).split()
    labctl.ok("delete", "deploy", "net")


@pytest.mark.parametrize(
    ("source", "destination"),
    [
        ("deploy/net", "outside"),
        ("deploy/net", "node/node3"),
        ("POD0", "POD1"),
        ("POD1.default", "POD2.default"),
        ("node/node1", "POD2"),
        ("outside", "node/node2"),
        ("POD0", "172.30.0.1"),
    ],
)
def test_everyone_reaches_everyone(
    labctl: Labctl, pods: list[str], source: str, destination: str
) -> None:
    for number, pod in enumerate(pods):
        source = source.replace(f"POD{number}", pod)
        destination = destination.replace(f"POD{number}", pod)
    printed = labctl.ok("ping", source, destination, "-c", "2", "-i", "0.01")
    assert printed.startswith("PING ")
    assert "2 packets transmitted, 2 received, 0% packet loss" in printed
    assert "rtt min/avg/max" in printed


def test_a_ping_that_is_lost_exits_with_1_and_reports_it(labctl: Labctl, pods: list[str]) -> None:
    words = ("ping", pods[0], "10.244.99.99", "-c", "2", "-i", "0.01", "-W", "0.1", "-o", "json")
    result = labctl(*words)
    assert result.code == 1
    report = result.json
    assert report["apiVersion"] == "labctl.io/v1alpha1"
    assert report["kind"] == "PingReport"
    assert (report["transmitted"], report["received"]) == (2, 0)
    assert report["source"]["kind"] == "Pod"
    assert report["source"]["name"] == pods[0]


def test_a_ping_cannot_begin_at_an_address(labctl: Labctl) -> None:
    result = labctl("ping", "10.0.0.1", "outside")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("error: cannot ping from 10.0.0.1\n")


def test_a_word_that_is_no_place_is_told_what_places_are(labctl: Labctl) -> None:
    result = labctl("ping", "node1", "outside")
    assert result.code == 1
    assert result.err == (
        'error: pods "node1" not found\n'
        "hint: a pod, NAME.NAMESPACE, deploy/NAME, node/NAME, outside or an IPv4 address\n"
    )


def test_ctrl_c_ends_a_ping_with_what_came_until_then(labctl: Labctl) -> None:
    words = [str(PROGRAM), "ping", "node/node1", "outside", "-c", "60000", "-i", "0.01"]
    env = {**os.environ, "LABCTL_LAB": labctl.lab}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=env) as ping:
        assert ping.stdout is not None
        assert [ping.stdout.readline()[:8] for _ in range(3)] == ["PING out", *["64 bytes"] * 2]
        ping.send_signal(signal.SIGINT)
        rest = ping.stdout.read()
    assert " received, " in rest
    assert "rtt min/avg/max" in rest
    assert ping.returncode in (0, 1)  # one may have been on its way


@pytest.mark.parametrize("words", [("plan",), ("ps",), ("fault", "cut"), ("fault", "kill-agent")])
def test_a_node_that_is_not_there_is_said(labctl: Labctl, words: tuple[str, ...]) -> None:
    result = labctl(*words, "node99")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith('error: nodes "node99" not found\nhint: the nodes are node1, ')


def test_a_pod_with_the_longest_of_names_is_in_the_network_too(labctl: Labctl) -> None:
    space, pod = "n" * 63, ".".join(letter * 63 for letter in "pqr") + "." + "s" * 61
    labctl.ok("create", "namespace", space)
    text = LONG_NAME.replace("SPACE", space).replace("POD", pod)
    labctl.ok("apply", "-f", "-", stdin=text)
    labctl.ok("wait", "--for=condition=Ready", f"pod/{pod}", "-n", space)
    labctl.ok("ping", f"{pod}.{space}", "outside", "-c", "1")
    assert labctl.ok("logs", pod, "-n", space) == ""
    assert f"labctl.{labctl.lab}.pod.{space}.p" in labctl.ok("ps")
    labctl.ok("delete", "namespace", space)


LONG_NAME = """
apiVersion: v1
kind: Pod
metadata: {name: POD, namespace: SPACE}
spec: {containers: [{name: c, image: i, ports: [{containerPort: 80}]}]}
"""


def test_verify_proves_the_claims(labctl: Labctl, pods: list[str], tmp_path: Path) -> None:
    report, captured = tmp_path / "report.xml", tmp_path / "pcap"
    result = labctl("verify", "--junit", str(report), "--pcap", str(captured), "-o", "json")
    assert result.code == 0
    found = result.json
    assert (found["kind"], found["passed"]) == ("VerifyReport", True)
    claims = {claim["claim"]: claim for claim in found["claims"]}
    assert set(claims) == {"pod-to-pod", "pod-to-node", "node-to-pod", "egress", "mtu"}
    assert claims["pod-to-pod"]["checked"] >= len(pods) * (len(pods) - 1) * 3
    assert ET.parse(report).getroot().tag == "testsuites"
    assert list(captured.iterdir())


def test_verify_can_be_asked_for_less(labctl: Labctl, pods: list[str]) -> None:
    assert pods
    words = ("verify", "--claim", "egress", "--protocol", "udp", "-o", "json")
    (claim,) = labctl(*words).json["claims"]
    assert claim["claim"] == "egress"
    assert "passed" in labctl.ok("verify", "--claim", "egress", "--protocol", "udp")


def test_ps_shows_pause_beside_its_containers(labctl: Labctl, pods: list[str]) -> None:
    items = json.loads(labctl.ok("ps", "-o", "json"))["items"]
    mine = {item["pod"]: item for item in items if item["pod"] in pods}
    assert set(mine) == set(pods)
    for pod, item in mine.items():
        assert item["netns"] == f"labctl.{labctl.lab}.pod.default.{pod}"
        assert os.readlink(f"/proc/{item['pid']}/exe").endswith("catatonit")
        assert item["inode"] == os.stat(names.netns_path(item["netns"])).st_ino
        (container,) = item["containers"]
        assert container["standIn"] is True
    text = labctl.ok("ps", mine[pods[0]]["node"])
    assert pods[0] in text
    assert "catatonit" in text


def test_status_tells_of_nodes_pods_and_processes(labctl: Labctl, pods: list[str]) -> None:
    report = json.loads(labctl.ok("status", "-o", "json"))
    assert (report["kind"], report["lab"]) == ("LabStatus", labctl.lab)
    assert report["healthy"] is True
    assert report["pods"]["ready"] >= len(pods)
    assert [node["name"] for node in report["nodes"]] == ["node1", "node2", "node3"]
    assert [node["address"] for node in report["nodes"]] == [f"172.30.1.{n}" for n in (1, 2, 3)]
    processes = {process["name"]: process for process in report["processes"]}
    assert set(processes) == {
        "supervisor", "control-plane", "runtime", "agent-node1", "agent-node2", "agent-node3",
    }  # fmt: skip
    title = Path(f"/proc/{processes['agent-node2']['pid']}/cmdline").read_text().rstrip("\0")
    assert title == f"labctl: {labctl.lab} agent node2"
    assert "agent-node2" in labctl.ok("status")


def test_list_tells_of_this_lab(labctl: Labctl) -> None:
    report = json.loads(labctl.ok("list", "-o", "json"))
    assert report["kind"] == "LabList"
    (mine,) = (item for item in report["items"] if item["name"] == labctl.lab)
    assert mine == {"name": labctl.lab, "phase": "Up", "nodes": 3, "backend": "host-gw"}
    assert f"lab/{labctl.lab}\n" in labctl.ok("list", "-o", "name")


def test_the_plan_of_a_healthy_node_is_empty(labctl: Labctl, pods: list[str]) -> None:
    assert pods
    for node in ("node1", "node2", "node3"):
        assert labctl.ok("plan", node) == ""
    report = json.loads(labctl.ok("plan", "node1", "-o", "json"))
    assert (report["kind"], report["operations"]) == ("Plan", [])


def test_graph_draws_nodes_and_pods(labctl: Labctl, pods: list[str]) -> None:
    picture = labctl.ok("graph")
    assert "172.30.0.1" in picture
    assert all(pod in picture for pod in pods)


def test_the_plan_shows_a_wound_and_changes_nothing(make_lab: MakeLab) -> None:
    labctl = make_lab("-", stdin=UNHEALED)
    labctl.ok("run", "one", "--image", "nginx", "--node", "node1")
    labctl.ok("wait", "--for=condition=Ready", "pod/one")
    namespace = names.netns_path(names.node_netns(labctl.lab, "node1"))
    assert labctl.ok("plan", "node1") == ""
    with inside(namespace):
        os.system("ip route del 10.244.2.0/24")
    wound = "ip route add 10.244.2.0/24 via 172.30.1.2 dev eth0 src 172.30.1.1\n"
    assert labctl.ok("plan", "node1") == wound
    (operation,) = json.loads(labctl.ok("plan", "node1", "-o", "json"))["operations"]
    assert operation == {"describe": wound.strip(), "verb": "create", "kind": "Route"}
    with Netlink.at(namespace) as netlink:
        assert "10.244.2.0/24" not in {
            getattr(noun, "destination", "") for noun in observe(netlink)
        }
    pod = names.netns_path(names.pod_netns(labctl.lab, "default", "one"))
    with inside(pod):
        os.system("ip route del default")
    assert "in pod default/one: ip route add default" in labctl.ok("plan", "node1")


UNHEALED = """
apiVersion: labctl.io/v1alpha1
kind: Lab
spec:
  nodes: 2
  network: {healing: false}
"""
