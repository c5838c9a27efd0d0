"""Twenty kills of random containers, pauses and agents leave what the API wants, and nothing else.

The name of a run has its seed; `CHAOS_SEED=SEED pytest tests/chaos` plays that one again.
"""

import os
import subprocess
import time
from collections import Counter

import pytest

from labctl import names
from labctl.lab import cgroup
from tests.chaos.kills import Victim, bursts, restarts, strike
from tests.chaos.order import disorder
from tests.chaos.population import manifest, population
from tests.chaos.settling import until_in_order
from tests.conftest import MakeLab
from tests.recorded import recorded
from tests.waiting import until

NODES, KILLS = 3, 20
LAB = f"""\
apiVersion: labctl.io/v1alpha1
kind: Lab
spec:
  nodes: {NODES}
  times: {{crashBackoffSeconds: 0.1, crashBackoffLimitSeconds: 0.2}}
"""


def traces(lab: str) -> dict[str, list[str]]:
    """What pods leave on the machine."""
    return {
        "sandboxes": recorded(lab),
        "streams": os.listdir(names.run_dir(lab) / "streams"),
        "messages": os.listdir(names.run_dir(lab) / "messages"),
        "logs": os.listdir(names.state_dir(lab) / "pods"),
        "groups": [str(one) for one in (cgroup.path(lab) / cgroup.PODS).glob("*/")],
        "pins": [one for one in os.listdir(names.NETNS_DIR) if one.startswith(f"labctl.{lab}.pod")],
    }


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [int(os.environ.get("CHAOS_SEED") or time.time_ns() % 10**6)])
def test_twenty_kills(make_lab: MakeLab, seed: int) -> None:
    pods = population(NODES)
    labctl = make_lab("-", stdin=LAB)
    labctl.ok("apply", "-f", "-", stdin=manifest(pods))
    killed: list[Victim] = []
    until_in_order(labctl, killed, NODES)
    for burst in bursts(seed, pods, NODES, KILLS):
        strike(labctl, burst)
        killed += burst
        until_in_order(labctl, killed, NODES)
    labctl.ok("verify")
    for number in range(1, NODES + 1):
        assert labctl.ok("plan", f"node{number}") == ""

    labctl.ok("delete", "pods", "--all")
    until(lambda: not any(traces(labctl.lab).values()))
    labctl.ok("down")
    assert not cgroup.exists(labctl.lab)
    assert not [one for one in os.listdir(names.NETNS_DIR) if f".{labctl.lab}." in one]
    assert not names.run_dir(labctl.lab).exists()
    assert not names.state_dir(labctl.lab).exists()


def test_what_is_amiss_is_seen(make_lab: MakeLab) -> None:
    two = LAB.replace(f"nodes: {NODES}", "nodes: 2")
    labctl = make_lab("-", stdin=f"{two}  network: {{healing: false}}\n")  # or it would be mended
    labctl.ok("apply", "-f", "-", stdin=manifest(population(2)))
    until_in_order(labctl, [], 2)
    (host,) = (
        one["pid"]
        for one in labctl("ps", "node1", "-o", "json").json["items"]
        if (one["pod"], one["state"]) == ("program-node1", "ready")
    )
    node = names.netns_path(names.node_netns(labctl.lab, "node1"))
    stray = cgroup.path(labctl.lab) / cgroup.PODS / "stray"
    ip = ("nsenter", f"--net=/proc/{host}/ns/net", "ip")
    enters = (
        f"echo $$ >{cgroup.path(labctl.lab) / cgroup.PROCESSES}/cgroup.procs; echo; exec sleep 60"
    )
    with subprocess.Popen(["sh", "-c", enters], stdout=subprocess.PIPE) as stranger:
        assert stranger.stdout is not None
        stranger.stdout.readline()
        stray.mkdir()
        subprocess.run([*ip, "address", "add", "10.9.9.9/32", "dev", "eth0"], check=True)
        veth = ("link", "add", "vethstray", "type", "veth", "peer", "name", "vethother")
        subprocess.run(["nsenter", f"--net={node}", "ip", *veth], check=True)
        seen = "\n".join(disorder(labctl, Counter()))
        stranger.kill()
    stray.rmdir()
    for sentence in (
        f"a stray process {stranger.pid}: sleep",
        f"a stray cgroup {stray.relative_to(cgroup.hierarchy())}",
        "node1: vethstray is amiss",
        "10.9.9.9",
    ):
        assert sentence in seen
    (wrong,) = disorder(labctl, restarts(population(2), [Victim("program-node1")]))
    assert wrong == "program of program-node1 was started again 0 times, not 1"


def test_a_seed_says_whom_and_bursts_hit_no_pod_twice() -> None:
    pods = population(NODES)
    first, again = (bursts(7, pods, NODES, KILLS) for _ in range(2))
    assert first == again != bursts(8, pods, NODES, KILLS)
    assert sum(map(len, first)) == KILLS
    for burst in first:
        assert len({victim.where for victim in burst}) == len(burst)


def test_what_must_come_of_kills() -> None:
    pods = population(1)
    killed = [Victim("served-node1"), Victim("served-node1", "sidecar"), Victim(node="node1")]
    assert restarts(pods, killed) == {
        ("served-node1", "before"): 1,
        ("served-node1", "sidecar"): 2,
        ("served-node1", "program"): 1,
    }
