"""What one lab's network is like: routes, MTUs, rules, the proof of its claims, latency."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from labctl.api.lab import LabSpec
from labctl.api.objects import Obj
from labctl.errors import NetError
from labctl.lab.compare.words import plain, rules
from labctl.lab.ping import ping
from labctl.lab.places import Place
from labctl.net.namespaces import inside
from labctl.net.netlink import Netlink
from labctl.net.nouns import LOOPBACK, Link, Route
from labctl.net.observe import observe as observe_namespace
from labctl.verify import Endpoint, Kind, Topology, verify

_PINGS, _INTERVAL = 100, 0.002  # seconds


@dataclass(frozen=True)
class Scene:
    """One namespace: lines of each subject, and the MTU of its links by name."""

    routes: tuple[str, ...]
    rules: tuple[str, ...]
    mtus: Mapping[str, int]


@dataclass(frozen=True)
class Observation:
    """A lab as a comparison sees it. Pods are called by their node and their number on it."""

    lab: str
    network: str
    report: Obj
    names: Mapping[str, str]  # of pods, by address
    scenes: Mapping[str, Scene]  # by the name of a node or pod
    latency: Mapping[str, tuple[float, float]]  # milliseconds by path: least, median


def network_of(spec: LabSpec) -> str:
    """A lab's network in a few words."""
    network = spec.network
    if network.cni is None:
        return f"{network.backend}, labctl's own bridge"
    types = "+".join(plugin["type"] for plugin in network.cni.conflist["plugins"])
    return f"{network.backend}, CNI {types}"


def pod_names(topology: Topology) -> dict[str, str]:
    """What each pod is called in a comparison, by its address: `node1/pod2`."""
    counts: dict[str, int] = {}
    found = {}
    for pod in sorted(topology.pods, key=lambda one: (one.node, one.namespace, one.name)):
        counts[pod.node] = counts.get(pod.node, 0) + 1
        found[pod.ip] = f"{pod.node}/pod{counts[pod.node]}"
    return found


def observe(
    spec: LabSpec, topology: Topology, claims: Sequence[str] = (), protocols: Sequence[str] = ()
) -> Observation:
    """Looks at everything; raises LabError when there is nothing to verify."""
    names = pod_names(topology)
    ends = {one.name: one for one in topology.nodes}
    ends |= {names[one.ip]: one for one in topology.pods}
    return Observation(
        lab=topology.lab,
        network=network_of(spec),
        report=verify(topology, claims, protocols),
        names=names,
        scenes={name: _scene(end, names) for name, end in ends.items()},
        latency=dict(_latencies(topology)),
    )


def _scene(end: Endpoint, names: Mapping[str, str]) -> Scene:
    with Netlink.at(end.netns) as netlink:
        state = observe_namespace(netlink)
    links = [noun for noun in state if isinstance(noun, Link) and noun != LOOPBACK]
    routes = (noun.describe() for noun in state if isinstance(noun, Route))
    return Scene(
        routes=tuple(sorted(plain(line, names) for line in routes)),
        rules=tuple(rules(_ruleset(end), names)) if end.kind is Kind.NODE else (),
        mtus={plain(link.name, names): link.mtu for link in links},
    )


def _ruleset(end: Endpoint) -> str:
    with inside(end.netns):
        words = ["nft", "list", "ruleset"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NetError(f"nft list ruleset in {end.label}: {done.stderr.strip()}")
    return done.stdout


def _latencies(topology: Topology) -> Iterator[tuple[str, tuple[float, float]]]:
    for path, source, destination in _examples(topology):
        outcome = ping(_place(source), _place(destination), count=_PINGS, interval=_INTERVAL)
        times = [reply.milliseconds for reply in outcome.answered]
        if times:
            yield path, (round(min(times), 3), round(median(times), 3))


def _examples(topology: Topology) -> Iterator[tuple[str, Endpoint, Endpoint]]:
    """One pair for each kind of way."""
    pods = topology.pods
    pairs = [(one, other) for one in pods for other in pods if one is not other]
    same = [pair for pair in pairs if pair[0].node == pair[1].node]
    cross = [pair for pair in pairs if pair[0].node != pair[1].node]
    yield from (("same-node", *pair) for pair in same[:1])
    yield from (("cross-node", *pair) for pair in cross[:1])
    if topology.outside:
        yield from (("egress", pod, topology.outside) for pod in pods[:1])


def _place(end: Endpoint) -> Place:
    return Place(str(end.kind), end.name, end.ip, end.namespace, end.node, end.netns.name)
