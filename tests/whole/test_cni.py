"""Labs of five nodes whose pods are on Debian's CNI plugins keep every promise of the model."""

import json
import os
from pathlib import Path

import pytest

from labctl import names
from labctl.api.objects import Obj
from tests.cni.plugins import ADDS, conflist, write_plugin
from tests.command import Labctl
from tests.conftest import MakeLab

LAB = """\
apiVersion: labctl.io/v1alpha1
kind: Lab
spec:
  nodes: NODES
  network: {backend: BACKEND, cni: {conflist: net.conflist, binDir: BIN}}
"""
PLUGINS: dict[str, Obj] = {
    "bridge": {"type": "bridge", "bridge": "cni0", "isGateway": True, "hairpinMode": True},
    "ptp": {"type": "ptp"},
}
IPAM = {
    "type": "host-local",
    "ranges": [[{"subnet": "usePodCidr"}]],
    "routes": [{"dst": "0.0.0.0/0"}],
}
CHAINED = (
    {"type": "portmap", "capabilities": {"portMappings": True}},
    {"type": "bandwidth", "capabilities": {"bandwidth": True}},
    {"type": "firewall"},
    {"type": "tuning", "sysctl": {"net.core.somaxconn": "512"}},
)
LIMITED = """\
apiVersion: v1
kind: Pod
metadata: {name: limited, annotations: {kubernetes.io/egress-bandwidth: 100M}}
spec: {containers: [{name: c, image: i, ports: [{containerPort: 80, hostPort: 8080}]}]}
"""


def lab_file(directory: Path, conflist: object, **words: str) -> str:
    """A lab file in a directory, beside the list that it names."""
    (directory / "net.conflist").write_text(json.dumps(conflist))
    text = LAB
    for word, value in {"NODES": "5", "BACKEND": "host-gw", "BIN": "/usr/lib/cni", **words}.items():
        text = text.replace(word, value)
    file = directory / "lab.yaml"
    file.write_text(text)
    return str(file)


@pytest.mark.parametrize("backend", ["host-gw", "vxlan"])
@pytest.mark.parametrize("kind", ["bridge", "ptp"])
def test_five_nodes_on_debians_plugins(
    make_lab: MakeLab, tmp_path: Path, kind: str, backend: str
) -> None:
    main = {**PLUGINS[kind], "ipam": IPAM}
    wanted = {"cniVersion": "1.0.0", "name": "net", "plugins": [main, *CHAINED]}
    labctl = make_lab(lab_file(tmp_path, wanted, BACKEND=backend))
    labctl.ok("create", "deployment", "web", "--image=nginx", "--replicas=10", "--port=80")
    labctl.ok("apply", "-f", "-", stdin=LIMITED)
    labctl.ok("rollout", "status", "deploy/web", "--timeout=90s")
    labctl.ok("wait", "--for=condition=Ready", "pod/limited", "--timeout=60s")
    report = labctl("verify", "-o", "json").json
    assert report["passed"], [check for check in report["checks"] if not check["passed"]]
    assert {claim["claim"] for claim in report["claims"]} == {
        "pod-to-pod", "pod-to-node", "node-to-pod", "egress", "mtu",
    }  # fmt: skip
    for node in range(1, 6):
        assert labctl.ok("plan", f"node{node}") == ""
    # The lab file is needed once: what `up` knows is with the lab.
    (tmp_path / "net.conflist").unlink()
    labctl.ok("up")
    labctl.ok("fault", "kill-agent", "node1")
    labctl.ok("fault", "start-agent", "node1")
    assert labctl("verify", "--claim", "pod-to-pod", "-o", "json").json["passed"]
    labctl.ok("scale", "deploy/web", "--replicas=0")
    labctl.ok("delete", "pod", "limited")
    labctl.ok("wait", "--for=delete", "pods", "-l", "app=web", "--timeout=60s")
    for node in range(1, 6):
        kept = names.cni_dir(labctl.lab, f"node{node}")
        assert not list(kept.glob("networks/net/10.*"))
    labctl.ok("down")
    assert not names.state_dir(labctl.lab).exists()
    assert not Path("/var/lib/cni").exists() or not list(Path("/var/lib/cni").glob("networks/net"))


@pytest.fixture
def labctl() -> Labctl:
    return Labctl(f"none{os.getpid()}-cni")


def test_what_is_wrong_with_a_list_is_one_line_and_nothing_is_made(
    labctl: Labctl, tmp_path: Path
) -> None:
    good = conflist("own")
    for wanted, code, said in (
        ({**good, "cniVersion": "9.9.9"}, 2, "cniVersion: '9.9.9' is not supported"),
        ({**good, "plugins": []}, 2, "plugins: must be a list of at least one plugin"),
        ({"cniVersion": "1.0.0", "plugins": good["plugins"]}, 2, "name: is required"),
        (conflist("no-such-plugin"), 4, 'CNI plugin "no-such-plugin" is not in /usr/lib/cni'),
    ):
        result = labctl("up", lab_file(tmp_path, wanted))
        assert (result.code, result.out) == (code, "")
        assert said in result.err.splitlines()[0]
        assert not names.state_dir(labctl.lab).exists()
    file = lab_file(tmp_path, good)
    (tmp_path / "net.conflist").write_text("{ nothing")
    result = labctl("up", file)
    assert result.code == 2
    assert f"lab.yaml:5: spec.network.cni.conflist: {tmp_path}/net.conflist:1: not JSON" in (
        result.err
    )


def test_a_lab_cannot_be_given_to_other_plugins(make_lab: MakeLab, tmp_path: Path) -> None:
    write_plugin(tmp_path, "own", ADDS)
    labctl = make_lab(lab_file(tmp_path, conflist("own"), NODES="1", BIN=str(tmp_path)))
    assert labctl("up", str(tmp_path / "lab.yaml")).code == 0, "the same again is no change"
    write_plugin(tmp_path, "other", ADDS)
    other = lab_file(tmp_path, conflist("other"), NODES="1", BIN=str(tmp_path))
    for words in ((other,), ("--backend", "vxlan")):
        result = labctl("up", *words)
        assert result.code == 2
        assert result.err.startswith("error: spec.network.")


def test_a_lab_is_compared_with_the_same_pods_under_a_plugin(
    make_lab: MakeLab, tmp_path: Path
) -> None:
    labctl = make_lab("--nodes", "2")
    labctl.ok("create", "deployment", "web", "--image=nginx", "--replicas=4", "--port=80")
    labctl.ok("rollout", "status", "deploy/web", "--timeout=60s")
    wanted = {"cniVersion": "1.0.0", "name": "net", "plugins": [{"type": "ptp", "ipam": IPAM}]}
    other = lab_file(tmp_path, wanted, NODES="2", BACKEND="vxlan")
    result = labctl("verify", "--compare", other, "--protocol", "icmp", "-o", "json")
    assert result.code == 0, result.err
    report = result.json
    assert (report["kind"], report["passed"]) == ("NetworkComparison", True)
    first, second = report["sides"]
    assert (first["lab"], first["pods"], second["pods"]) == (labctl.lab, 4, 4)
    assert second["network"] == "vxlan, CNI ptp"
    subjects = {one["subject"] for one in report["differences"]}
    assert subjects >= {"routes", "mtu", "matrix"}
    assert {one["path"] for one in report["latency"]} == {"same-node", "cross-node", "egress"}
    assert Labctl(second["lab"])("status").code == 3, "it is taken away again"
    same = labctl("verify", "--compare", labctl.lab, "--compare", labctl.lab, "-o", "json")
    assert same.json["differences"] == []


def test_a_comparison_wants_two_networks(labctl: Labctl, tmp_path: Path) -> None:
    missing = labctl("verify", "--compare", "no-such-lab")
    assert (missing.code, missing.out) == (3, "")
    three = labctl("verify", *("--compare", "a", "--compare", "b", "--compare", "c"))
    assert three.code == 2
    (tmp_path / "none.yaml").write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n")
    none = labctl("verify", *["--compare", str(tmp_path / "none.yaml")] * 2)
    assert none.code == 2
    assert "0 Labs in it, and one is wanted" in none.err
