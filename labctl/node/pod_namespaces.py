"""The pods' own namespaces, entered for one operation each and never held on to.

A descriptor that stays open would keep a dead pod's namespace, and its address, alive.
"""

import contextlib
import errno
import os
from collections.abc import Iterable, Iterator

from labctl.errors import NetError
from labctl.net.apply import apply
from labctl.net.diff import diff
from labctl.net.netlink import Netlink
from labctl.net.nouns import LOOPBACK
from labctl.net.observe import observe_like
from labctl.net.operations import Create, Delete, Operation
from labctl.net.state import NetState
from labctl.node.domain import pod_domain
from labctl.node.ports import POD_INTERFACE
from labctl.node.snapshot import PodPort

_OWN_NETNS = "/proc/self/ns/net"


class PodNamespaces:
    """Opens pods' namespaces by the paths that the runtime told.

    A path leads through a process id, which the kernel gives to another process one day; so the
    namespace's inode is remembered from the first time and compared ever after.
    """

    def __init__(self) -> None:
        self._inodes: dict[str, int] = {}

    @contextlib.contextmanager
    def opened(self, port: PodPort) -> Iterator[int]:
        """A descriptor of the sandbox's namespace; raises NetError (ENOENT) if it is gone."""
        try:
            descriptor = os.open(port.netns, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise _gone(port) from error
        try:
            inode = os.fstat(descriptor).st_ino
            known = self._inodes.setdefault(port.sandbox, inode)
            if inode != known or inode == os.stat(_OWN_NETNS).st_ino:
                raise _gone(port)
            yield descriptor
        finally:
            os.close(descriptor)

    def is_there(self, port: PodPort) -> bool:
        try:
            with self.opened(port):
                return True
        except NetError:
            return False

    def forget(self, port: PodPort) -> None:
        self._inodes.pop(port.sandbox, None)


def set_up_loopback(netns: str) -> int:
    """Sets `lo` up in a namespace that nobody else has configured; returns its inode.

    Raises NetError, also when the path leads to the caller's own.
    """
    try:
        descriptor = os.open(netns, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise NetError(f"open {netns}: {error.strerror}", error.errno or 0) from error
    try:
        inode = os.fstat(descriptor).st_ino
        if inode == os.stat(_OWN_NETNS).st_ino:
            raise NetError(f"{netns} is the node's own namespace", errno.ENOENT)
        with Netlink.at(descriptor) as netlink:
            apply(netlink, [Create(LOOPBACK)])
    finally:
        os.close(descriptor)
    return inode


def converge(netlink: Netlink, wanted: NetState) -> tuple[Operation, ...]:
    """Brings the pod's namespace behind `netlink` to `wanted`; returns what that took.

    Raises NetError; CableMissing when there is no `eth0`, which cannot be made from inside. What is
    in its place is taken away then.
    """
    operations = pod_operations(netlink, wanted)
    if lacks_cable(operations):
        apply(netlink, [one for one in operations if one == Delete(one.noun) and is_cable(one)])
        raise CableMissing(f"there is no {POD_INTERFACE}")
    apply(netlink, operations)
    return operations


def pod_operations(netlink: Netlink, wanted: NetState) -> tuple[Operation, ...]:
    """What would bring the pod's namespace behind `netlink` to `wanted`."""
    return diff(pod_domain(observe_like(netlink, wanted), wanted), wanted)


def lacks_cable(operations: Iterable[Operation]) -> bool:
    return any(one == Create(one.noun) and is_cable(one) for one in operations)


def is_cable(operation: Operation) -> bool:
    return operation.noun.key == ("link", POD_INTERFACE)


class CableMissing(NetError):
    """A pod's namespace has no `eth0`."""


def _gone(port: PodPort) -> NetError:
    pod = f"{port.namespace}/{port.pod}"
    return NetError(f"the network namespace of {pod} ({port.netns}) is gone", errno.ENOENT)
