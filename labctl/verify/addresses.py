"""Who has which address: two pods with one, or a pod without its own.

Seen three ways: in the API's own list; in the namespaces, each of which must hold the address that
the API gives it and nobody else's (also across nodes); and on the wire, where an ARP request from
the pod's node must get one answer, from the pod's own interface.
"""

import select
import socket
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from ipaddress import IPv4Address

from labctl.net.namespaces import socket_in
from labctl.verify import interface
from labctl.verify.capture import close_all
from labctl.verify.interface import Way
from labctl.verify.namespaces import Namespaces
from labctl.verify.topology import Endpoint, Topology
from labctl.verify.whole import POD_INTERFACE

Findings = dict[str, str]  # address -> what is wrong with it

_ETH_P_ARP = 0x0806
_BROADCAST = b"\xff" * 6
_REPLY = b"\0\2"
_PATIENCE = 0.2  # seconds for the first answer; bridges deliver before sendto returns
_ECHO = 0.01  # seconds more, for the second


def examine(topology: Topology, namespaces: Namespaces) -> Findings:
    """What is wrong with pods' addresses, by address; empty when each has its own."""
    findings = _claimed_twice(topology.pods)
    for more in (_held(topology, namespaces), _answered(topology, namespaces)):
        findings = {**more, **findings}
    return findings


def _claimed_twice(pods: Iterable[Endpoint]) -> Findings:
    by_address: dict[str, list[str]] = defaultdict(list)
    for pod in pods:
        by_address[pod.ip].append(pod.label)
    return {
        address: two_have(address, labels)
        for address, labels in by_address.items()
        if len(labels) > 1
    }


def two_have(address: str, labels: Iterable[str]) -> str:
    return f"wrong peer: {address} belongs to more than one: {', '.join(sorted(labels))}"


def _held(topology: Topology, namespaces: Namespaces) -> Findings:
    held = {
        endpoint: {one.address for one in interface.addresses(namespaces.question(endpoint))}
        for endpoint in topology.endpoints
        if endpoint in namespaces
    }
    return compare_held(topology.pods, held)


def compare_held(pods: Iterable[Endpoint], held: dict[Endpoint, set[str]]) -> Findings:
    """Each pod's address must be in its own namespace, and in no other that is judged."""
    holders: dict[str, list[Endpoint]] = defaultdict(list)
    for endpoint, addresses in held.items():
        for address in addresses:
            holders[address].append(endpoint)
    findings: Findings = {}
    for pod in pods:
        found = holders.get(pod.ip, [])
        if len(found) > 1:
            findings[pod.ip] = two_have(pod.ip, [one.label for one in found])
        elif pod in held and pod not in found:
            has = ", ".join(sorted(held[pod])) or "none"
            findings[pod.ip] = f"wrong peer: {pod.label} does not have {pod.ip} (it has {has})"
    return findings


def _answered(topology: Topology, namespaces: Namespaces) -> Findings:
    """An ARP request for each pod from its node. Silence is no finding: probes tell why."""
    findings: Findings = {}
    sockets = []
    try:
        for node in topology.nodes:
            pods = [pod for pod in topology.pods if pod.node == node.name and pod in namespaces]
            if pods and node in namespaces:
                sock = _arp_socket(namespaces, node)
                sockets.append(sock)
                ways = interface.routes(namespaces.descriptor(node))
                findings |= _ask(sock, pods, namespaces, ways)
    finally:
        close_all(sockets)
    return findings


def _arp_socket(namespaces: Namespaces, node: Endpoint) -> socket.socket:
    """Hears ARP on every interface of the node, and can ask on each."""
    descriptor = namespaces.descriptor(node)
    protocol = socket.htons(_ETH_P_ARP)
    sock = socket_in(descriptor, socket.AF_PACKET, socket.SOCK_DGRAM, protocol)
    sock.setblocking(False)
    return sock


def _ask(
    sock: socket.socket, pods: list[Endpoint], namespaces: Namespaces, ways: Sequence[Way]
) -> Findings:
    """Asks for each pod where the node's own route leads to it."""
    own = {pod.ip: (pod, interface_mac(namespaces, pod)) for pod in pods}
    asked = {address for address in own if _request(sock, address, leads_to(address, ways))}
    answers = _collect(sock, asked)
    labels = {mac: pod.label for pod, mac in own.values()}
    return {
        address: finding
        for address in asked
        if (finding := judge_answers(*own[address], answers[address], labels))
    }


def leads_to(address: str, ways: Sequence[Way]) -> str:
    """The interface of the longest prefix that holds an address; "" where there is none."""
    number = IPv4Address(address)
    return next((way.interface for way in ways if number in way.network), "")


def _request(sock: socket.socket, address: str, device: str) -> bool:
    """Sends an ARP request on an interface; False when that cannot be."""
    try:
        request = _arp_request(interface.mac(sock, device), address)
        sock.sendto(request, (device, _ETH_P_ARP, 0, 0, _BROADCAST))
    except OSError:  # there is none, or it is down, or it has no MAC
        return False
    return True


def interface_mac(namespaces: Namespaces, pod: Endpoint) -> bytes:
    """The MAC of a pod's eth0; nothing for a pod that has no such interface."""
    try:
        return interface.mac(namespaces.question(pod), POD_INTERFACE)
    except OSError:
        return b""


def judge_answers(pod: Endpoint, mac: bytes, answers: set[bytes], labels: dict[bytes, str]) -> str:
    """What a pod's ARP answers say: "" if one came, from its own interface, or none did."""
    if answers <= {mac}:
        return ""
    who = [f"{answer.hex(':')} ({labels.get(answer, 'unknown')})" for answer in sorted(answers)]
    return f"wrong peer: ARP for {pod.ip} of {pod.label} is answered by {' and by '.join(who)}"


def _arp_request(sender: bytes, address: str) -> bytes:
    """An ARP probe: it names no sender's address, so that nobody learns from it (RFC 5227).

    scapy builds one, and the address is its last four bytes.
    """
    return _arp_template(sender)[:-4] + IPv4Address(address).packed


@lru_cache(maxsize=256)
def _arp_template(sender: bytes) -> bytes:
    from scapy.layers.l2 import ARP

    packet = ARP(op="who-has", hwsrc=sender.hex(":"), psrc="0.0.0.0", pdst="0.0.0.0")  # noqa: S104
    return bytes(packet)


def _collect(sock: socket.socket, waiting: set[str]) -> dict[str, set[bytes]]:
    """The MACs that answered for each address."""
    answers: dict[str, set[bytes]] = defaultdict(set)
    deadline = time.monotonic() + _PATIENCE
    while (left := deadline - time.monotonic()) > 0:
        if not waiting - answers.keys():
            left = _ECHO
        if not select.select([sock], [], [], left)[0]:
            break
        for mac, address in _replies(sock):
            answers[address].add(mac)
    return answers


def _replies(sock: socket.socket) -> Iterator[tuple[bytes, str]]:
    """Hardware and protocol address of the senders of the ARP replies that are there."""
    while True:
        try:
            packet = sock.recv(64)
        except OSError:
            return
        if packet[6:8] == _REPLY:
            yield packet[8:14], str(IPv4Address(packet[14:18]))
