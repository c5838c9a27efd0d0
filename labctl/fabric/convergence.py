"""Making the fabric what it should be, from nothing or from whatever is there.

Namespaces first, then the fabric's own, which plugs a cable into every other one, then the others.
Each is observed, compared and mended, so it is idempotent; nodes that the lab no longer has go.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from labctl import names
from labctl.api.lab import LabSpec
from labctl.errors import HostCannot
from labctl.fabric import topology
from labctl.fabric.turn import turn
from labctl.net import namespaces, sysctl
from labctl.net.apply import apply
from labctl.net.carrier import wait_for_carrier
from labctl.net.diff import diff
from labctl.net.marks import marked
from labctl.net.netlink import Netlink
from labctl.net.nouns import Link, Noun
from labctl.net.observe import observe_like
from labctl.net.operations import Operation
from labctl.net.state import NetState
from labctl.net.veth import delete_port


def converge(
    spec: LabSpec, cut: Collection[str] = (), living: Mapping[str, str] | None = None
) -> dict[str, tuple[Operation, ...]]:
    """Makes the fabric of `spec`; returns what was done, by namespace, where anything was.

    The cables of the machines named in `cut` stay out. A namespace that lost its name and still lives
    is found by `living`, the path to it by name. Raises NetError.
    """
    fabric = names.fabric_netns(spec.name)
    fresh = {fabric} if _ensure_netns(fabric, living or {}) else set[str]()
    with turn(namespaces.netns_path(fabric)):
        desired = desired_here(spec, cut)
        _remove_other_nodes(spec.name, desired)
        fresh |= {netns for netns in desired if _ensure_netns(netns, living or {})}
        _unplug_half_cables(desired[fabric], fabric, fresh)
        nodes = names.node_netns(spec.name, "")
        done = {
            netns: _mend(netns, state, shared=netns.startswith(nodes))
            for netns, state in desired.items()
        }
        _wait_for_ports(desired[fabric], fabric)
        if done[fabric]:
            _wait_for_machines(desired[fabric], [one for one in desired if not done[one]])
    return {netns: operations for netns, operations in done.items() if operations}


def plan(spec: LabSpec, cut: Collection[str] = ()) -> dict[str, tuple[Operation, ...]]:
    """What the fabric's own namespaces need to be right, by name; those of nodes are left out.

    Raises NetError when one is gone.
    """
    nodes = names.node_netns(spec.name, "")
    found = {}
    for netns, wanted in desired_here(spec, cut).items():
        if not netns.startswith(nodes):
            with Netlink.at(namespaces.netns_path(netns)) as netlink:
                found[netns] = diff(observe_like(netlink, wanted), wanted)
    return found


def desired_here(spec: LabSpec, cut: Collection[str] = ()) -> dict[str, NetState]:
    """The fabric of `spec` with the cables of some machines out, and the settings that this host has."""
    desired = topology.desired_fabric(spec)
    fabric = names.fabric_netns(spec.name)
    desired[fabric] = _as_on_this_host(
        desired[fabric], {topology.port_of(spec, one) for one in cut}
    )
    return desired


def _wait_for_ports(switch: NetState, fabric: str) -> None:
    """So that whoever is started next finds a network; the bridge itself comes last."""
    links = [noun for noun in switch if isinstance(noun, Link) and noun.up]
    ports = [link.name for link in links if link.kind == "veth"]
    with Netlink.at(namespaces.netns_path(fabric)) as netlink:
        wait_for_carrier(netlink, [*ports, names.UNDERLAY_BRIDGE])


def _wait_for_machines(switch: NetState, untouched: Collection[str]) -> None:
    """The same at the other ends of cables that were plugged in again: those went up first."""
    for port in switch:
        if isinstance(port, Link) and port.up and port.peer:
            path = Path(port.peer.netns)
            if path.name in untouched:
                with Netlink.at(path) as netlink:
                    wait_for_carrier(netlink, [port.peer.name])


def _as_on_this_host(fabric: NetState, cut: Collection[str]) -> NetState:
    """The fabric's own state with cables out, and with the settings that this host has."""
    setting = topology.bridge_netfilter_off()
    extra: tuple[Noun, ...] = (setting,) if sysctl.read(setting.name) is not None else ()
    out = (replace(n, up=False) for n in fabric if isinstance(n, Link) and n.name in cut)
    return fabric | (*extra, *out)


def _ensure_netns(name: str, living: Mapping[str, str]) -> bool:
    """Makes the namespace, or its name, unless it is there; returns whether it is new.

    Raises HostCannot for one of that name that somebody else made.
    """
    pin = namespaces.netns_path(name)
    if namespaces.is_netns(pin):
        if not marked([name]):
            raise HostCannot(f"{pin} is there already and is not labctl's", "use another name")
        return False
    namespaces.delete_netns(name)  # a pin that leads nowhere: left by a crash or a reboot
    path = living.get(name)
    if path and namespaces.is_netns(Path(path)) and not namespaces.is_here(Path(path)):
        namespaces.pin_netns(name, path)
        return False
    namespaces.create_netns(name)
    return True


def _unplug_half_cables(switch: NetState, fabric: str, fresh: Collection[str]) -> None:
    """Deletes the ends of cables whose other end was in a namespace that is made anew.

    The kernel would do so as well, some time after the last holder of the old one is gone.
    """
    for port in switch:
        if not isinstance(port, Link) or port.peer is None:
            continue
        machine = port.peer.netns.rpartition("/")[2]
        if machine in fresh and fabric not in fresh:
            _delete_link(fabric, port.name)
        elif fabric in fresh and machine not in fresh:
            _delete_link(machine, port.peer.name)


def _delete_link(netns: str, name: str) -> None:
    with Netlink.at(namespaces.netns_path(netns)) as netlink:
        delete_port(netlink, name)


def _mend(netns: str, desired: NetState, *, shared: bool) -> tuple[Operation, ...]:
    """Brings a namespace to `desired`; in one shared with an agent, all else is the agent's."""
    with Netlink.at(namespaces.netns_path(netns)) as netlink:
        observed = observe_like(netlink, desired)
        if shared:
            observed = observed.select(lambda noun: noun.key in desired.by_key)
        operations = diff(observed, desired)
        apply(netlink, operations)
    return operations


def _remove_other_nodes(lab: str, wanted: Collection[str]) -> None:
    for netns in namespaces.pinned(names.node_netns(lab, "")):
        if netns not in wanted:
            namespaces.delete_netns(netns)
