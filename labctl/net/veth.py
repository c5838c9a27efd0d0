"""The cable of a pod: made in one message, configured in one batch.

`create_veth` makes both ends where they belong (nothing is moved: a move costs an RCU grace
period), the node's end up, in its bridge and named. `configure_pod` sets up the pod's end, and
`await_port` makes sure that the first packet passes. The kernel refuses a peer that carries IFF_UP
(ENOTCONN), so the pod's end goes up in its batch.
"""

import errno
from dataclasses import dataclass

from labctl.errors import NetError
from labctl.net import encode, encode_link
from labctl.net.carrier import wait_for_carrier
from labctl.net.netlink import Netlink, Request
from labctl.net.nouns import LOOPBACK, Address, Link, Neighbor, Noun, Route
from labctl.net.operations import Create, Replace

# Without IPv6 in the kernel there is nothing to keep from making addresses.
_NO_IPV6 = frozenset({errno.EAFNOSUPPORT, errno.EOPNOTSUPP})

# What the kernel says of a bridge's index that is no longer there.
_NO_MASTER = frozenset({errno.EINVAL, errno.ENODEV})


@dataclass(frozen=True, slots=True)
class PodInterface:
    """What a pod's namespace holds once it is configured."""

    address: str  # with prefix length: 10.244.1.7/24
    gateway: str
    gateway_mac: str
    mac: str
    mtu: int
    name: str = "eth0"

    @property
    def link(self) -> Link:
        return Link(self.name, "veth", mtu=self.mtu, mac=self.mac)

    def nouns(self) -> tuple[Noun, ...]:
        """The pod's network as nouns, which is what `observe` finds there."""
        return (
            LOOPBACK,
            self.link,
            Address(self.name, self.address),
            Neighbor(self.name, self.gateway, self.gateway_mac),
            Route("default", self.name, gateway=self.gateway),
        )


def create_veth(netlink: Netlink, port: Link, peer_netns: int) -> None:
    """Makes a pair: `port` in the namespace of `netlink`, `port.peer` in `peer_netns`.

    `peer_netns` is an open descriptor of that namespace (the path in `port.peer` is for
    `describe()`). The peer is left down. Raises NetError: EEXIST if one of the names is taken,
    ENODEV if the bridge is not there.
    """
    operation = Create(port)
    try:
        netlink.send(encode.requests(operation, netlink.index, peer_netns))
    except NetError as error:
        if error.errno not in _NO_MASTER or not port.master:
            raise
        netlink.forget()  # the bridge was made anew since its index was looked up
        netlink.send(encode.requests(operation, netlink.index, peer_netns))


def configure_pod(netlink: Netlink, pod: PodInterface) -> None:
    """Sets up `lo` and a pod's end of its cable in one batch; `netlink` is in the pod.

    The pod's end was made by `create_veth` with its MAC and MTU.
    """
    loopback, link, *rest = pod.nouns()
    down = Link(pod.name, "veth", mtu=pod.mtu, mac=pod.mac, up=False)
    ipv6 = encode_link.no_ipv6_address(netlink.index(pod.name))
    batch = encode.requests(Create(loopback), netlink.index)
    batch.append(Request(ipv6, lambda: f"ip link set dev {pod.name} addrgenmode none", _NO_IPV6))
    batch += encode.requests(Replace(link, down), netlink.index)
    for noun in rest:
        batch += encode.requests(Create(noun), netlink.index)
    netlink.send(batch)


def await_port(netlink: Netlink, port: Link) -> None:
    """Returns when a configured pod can be reached through its port. Raises NetError."""
    names = (port.name, port.master) if port.master else (port.name,)
    wait_for_carrier(netlink, names)


def delete_port(netlink: Netlink, name: str) -> None:
    """Deletes a link, and its peer with it; none there is no error.

    That waits for an RCU grace period (20 ms): many go faster with their namespaces.
    """
    netlink.send(
        [Request(encode_link.delete(name), lambda: f"ip link delete dev {name}", encode.GONE)]
    )


def set_port(netlink: Netlink, name: str, *, up: bool) -> None:
    """Sets a link up or down. Raises NetError (ENODEV) if there is none."""
    word = "up" if up else "down"
    message = encode_link.set_up(name, up=up)
    netlink.send([Request(message, lambda: f"ip link set dev {name} {word}")])
