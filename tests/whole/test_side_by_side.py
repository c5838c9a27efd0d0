"""Two labs with the same addresses on one machine know nothing of each other, nor it of them."""

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from labctl.lab import cgroup
from tests.command import Labctl
from tests.machine import Machine, machine
from tests.waiting import until

_PODS = """
apiVersion: v1
kind: Pod
metadata: {name: LAB-1}
spec: {nodeName: node1, containers: [{name: c, image: nginx, ports: [{containerPort: 80}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: LAB-2}
spec: {nodeName: node2, containers: [{name: c, image: nginx, ports: [{containerPort: 80}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: robot}
spec: {nodeName: node1, containers: [{name: c, image: x, command: [sleep, "1000"]}]}
"""
_CABLE = """
nsenter --net={one} ip link add between type veth peer name between netns {two}
for place in {one} {two}; do nsenter --net=$place ip link set between up master underlay; done
"""
_QUIET = ("sysctls", "answers", "settings")  # kinds of a survey: what belongs to the host alone
_SENDER = Path(__file__).with_name("marked_packets.py")
_EVERYWHERE = "172.30.255.255,255.255.255.255,203.0.113.10,172.30.1.2,172.30.0.2"


@dataclass(frozen=True)
class Pair:
    """A machine with labs `one` and `two`, and what the machine was like before."""

    machine: Machine
    before: frozenset[str]

    def __getitem__(self, lab: str) -> Labctl:
        return self.machine.labctl(lab)

    def pods(self, lab: str) -> dict[str, str]:
        """Names by address."""
        items = self[lab]("get", "pods", "-o", "json").json["items"]
        return {one["status"]["podIP"]: one["metadata"]["name"] for one in items}

    def curl(self, lab: str, path: str, *words: str, user: str = "") -> str:
        """What the API of `lab` says to the admin of another, or to a bearer: a code and a body."""
        port = self.machine.run("cat", f"/var/lib/labctl/{lab}/api-port").strip()
        pki = f"/var/lib/labctl/{user}/pki"
        admin = ("--cert", f"{pki}/admin.crt", "--key", f"{pki}/admin.key") if user else ()
        curl = ("curl", "-sk", "-w", "\n%{http_code}", *admin, *words)
        return self.machine.run(*curl, f"https://127.0.0.1:{port}{path}", check=False)


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with machine() as own:
        both = Pair(own, own.survey(*_QUIET))
        for lab in ("one", "two"):
            both[lab].ok("up", "-", "--nodes", "2", stdin=_PODS.replace("LAB", lab))
            both[lab].ok("wait", "--for=condition=Ready", "pod", "--all")
        yield both


def test_each_is_proved_while_the_other_is(pair: Pair) -> None:
    assert pair.pods("one").keys() == pair.pods("two").keys()
    with ThreadPoolExecutor() as pool:
        results = pool.map(lambda lab: pair[lab]("verify", "-o", "json"), ("one", "two"))
        for result in results:
            assert result.json["passed"], result.out


def test_under_one_address_each_has_its_own_pod(pair: Pair) -> None:
    for lab in ("one", "two"):
        for ip, name in pair.pods(lab).items():
            if name != "robot":
                said = pair[lab].ok("exec", "robot", "--", "curl", "-s", f"http://{ip}/")
                assert name in said


@pytest.mark.parametrize(("speaks", "silent"), [("one", "two"), ("two", "one")])
def test_no_packet_of_one_is_seen_in_the_other(pair: Pair, speaks: str, silent: str) -> None:
    pins = pair.machine.run("ls", "/run/netns").split()
    targets = ",".join((_EVERYWHERE, *pair.pods(silent)))
    for sender in ("node.node1", "outside", "pod.default.robot"):
        words = (f"mark of {speaks} {sender}", f"labctl.{speaks}.{sender}", targets, *pins)
        heard = pair.machine.run(sys.executable, str(_SENDER), *words).split()
        assert f"labctl.{speaks}.fabric" in heard or sender == "outside"
        assert heard
        assert all(place.startswith(f"labctl.{speaks}.") for place in heard)


def test_a_cable_between_them_would_be_noticed(pair: Pair) -> None:
    """What the test before looks for can be found."""
    one, two = (f"/run/netns/labctl.{lab}.fabric" for lab in ("one", "two"))
    pair.machine.run("sh", "-c", _CABLE.format(one=one, two=two))
    words = ("mark", "labctl.one.node.node1", _EVERYWHERE, "labctl.two.node.node1")
    until(lambda: pair.machine.run(sys.executable, str(_SENDER), *words))
    pair.machine.run("nsenter", f"--net={one}", "ip", "link", "delete", "between")


def test_an_api_takes_no_certificate_and_no_token_of_the_other(pair: Pair) -> None:
    path = "/api/v1/namespaces/default/serviceaccounts/default/token"
    asks = ("-X", "POST", "-H", "Content-Type: application/json", "-d")
    request = json.dumps({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"})
    granted, _, code = pair.curl("one", path, *asks, request, user="one").rpartition("\n")
    assert code == "201"
    token = json.loads(granted)["status"]["token"]
    bearer = ("-H", f"Authorization: Bearer {token}")
    assert pair.curl("one", "/api", *bearer).endswith("200")
    assert pair.curl("two", "/api", *bearer).endswith("401")
    assert pair.curl("two", "/api/v1/secrets", user="one")[-3:] in {"000", "401"}


def test_the_host_is_as_it_was(pair: Pair) -> None:
    """Its routes, rules, links, nft tables, settings, resolver; and who listens on it."""
    pair.machine.until_as(pair.before, kinds=_QUIET)
    listening = pair.machine.run("ss", "-Htlnu", "-A", "tcp,udp,raw,packet").splitlines()
    addresses = [line.split()[4] for line in listening]
    assert len(addresses) == 2
    assert all(address.startswith("127.0.0.1:") for address in addresses)


def pids(pair: Pair, lab: str) -> Any:
    return [
        (one["name"], one["pid"], one["restarts"])
        for one in pair[lab]("status", "-o", "json").json["processes"]
    ]


def test_what_hurts_one_leaves_the_other_alone(pair: Pair) -> None:
    before, pods = pids(pair, "two"), pair.pods("two")
    pair["one"].ok("fault", "cut", "node2")
    pair["one"].ok("fault", "kill-agent", "node1")
    pair["two"].ok("verify", "--protocol", "icmp")
    pair.machine.run("sh", "-c", f"echo 1 > {cgroup.hierarchy()}/labctl.one/cgroup.kill")
    pair["two"].ok("verify", "--protocol", "icmp")
    assert pair["two"].ok("status", "-o", "jsonpath={.phase}") == "Ready"
    pair["one"].ok("down")
    until(lambda: pair["two"]("verify", "--protocol", "icmp").code == 0, seconds=5)
    assert pids(pair, "two") == before
    assert pair.pods("two") == pods
