"""Values for the pure tests: a small lab that exists only on paper."""

from labctl.verify.capture import HOST
from labctl.verify.oracle import Header, expect
from labctl.verify.plan import Check
from labctl.verify.probe import ONE_WAY, ROUND_TRIP, Message, Probe, Sighting, Tunnel
from labctl.verify.topology import (
    Endpoint,
    Topology,
    fabric_endpoint,
    node_endpoint,
    outside_endpoint,
    pod_endpoint,
)

NODE1 = node_endpoint("paper", "node1", "172.30.1.1")
NODE2 = node_endpoint("paper", "node2", "172.30.1.2")
NODE3 = node_endpoint("paper", "node3", "172.30.1.3")
A = pod_endpoint("paper", "default", "a", "node1", "10.244.1.2", "uid-a")
B = pod_endpoint("paper", "default", "b", "node1", "10.244.1.3", "uid-b")
C = pod_endpoint("paper", "default", "c", "node2", "10.244.2.2", "uid-c")
OUTSIDE = outside_endpoint("paper")
FABRIC = fabric_endpoint("paper")


def topology(*pods: Endpoint) -> Topology:
    """The paper lab with these pods; all three without any."""
    return Topology(
        lab="paper",
        backend="host-gw",
        mtu=1500,
        pod_cidr="10.244.0.0/16",
        pods=pods or (A, B, C),
        nodes=(NODE1, NODE2, NODE3),
        outside=OUTSIDE,
        fabric=FABRIC,
    )


def probe(source: Endpoint, destination: Endpoint, excess: int | None = None) -> Probe:
    """A probe of which nothing was seen yet."""
    claim = "mtu" if excess is not None else "pod-to-pod"
    check = Check(claim, "icmp", source, destination, excess)
    made = Probe(0, check, expect(check, topology()), ROUND_TRIP if excess is None else ONE_WAY)
    made.sent_size = 60 if excess is None else 1500 + excess
    return made


def sighting(
    place: Endpoint,
    interface: str = "eth0",
    direction: int = HOST,
    header: Header | None = None,
    *,
    message: Message = Message.REQUEST,
    time: int = 0,
    tunnel: Tunnel | None = None,
    size: int = 60,
) -> Sighting:
    """A packet from A to C, unless `header` says otherwise."""
    return Sighting(
        place,
        interface,
        direction,
        message,
        header or Header(A.ip, C.ip, 62),
        size,
        b"",
        time,
        tunnel,
    )
