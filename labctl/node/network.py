"""A node's network: what is wanted, what is known to be there, and how the second follows the first.

`update` takes a new snapshot of the cluster, `attach` and `detach` one pod's port; they change only
what their part asks for, against what is known, without a look at the kernel. `heal` looks: it
observes, and mends what differs. All of it is synchronous netlink, fractions of a millisecond.
"""

import contextlib
import errno
import logging
from collections.abc import Iterable

from labctl.errors import LabError, NetError
from labctl.net import encode, nft, sysctl, veth
from labctl.net.apply import apply
from labctl.net.diff import diff
from labctl.net.effects import carry_out
from labctl.net.netlink import Netlink, Request
from labctl.net.nouns import Key, Link, NftTable, Noun, Sysctl
from labctl.net.observe import observe_like
from labctl.net.operations import Create, Delete, Operation
from labctl.net.state import NetState
from labctl.node.desired import desired
from labctl.node.domain import node_domain
from labctl.node.ipam import AddressPool, AddressTaken
from labctl.node.pod_namespaces import PodNamespaces
from labctl.node.pod_side import desired_pod, pod_interface
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
        self._netlink = netlink
        self._namespaces = PodNamespaces()
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
        with self._netlink.inside():
            return self._known is None or known == set(nft.observe_tables())

    def open_settings(self, names: Iterable[str]) -> sysctl.SysctlFiles:
        """Settings of the node's namespace, to be read again and again; the caller closes them."""
        with self._netlink.inside():
            return sysctl.SysctlFiles(names)

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
        self._dying = tuple(dying)
        self._known = None

    def update(self, snapshot: Snapshot) -> tuple[Operation, ...]:
        """Follows the cluster as it is now; returns what was done. Raises NetError.

        The first time, and after a failure, the kernel is observed. The node has a podCIDR.
        """
        self._snapshot = snapshot
        self._open_pool(snapshot.node(self.node).pod_cidr)
        wanted = desired(snapshot.with_ports(self._ports.values()), self.node)
        self._wanted = dict(wanted.by_key)
        first = self._known is None
        known = self._observe() if first else self.known
        done = self._carry_out(diff(known, wanted), known)
        if first:
            self._converge_pods(self._ports.values())
        self.problem = ""
        return done

    def heal(self) -> tuple[Operation, ...]:
        """Observes, and mends what is not as it should be; returns what was done.

        Raises NetError.
        """
        observed = self._observe()
        return self._carry_out(diff(observed, self.wanted), observed)

    def heal_pods(self) -> tuple[Operation, ...]:
        """The same for the namespaces of all pods that have a port."""
        return self._converge_pods(self._ports.values())

    def heal_pod(self, port: PodPort) -> tuple[Operation, ...]:
        """The same for a pod's own namespace."""
        return self._namespaces.converge(port, self._desired_pod(port))

    # Ports of single pods: the path that must be quick.

    def attach(self, port: PodPort) -> None:
        """Puts a sandbox on the network: both ends, addresses, neighbours.

        What is there already, half or whole, is completed. Raises NetError, NetworkNotReady.
        """
        self._pool().reserve(port.address, port.sandbox)
        snapshot = self._require_snapshot()
        link, *rest = port_nouns(port, snapshot.pod_mtu)
        self._ports[port.sandbox] = port
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
        with self._namespaces.opened(port) as descriptor:
            veth.create_veth(self._netlink, link, descriptor)
            self._netlink.send([one for noun in rest for one in self._requests(Create(noun))])
            if self._known is not None:
                self._known |= {noun.key: noun for noun in (link, *rest)}
            with Netlink.at(descriptor) as inside:
                veth.configure_pod(inside, interface)
        veth.await_port(self._netlink, link)

    def detach(self, port: PodPort) -> bool:
        """Takes a sandbox off the network: nothing passes its port from now on.

        The link itself goes with the sandbox's namespace; False means that it is gone already.
        Raises NetError.
        """
        self._ports.pop(port.sandbox, None)
        self._namespaces.forget(port)
        found = self._unplug(port)
        link, *rest = port_nouns(port, 0)
        # An old sandbox's address may be another pod's by now: then it is not the same noun.
        own = [noun for noun in rest if self._wanted.get(noun.key, noun) == noun]
        self._netlink.send([one for noun in own for one in self._requests(Delete(noun))])
        for noun in (link, *own):
            self._wanted.pop(noun.key, None)
            if self._known is not None:
                self._known.pop(noun.key, None)
        self._follow_mappings(port)
        return found

    def _unplug(self, port: PodPort) -> bool:
        try:
            veth.set_port(self._netlink, port.link, up=False)
        except NetError as error:
            if error.errno != errno.ENODEV:
                raise
            return False
        return True

    def delete_port(self, port: PodPort) -> None:
        """Deletes a port whose namespace somebody else keeps alive. Raises NetError."""
        veth.delete_port(self._netlink, port.link)

    def has_link(self, name: str) -> bool:
        """Asks the kernel, not what is known."""
        self._netlink.forget()
        try:
            self._netlink.index(name)
        except NetError:
            return False
        return True

    def is_attached(self, port: PodPort) -> bool:
        """Whether the port is known to be in place."""
        return self._known is not None and ("link", port.link) in self._known

    # What the above has in common.

    def _observe(self) -> NetState:
        wanted = self.wanted
        observed = observe_like(self._netlink, wanted)
        return node_domain(observed, wanted, self._require_snapshot())

    def _carry_out(self, operations: Iterable[Operation], known: NetState) -> tuple[Operation, ...]:
        """Does what can be done; until it is done, nothing is known for sure."""
        feasible = tuple(one for one in operations if self._is_feasible(one, known))
        self._known = None
        apply(self._netlink, feasible)
        working = dict(known.by_key)
        for operation in feasible:
            _log.info("%s", operation.describe())
            carry_out(working, operation)
        self._known = working
        touched = {one.noun.key for one in feasible if isinstance(one.noun, Link)}
        self._converge_pods(one for one in self._ports.values() if ("link", one.link) in touched)
        return feasible

    def _is_feasible(self, operation: Operation, known: NetState) -> bool:
        """A cable is made from its other end, a port only to a pod that lives, and so on."""
        noun = operation.noun
        if noun.interface == UNDERLAY_INTERFACE:
            return known.get(_CABLE) is not None
        if isinstance(operation, Create) and isinstance(noun, Link) and noun.peer:
            port = next(one for one in self._ports.values() if one.link == noun.name)
            return self._namespaces.is_there(port)
        if isinstance(noun, Sysctl) and noun.name.startswith("net.bridge."):
            return sysctl.read(noun.name) is not None  # br_netfilter is not loaded
        return True

    def _converge_pods(self, ports: Iterable[PodPort]) -> tuple[Operation, ...]:
        all_done: list[Operation] = []
        for port in ports:
            try:
                done = self.heal_pod(port)
            except NetError as error:  # it may be dying; its next sandbox gets a network anew
                _log.warning("%s/%s: %s", port.namespace, port.pod, error.message)
            else:
                all_done += done
                for operation in done:
                    _log.info("in pod %s/%s: %s", port.namespace, port.pod, operation.describe())
        return tuple(all_done)

    def _requests(self, operation: Operation) -> list[Request]:
        return encode.requests(operation, self._netlink.index)

    def _desired_pod(self, port: PodPort) -> NetState:
        return desired_pod(self._require_snapshot(), self.node, port)

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
