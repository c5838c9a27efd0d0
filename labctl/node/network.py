"""A node's network: what is wanted, what is known to be there, and how the second follows the first.

`update` takes a new snapshot of the cluster, `attach` and `detach` one pod's port; they change only
what their part asks for, against what is known, without a look at the kernel. `heal` looks: it
observes, and mends what differs. All of it is synchronous netlink, fractions of a millisecond.
"""

import contextlib
import errno
import logging
from collections.abc import Iterable

from labctl import names
from labctl.errors import LabError, NetError
from labctl.net import encode, nft, sysctl, veth
from labctl.net.apply import apply
from labctl.net.diff import diff
from labctl.net.effects import carry_out
from labctl.net.netlink import Netlink, Request
from labctl.net.nouns import Key, Link, Neighbor, NftTable, Noun, Sysctl
from labctl.net.observe import observe_like
from labctl.net.operations import Create, Delete, Operation
from labctl.net.state import NetState
from labctl.node.desired import desired
from labctl.node.domain import node_domain
from labctl.node.healing import Mended
from labctl.node.ipam import AddressPool, AddressTaken
from labctl.node.pod_namespaces import CableMissing
from labctl.node.pod_side import pod_interface
from labctl.node.pod_sides import PodSides
from labctl.node.ports import port_nouns
from labctl.node.snapshot import PodPort, Snapshot
from labctl.node.underlay import UNDERLAY_INTERFACE

_CABLE = ("link", UNDERLAY_INTERFACE)

_log = logging.getLogger(__name__)


class NetworkNotReady(LabError):
    """The node has no podCIDR yet, or its network could not be set up."""


class Network:
    """The network of one node; `netlink` is a socket in the node's namespace."""

    def __init__(self, node: str, netlink: Netlink) -> None:
        self.node = node
        self.problem = "the lab is not known yet"
        self.sides = PodSides(node)
        self.netlink = netlink
        self._snapshot: Snapshot | None = None
        self._addresses: AddressPool | None = None
        self._ports: dict[str, PodPort] = {}
        self._dying: tuple[PodPort, ...] = ()
        self._wanted: dict[Key, Noun] = {}
        self._known: dict[Key, Noun] | None = None

    @property
    def ready(self) -> bool:
        """Whether pods can be attached."""
        return not self.problem

    @property
    def known(self) -> NetState:
        return NetState((self._known or {}).values())

    def known_of(self, keys: Iterable[Key]) -> NetState:
        """What is known of some things, at the cost of those only."""
        known = self._known or {}
        return NetState(known[key] for key in keys if key in known)

    def known_settings(self) -> frozenset[Sysctl]:
        return frozenset(n for n in (self._known or {}).values() if isinstance(n, Sysctl))

    def tables_are_right(self) -> bool:
        """Whether labctl's nftables are what they are known to be."""
        known = {noun for noun in (self._known or {}).values() if isinstance(noun, NftTable)}
        with self.netlink.inside():
            return self._known is None or known == set(nft.observe_tables())

    @property
    def wanted(self) -> NetState:
        return NetState(self._wanted.values())

    def take_address(self, sandbox: str) -> str:
        """An address for a sandbox. Raises NetworkNotReady, NoFreeAddress."""
        return self._pool().take(sandbox)

    def release_address(self, sandbox: str) -> None:
        if self._addresses is not None:
            self._addresses.release(sandbox)

    def release_pod(self, uid: str) -> None:
        """Frees what sandboxes of a pod may have that were asked for and never seen."""
        if self._addresses is not None:
            self._addresses.release_pod(uid)

    def adopt(self, ports: Iterable[PodPort], dying: Iterable[PodPort] = ()) -> None:
        """Takes over the ports of sandboxes that run already; the next `update` mends them.

        The addresses of `dying` ones are not free yet.
        """
        for port in ports:
            self._ports[port.sandbox] = port
            self.sides.put(port)
        self._dying = tuple(dying)
        self._known = None

    def update(self, snapshot: Snapshot) -> tuple[Operation, ...]:
        """Follows the cluster as it is now; returns what was done. Raises NetError.

        The first time, and after a failure, the kernel is observed. The node has a podCIDR.
        """
        self._snapshot = snapshot
        self.sides.follow(snapshot)
        self._open_pool(snapshot.node(self.node).pod_cidr)
        wanted = desired(snapshot.with_ports(self._ports.values()), self.node)
        self._wanted = dict(wanted.by_key)
        first = self._known is None
        known = self._observe() if first else self.known
        done = self._carry_out(diff(known, wanted), known)
        ports = self._ports.values() if first else self._touched(done)
        for one in (*map(self._mended, done), *self._converge_pods(ports)):
            _log.info("%s%s", one.place, one.operation.describe())
        self.problem = ""
        return done

    def heal(self) -> tuple[Mended, ...]:
        """Observes, and mends what is not as it should be; returns what was done.

        With a port goes the pod's side of it. Raises NetError.
        """
        observed = self._observe()
        done = self._carry_out(diff(observed, self.wanted), observed)
        return (*map(self._mended, done), *self._converge_pods(self._touched(done)))

    def heal_pod(self, port: PodPort) -> tuple[Mended, ...]:
        """The same for a pod's own namespace. A cable that it lost is made anew from here."""
        try:
            done = self.sides.converge(port)
        except CableMissing:
            veth.delete_port(self.netlink, port.link)  # its other end has another name, or place
            return self.heal()
        return tuple(Mended(one, port, inside=True) for one in done)

    # Ports of single pods: the path that must be quick.

    def attach(self, port: PodPort) -> None:
        """Puts a sandbox on the network: both ends, addresses, neighbours.

        What is there already, half or whole, is completed. Raises NetError, NetworkNotReady.
        """
        self._pool().reserve(port.address, port.sandbox)
        snapshot = self._require_snapshot()
        link, *rest = port_nouns(port, snapshot.pod_mtu)
        self._ports[port.sandbox] = port
        self.sides.put(port)
        self._wanted |= {noun.key: noun for noun in (link, *rest)}
        try:
            self._plug(port, link, rest)
        except NetError as error:
            if error.errno != errno.EEXIST:
                raise
            self.heal()
            self.heal_pod(port)
        self._follow_mappings(port)

    def _follow_mappings(self, port: PodPort) -> None:
        """Ports of the node are one table for all pods: it is made anew for those that have any."""
        if port.mappings:
            self.update(self._require_snapshot())

    def _plug(self, port: PodPort, link: Noun, rest: Iterable[Noun]) -> None:
        assert isinstance(link, Link)
        interface = pod_interface(self._require_snapshot(), self.node, port)
        with self.sides.opened(port) as descriptor:
            veth.create_veth(self.netlink, link, descriptor)
            self.netlink.send([one for noun in rest for one in self._requests(Create(noun))])
            if self._known is not None:
                self._known |= {noun.key: noun for noun in (link, *rest)}
            with Netlink.at(descriptor) as inside:
                veth.configure_pod(inside, interface)
        veth.await_port(self.netlink, link)

    def detach(self, port: PodPort) -> bool:
        """Takes a sandbox off the network: nothing passes its port from now on.

        The link itself goes with the sandbox's namespace; False means that it is gone already.
        Raises NetError.
        """
        self._ports.pop(port.sandbox, None)
        self.sides.drop(port)
        found = self._unplug(port)
        link, *rest = port_nouns(port, 0)
        # An old sandbox's address may be another pod's by now: then it is not the same noun.
        own = [noun for noun in rest if self._wanted.get(noun.key, noun) == noun]
        self.netlink.send([one for noun in own for one in self._requests(Delete(noun))])
        for noun in (link, *own):
            self._wanted.pop(noun.key, None)
            if self._known is not None:
                self._known.pop(noun.key, None)
        self._follow_mappings(port)
        return found

    def _unplug(self, port: PodPort) -> bool:
        try:
            veth.set_port(self.netlink, port.link, up=False)
        except NetError as error:
            if error.errno != errno.ENODEV:
                raise
            return False
        return True

    def delete_port(self, port: PodPort) -> None:
        """Deletes a port whose namespace somebody else keeps alive. Raises NetError."""
        veth.delete_port(self.netlink, port.link)

    def has_link(self, name: str) -> bool:
        """Asks the kernel, not what is known."""
        self.netlink.forget()
        try:
            self.netlink.index(name)
        except NetError:
            return False
        return True

    def is_attached(self, port: PodPort) -> bool:
        """Whether the port is known to be in place."""
        return self._known is not None and ("link", port.link) in self._known

    # What the above has in common.

    def _observe(self) -> NetState:
        wanted = self.wanted
        observed = observe_like(self.netlink, wanted)
        return node_domain(observed, wanted, self._require_snapshot())

    def _carry_out(self, operations: Iterable[Operation], known: NetState) -> tuple[Operation, ...]:
        """Does what can be done; until it is done, nothing is known for sure."""
        feasible = tuple(one for one in operations if self._is_feasible(one, known))
        self._known = None
        apply(self.netlink, feasible)
        working = dict(known.by_key)
        for operation in feasible:
            carry_out(working, operation)
        self._known = working
        return feasible

    def _is_feasible(self, operation: Operation, known: NetState) -> bool:
        """A cable is made from its other end, a port only to a pod that lives, and so on."""
        noun = operation.noun
        if noun.interface in {UNDERLAY_INTERFACE, names.VXLAN_DEVICE}:  # the second needs the first
            return known.get(_CABLE) is not None
        if isinstance(operation, Create) and isinstance(noun, Link) and noun.peer:
            port = self.sides.port(noun.name)
            return port is not None and self.sides.is_there(port)
        if isinstance(noun, Sysctl) and noun.name.startswith("net.bridge."):
            return sysctl.read(noun.name) is not None  # br_netfilter is not loaded
        return True

    def _touched(self, done: Iterable[Operation]) -> list[PodPort]:
        """The ports of which the link was made or changed."""
        found = (self.sides.port(one.noun.name) for one in done if isinstance(one.noun, Link))
        return [port for port in found if port is not None]

    def _mended(self, operation: Operation) -> Mended:
        """An operation on the node, with the port that it is about."""
        match operation.noun:
            case Link(name=link):
                return Mended(operation, self.sides.port(link))
            case Neighbor(interface=names.BRIDGE, mac=mac):
                found = (port for port in self._ports.values() if port.mac == mac)
                return Mended(operation, next(found, None))
        return Mended(operation)

    def _converge_pods(self, ports: Iterable[PodPort]) -> list[Mended]:
        done: list[Mended] = []
        for port in ports:
            try:
                done += (Mended(one, port, inside=True) for one in self.sides.converge(port))
            except NetError as error:  # it may be dying; its next sandbox gets a network anew
                _log.warning("%s/%s: %s", port.namespace, port.pod, error.message)
        return done

    def _requests(self, operation: Operation) -> list[Request]:
        return encode.requests(operation, self.netlink.index)

    def _require_snapshot(self) -> Snapshot:
        if self._snapshot is None:
            raise NetworkNotReady(f"network is not ready: {self.problem}")
        return self._snapshot

    def _open_pool(self, pod_cidr: str) -> None:
        """The pool of addresses, less what sandboxes have already; a podCIDR never changes."""
        if self._addresses is None:
            self._addresses = AddressPool(pod_cidr)
            for port in (*self._ports.values(), *self._dying):
                with contextlib.suppress(AddressTaken):  # an old sandbox's is another's by now
                    self._addresses.reserve(port.address, port.sandbox)

    def _pool(self) -> AddressPool:
        if self._addresses is None:
            raise NetworkNotReady(f"network is not ready: {self.problem}")
        return self._addresses
