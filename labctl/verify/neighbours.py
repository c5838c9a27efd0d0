"""The ARP table: one for all namespaces of a machine, and its limits are the host's.

A full mesh needs an entry for each ordered pair of pods on one node (gateways are permanent and are
not counted, kernel >= 5.0). Above gc_thresh3 the kernel drops packets ("neighbor table overflow"),
and younger entries than five seconds are never collected. verify gives back what its own probes
made, window by window, so that a mesh passes on a stock VM; it warns that one in earnest would not.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from labctl.verify import interface, oracle
from labctl.verify.namespaces import Namespaces
from labctl.verify.probe import Probe
from labctl.verify.topology import Kind, Topology
from labctl.verify.whole import POD_INTERFACE

_LIMIT = Path("/proc/sys/net/ipv4/neigh/default/gc_thresh3")  # only in the first namespace


def mesh_entries(topology: Topology) -> int:
    """ARP entries that all pods talking to all others will need at once."""
    per_node = Counter(pod.node for pod in topology.pods)
    return sum(count * (count - 1) for count in per_node.values())


def limit() -> int | None:
    """The host's hard limit of ARP entries, gc_thresh3; None where it cannot be read."""
    try:
        return int(_LIMIT.read_text())
    except (OSError, ValueError):
        return None


def warnings(topology: Topology, most: int | None) -> tuple[str, ...]:
    """What to tell whoever wants every pod to talk to every other at once."""
    need = mesh_entries(topology)
    if most is None or need < most:
        return ()
    warning = (
        f"a full mesh of these {len(topology.pods)} pods needs {need} ARP entries, and this host "
        f"allows {most} in all namespaces together; "
        f"sysctl -w net.ipv4.neigh.default.gc_thresh3={_round_up(2 * need)}"
    )
    return (warning,)


def _round_up(number: int) -> int:
    return 1 << (number - 1).bit_length()


class Budget:
    """Gives back the ARP entries of probes, if all of them would come near the limit."""

    def __init__(self, topology: Topology, namespaces: Namespaces, most: int | None) -> None:
        self._is_needed = most is not None and mesh_entries(topology) > most // 4
        self._namespaces = namespaces

    def release(self, probes: Iterable[Probe]) -> None:
        """Forgets what the probes' sources learned of pods on their node."""
        if not self._is_needed:
            return
        for probe in probes:
            source, destination = probe.check.source, probe.check.destination
            if (
                source.kind is destination.kind is Kind.POD
                and probe.expectation.path == oracle.SAME_NODE
                and source in self._namespaces
            ):
                question = self._namespaces.question(source)
                interface.forget_neighbour(question, POD_INTERFACE, destination.ip)
