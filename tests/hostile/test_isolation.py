"""Who can do what: a stranger on this machine, a pod, an agent, and who shows nothing.

Each of these tests fails when the mechanism that it is about is taken out.
"""

import os
import ssl
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from labctl import names
from labctl.pki import ensure_authority, ensure_certificate
from tests.apiserver.https import speak_old_tls
from tests.hostile.requests import Request
from tests.hostile.stranger import is_refused
from tests.hostile.victim import Victim
from tests.hostile.wires import say

_DEFAULT = "/api/v1/namespaces/default"
_WORK = """\
apiVersion: v1
kind: Secret
metadata: {name: %(node)s-mounted}
stringData: {a: b}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: %(node)s-mounted}
---
apiVersion: v1
kind: Pod
metadata: {name: on-%(node)s}
spec:
  nodeName: %(node)s
  containers: [{name: main, image: none, command: [sleep, "1000"]}]
  volumes:
  - {name: a, secret: {secretName: %(node)s-mounted}}
  - {name: b, configMap: {name: %(node)s-mounted}}
"""


@pytest.fixture(scope="module", autouse=True)
def _pods(attacked: Victim) -> None:
    for node in ("node1", "node2"):
        attacked.labctl.ok("apply", "-f", "-", stdin=_WORK % {"node": node})
        attacked.labctl.ok("wait", "--for=condition=Ready", f"pod/on-{node}", "--timeout=30s")


def test_a_stranger_reads_nothing_of_a_lab(victim: Victim) -> None:
    state, run = names.state_dir(victim.lab), names.run_dir(victim.lab)
    for directory in (state, run):
        assert is_refused(partial(os.listdir, directory))
    keys = sorted(names.pki_dir(victim.lab).glob("*.key"))
    assert len(keys) > 5
    for file in (*keys, state / "store.db", names.kubeconfig_file(victim.lab)):
        assert is_refused(file.read_bytes), file


def test_private_keys_and_state_are_roots_alone(victim: Victim) -> None:
    state, run = names.state_dir(victim.lab), names.run_dir(victim.lab)
    for directory in (state, run, state / "pki", state / "logs"):
        assert (directory.stat().st_mode & 0o777, directory.stat().st_uid) == (0o700, 0), directory
    private = (*state.glob("pki/*.key"), *state.glob("store.db*"), *state.glob("logs/*"))
    for file in (*private, *run.glob("*.sock"), run / "kubeconfig"):
        assert (file.stat().st_mode & 0o077, file.stat().st_uid) == (0, 0), file


def test_who_shows_nothing_may_nothing(victim: Victim) -> None:
    port, tls = api_port(victim), trusting(victim)
    for path in ("/api/v1/pods", "/api/v1/secrets", "/apis", "/metrics", "/openapi/v2", "/api/v1"):
        said = say(port, head("GET", path), tls)
        assert (said.codes, said.status["reason"]) == ([403], "Forbidden"), path
    for path in (f"{_DEFAULT}/pods/on-node1/exec?command=id", f"{_DEFAULT}/pods/on-node1/log"):
        assert say(port, head("GET", path), tls).codes == [403]
    shown = head("GET", "/api/v1/pods", "Authorization: Bearer x.y.z")
    assert say(port, shown, tls).codes == [401]


def test_old_tls_and_foreign_certificates_are_not_spoken_to(victim: Victim, tmp_path: Path) -> None:
    port = api_port(victim)
    old = trusting(victim)
    speak_old_tls(old)
    with pytest.raises((ssl.SSLError, ConnectionError)):  # hung up on
        say(port, b"", old)
    ensure_authority(tmp_path)
    ensure_certificate(tmp_path, "admin", "kubernetes-admin", ("system:masters",))
    foreign = trusting(victim)
    foreign.load_cert_chain(tmp_path / "admin.crt", tmp_path / "admin.key")
    assert say(port, head("GET", "/api/v1/pods"), foreign).codes == []


def test_only_what_is_needed_listens(victim: Victim) -> None:
    lab = victim.lab
    port = api_port(victim)
    wanted = {
        names.control_plane_netns(lab): {"tcp 172.30.0.2:6443"},
        names.fabric_netns(lab): set(),
        names.outside_netns(lab): {"tcp 0.0.0.0:80", "udp 0.0.0.0:80"},
        names.node_netns(lab, "node1"): {"tcp 172.30.1.1:10250"},
        names.node_netns(lab, "node2"): {"tcp 172.30.1.2:10250"},
        names.pod_netns(lab, "default", "on-node1"): set(),
    }
    found = {space: listening("ip", "netns", "exec", space) for space in wanted}
    assert found == wanted
    assert listening(mark=f"labctl: {lab}"[:15]) == {f"tcp 127.0.0.1:{port}"}


def listening(*entry: str, mark: str = "") -> set[str]:
    """What is listened on; on the host, by processes whose name is `mark`."""
    told = subprocess.run([*entry, "ss", "-Hltunp"], capture_output=True, text=True, check=True)
    lines = [line.split() for line in told.stdout.splitlines() if f'(("{mark}' in line or not mark]
    return {f"{line[0]} {line[4]}" for line in lines}


def test_a_pod_reaches_the_api_only_with_credentials(victim: Victim) -> None:
    url = f"https://{names.CONTROL_PLANE_ADDRESS}:{names.API_PORT}/api/v1/namespaces/default/pods"
    agent = f"https://172.30.1.1:{names.AGENT_PORT}/pods"
    ask = ("exec", "on-node1", "--", "curl", "-sk", "--max-time", "10")
    assert '"code":403' in victim.labctl.ok(*ask, url)
    assert victim.labctl(*ask, agent).code != 0  # no TLS without a certificate of the lab


OWN = [
    ("PATCH", "/api/v1/nodes/node1/status", {"status": {"conditions": []}}),
    ("PATCH", "/api/v1/nodes/node1", {"metadata": {"labels": {"a": "b"}}}),
    ("PATCH", f"{_DEFAULT}/pods/on-node1/status", {"status": {"message": "x"}}),
    ("GET", f"{_DEFAULT}/pods/on-node1", None),
    ("GET", f"{_DEFAULT}/secrets/node1-mounted", None),
    ("GET", f"{_DEFAULT}/configmaps/node1-mounted", None),
    ("GET", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node1", None),
]
OTHERS = [
    ("PATCH", "/api/v1/nodes/node2/status", {"status": {"conditions": []}}),
    ("PATCH", "/api/v1/nodes/node2", {"metadata": {"labels": {"a": "b"}}}),
    ("PATCH", "/api/v1/nodes/node1", {"spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]}}),
    ("DELETE", "/api/v1/nodes/node1", None),
    ("DELETE", "/api/v1/nodes/node2", None),
    ("POST", "/api/v1/nodes", {"metadata": {"name": "node3"}}),
    ("PATCH", f"{_DEFAULT}/pods/on-node2/status", {"status": {"message": "x"}}),
    ("PATCH", f"{_DEFAULT}/pods/on-node1", {"metadata": {"labels": {"a": "b"}}}),
    ("DELETE", f"{_DEFAULT}/pods/on-node2", None),
    ("GET", f"{_DEFAULT}/pods/on-node2", None),
    ("GET", f"{_DEFAULT}/pods", None),
    ("POST", f"{_DEFAULT}/pods", {"metadata": {"name": "x"}, "spec": {"containers": []}}),
    ("POST", f"{_DEFAULT}/pods/on-node2/eviction", {"metadata": {"name": "on-node2"}}),
    ("GET", f"{_DEFAULT}/pods/on-node1/exec?command=id", None),
    ("GET", f"{_DEFAULT}/secrets/node2-mounted", None),
    ("GET", f"{_DEFAULT}/secrets", None),
    ("GET", f"{_DEFAULT}/configmaps/node2-mounted", None),
    ("PATCH", f"{_DEFAULT}/secrets/node1-mounted", {"data": {}}),
    ("POST", f"{_DEFAULT}/serviceaccounts/default/token", {"spec": {}}),
    ("GET", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node2", None),
    ("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles", None),
    ("GET", "/metrics", None),
]


@pytest.mark.parametrize(("requests", "codes"), [(OWN, {200}), (OTHERS, {403})])
def test_an_agent_does_its_own_work_and_no_others(
    victim: Victim, requests: list[tuple[str, str, Any]], codes: set[int]
) -> None:
    pki = names.pki_dir(victim.lab)
    tls = trusting(victim)
    tls.load_cert_chain(pki / "node-node1.crt", pki / "node-node1.key")
    wrong = []
    for method, path, body in requests:
        target = path if method == "GET" else f"{path}?dryRun=All"
        got = say(api_port(victim), head(method, target, body=body), tls, seconds=2).codes
        if set(got) != codes:
            wrong.append((method, path, got))
    assert not wrong


def test_an_agent_answers_the_api_server_alone(victim: Victim) -> None:
    pki = names.pki_dir(victim.lab)
    url = f"https://172.30.1.1:{names.AGENT_PORT}/pods"
    ask = (
        "ip",
        "netns",
        "exec",
        names.control_plane_netns(victim.lab),
        "curl",
        "-sk",
        "-w",
        "%{http_code}",
    )
    codes = {}
    for who in ("apiserver-kubelet-client", "node-node2", "node-node1"):
        shown = ("--cert", str(pki / f"{who}.crt"), "--key", str(pki / f"{who}.key"))
        done = subprocess.run([*ask, *shown, url], capture_output=True, text=True, check=True)
        codes[who] = done.stdout[-3:]
    assert codes == {"apiserver-kubelet-client": "200", "node-node2": "403", "node-node1": "403"}
    done = subprocess.run([*ask, url], capture_output=True, text=True, check=False)
    assert (done.returncode != 0, done.stdout) == (True, "000")


def head(method: str, target: str, *headers: str, body: Any = None) -> bytes:
    request = Request.of(method, target, body)
    own = [f"{name}: {text}" for name, text in request.headers.items()]
    lines = (f"{method} {target} HTTP/1.1", "Host: lab", "Connection: close", *own, *headers)
    data = request.body or b""
    return "\r\n".join((*lines, f"Content-Length: {len(data)}", "", "")).encode() + data


def api_port(victim: Victim) -> int:
    return int((names.state_dir(victim.lab) / "api-port").read_text())


def trusting(victim: Victim) -> ssl.SSLContext:
    """A client that knows the lab's authority and has no certificate."""
    return ssl.create_default_context(cafile=str(names.pki_dir(victim.lab) / "ca.crt"))
