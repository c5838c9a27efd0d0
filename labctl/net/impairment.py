"""What a bad cable does to packets: it loses some, lets so many bits a second pass, holds each back.

A cable is a veth pair, and each direction is hurt where it leaves an end: a token bucket (tbf) for
the rate, netem for the delay, as tc(8) would set them. Loss is nftables' work, at the far end, where
packets of both directions pass: who captures at the near end sees what a bad cable shows, all that
was sent and only what arrived.
"""

import errno
from dataclasses import dataclass

from labctl.errors import HostCannot, NetError
from labctl.net import qdisc, wire
from labctl.net.namespaces import Place
from labctl.net.netlink import Netlink, Request, index_query, link_query
from labctl.net.nft import run

_IFINFOMSG_SIZE = 16
_IFLA_IFNAME, _IFLA_MTU, _IFLA_LINK, _IFLA_LINKINFO = 3, 4, 5, 18
_INFO_KIND = 1
_MILLION = 1_000_000
_GONE = frozenset({errno.ENOENT, errno.EINVAL})  # what the kernel says of no qdisc to delete
_PACKAGE = "on Ubuntu and the like: sudo apt-get install linux-modules-extra-$(uname -r)"


@dataclass(frozen=True, slots=True)
class Impairment:
    """What is wrong with a cable, in each direction; nothing by default."""

    loss: float = 0.0  # of all packets, 0 to 1
    rate: float = 0.0  # bits a second; 0: as many as come
    delay: float = 0.0  # seconds


GOOD = Impairment()


@dataclass(frozen=True, slots=True)
class Cable:
    """Its two ends; `device` is the near one's name, and the far one's is `port`."""

    near: Place
    device: str
    far: Place
    port: str


def find_port(near: Netlink, device: str, far: Netlink) -> str:
    """The name, in `far`, of the other end of the veth `device` in `near`.

    Raises NetError when `device` is none, or its other end is elsewhere.
    """
    told = _link(near, link_query(device), device)
    kind = wire.attributes(told.get(_IFLA_LINKINFO, b"")).get(_INFO_KIND, b"")
    if wire.text(kind) != "veth":
        raise NetError(f"{device} is no end of a cable", errno.ENODEV)
    index = wire.u32(told[_IFLA_LINK])
    return wire.text(_link(far, index_query(index), f"the other end of {device}")[_IFLA_IFNAME])


def impair(cable: Cable, wanted: Impairment) -> None:
    """Makes the cable as bad as `wanted`, whatever was wrong with it before.

    Raises HostCannot for what this kernel lacks, and NetError when an end is not there. Of a change
    that is refused nothing may have been done, or one direction.
    """
    with Netlink.at(cable.near) as near, Netlink.at(cable.far) as far:
        for netlink, device in ((near, cable.device), (far, cable.port)):
            _shape(netlink, device, wanted)
        with far.inside():
            _lose(cable.port, wanted.loss)


def forget(far: Place, port: str) -> None:
    """Takes away what is left at the far end of a cable that is gone. Raises NetError."""
    with Netlink.at(far) as netlink, netlink.inside():
        _lose(port, 0.0)


def loss_table(port: str, loss: float) -> str:
    """The nftables text that has `loss` of all packets dropped, either way, at `port`."""
    table = f"table netdev labctl-fault-{port}"
    lines = [f"add {table}", f"delete {table}"]
    if loss:
        lines += [f"{table} {{", *_chain("ingress", port, loss), *_chain("egress", port, loss), "}"]
    return "\n".join(lines) + "\n"


def _chain(hook: str, port: str, loss: float) -> tuple[str, ...]:
    return (
        f"\tchain {hook} {{",
        f'\t\ttype filter hook {hook} device "{port}" priority 0',
        "\t\tpolicy accept",
        f"\t\tnumgen random mod {_MILLION} <= {round(loss * _MILLION) - 1} counter drop",
        "\t}",
    )


def _lose(port: str, loss: float) -> None:
    try:
        run(loss_table(port, loss), f"nft: loss at {port}")
    except NetError as error:
        if "not supported" in error.message.lower():
            raise HostCannot(
                "this kernel has no nftables hooks for devices (netdev, ingress and egress), "
                "which loss needs",
                "Linux 5.16 or newer, with CONFIG_NETFILTER_EGRESS and CONFIG_NFT_NUMGEN",
            ) from error
        raise


def _shape(netlink: Netlink, device: str, wanted: Impairment) -> None:
    mtu = wire.u32(_link(netlink, link_query(device), device)[_IFLA_MTU])
    for step in qdisc.steps(netlink.index(device), mtu, wanted.rate, wanted.delay):
        forgiven = _GONE if step.removes else frozenset[int]()
        request = Request(step.message, lambda step=step: step.describe(device), forgiven)  # type: ignore[misc]
        try:
            netlink.send([request])
        except NetError as error:
            if error.errno == errno.ENOENT:
                raise _lacking(step.kind) from error
            raise


def _lacking(kind: str) -> HostCannot:
    fault = {"netem": "delay", "tbf": "rate"}[kind]
    return HostCannot(
        f"this kernel has no {kind}, which {fault} needs: the module sch_{kind} is missing",
        f"sudo modprobe sch_{kind}; {_PACKAGE}",
    )


def _link(netlink: Netlink, query: bytes, words: str) -> dict[int, bytes]:
    frame = netlink.query([query])[0]
    if frame.kind == wire.NLMSG_ERROR:
        raise NetError(f"ip link show dev {words}: no such interface", errno.ENODEV)
    return wire.attributes(frame.body, _IFINFOMSG_SIZE)
