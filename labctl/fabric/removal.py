"""Taking a fabric away, and knowing when it is gone.

Pins are dropped and the kernel takes the namespaces, with all links in them, in the background:
that is a hundred times quicker than deleting links. A cable has two ends, so the end of one
namespace is seen in another: the nodes' in the fabric, the fabric's in outside. Each of the two is
held open until what hangs on it was seen going. Processes of the lab must have ended before.

A namespace can outlive its processes: TCP holds it while it goes on sending what a dead process
left for a peer whose cable is cut, so such connections are ended; a user's own shell or tcpdump
holds it as long as it likes. Its cable is deleted then; nobody can reach it any more, and the
kernel takes it when it is let go.
"""

import contextlib
import select
import time

from labctl import names
from labctl.errors import NetError
from labctl.fabric.topology import OUTSIDE_PORT
from labctl.net import namespaces
from labctl.net.monitor import Change, Monitor
from labctl.net.neighbors import forget_learned
from labctl.net.netlink import Netlink
from labctl.net.nouns import Link
from labctl.net.observe import observe
from labctl.net.orphans import end_orphans
from labctl.net.veth import delete_port

_SILENCE_SECONDS = 0.5  # without a link going: those that are left do not go by themselves


def remove(lab: str, seconds: float = 20.0) -> None:
    """Drops all pins of a lab and returns when its links are gone; no such lab is no error.

    Pins of that name that somebody else made stay.

    Raises NetError when `seconds` have passed, naming the links that are left.
    """
    deadline = time.monotonic() + seconds
    fabric, outside = names.fabric_netns(lab), names.outside_netns(lab)
    pins = namespaces.pinned(names.netns_prefix(lab))
    for name in pins:
        if name not in {fabric, outside}:
            _drop(name)
    for name, kept in ((fabric, frozenset({OUTSIDE_PORT})), (outside, frozenset[str]())):
        if name in pins:
            _drop_after_links(name, kept, deadline)


def _drop_after_links(netns: str, kept: frozenset[str], deadline: float) -> None:
    """Waits until no cable ends in `netns`, but for those `kept`, and drops its pin."""
    path = namespaces.netns_path(netns)
    if namespaces.is_netns(path):
        with Monitor.at(path) as monitor, Netlink.at(path) as netlink:
            _see_off(_cables(netlink) - kept, monitor, netlink, deadline)
    _drop(netns)


def _drop(netns: str) -> None:
    """Drops a pin; what dead processes may still have sent, and not delivered, is given up before."""
    path = namespaces.netns_path(netns)
    with contextlib.suppress(NetError), Netlink.at(path) as netlink:
        end_orphans(netlink)
        forget_learned(netlink)
    namespaces.delete_netns(netns)


def _cables(netlink: Netlink) -> set[str]:
    """The names of the cables that end in the namespace of `netlink`."""
    links = (noun for noun in observe(netlink) if isinstance(noun, Link))
    return {link.name for link in links if link.kind == "veth"}


def _see_off(left: set[str], monitor: Monitor, netlink: Netlink, deadline: float) -> None:
    """`left` was observed after `monitor` had begun to listen, so no end is missed."""
    while left:
        if time.monotonic() > deadline:
            raise NetError(f"still there: {', '.join(sorted(left))}")
        if not select.select([monitor], [], [], _SILENCE_SECONDS)[0]:
            for name in left:
                delete_port(netlink, name)
            left &= _cables(netlink)
        for event in monitor.events():
            if isinstance(event, Change) and event.gone and isinstance(event.noun, Link):
                left.discard(event.noun.name)
