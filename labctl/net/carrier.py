"""When a new cable can be used: that is a moment after its second end went up.

The kernel does the last step in the background (linkwatch): until then the first end drops what is
sent, and its bridge does not forward to it. Kernels since 6.8 do that step at once for a link that
is asked about alone (rtnl_getlink), so here the asking is also the remedy; older ones are waited
for. Without this one of twenty cables loses its first packet.
"""

import select
import time
from collections.abc import Iterable

from labctl.errors import NetError
from labctl.net import wire
from labctl.net.monitor import LinkMonitor
from labctl.net.netlink import Netlink, link_query

_IFINFOMSG_SIZE = 16
_IFLA_OPERSTATE = 16
_USABLE = {b"\0", b"\6"}  # IF_OPER_UNKNOWN (of links that cannot tell) and IF_OPER_UP
_BATCH = 50


def wait_for_carrier(netlink: Netlink, names: Iterable[str], seconds: float = 2.0) -> None:
    """Returns when all links `names` carry packets: ports first, then the bridge that they are in.

    Raises NetError, naming those that do not after `seconds`, or are not there.
    """
    waiting = _unusable(netlink, list(names))
    if not waiting:
        return
    deadline = time.monotonic() + seconds
    with netlink.inside():
        monitor = LinkMonitor.here()
    with monitor:
        while waiting := _unusable(netlink, waiting):
            patience = deadline - time.monotonic()
            if patience <= 0 or not select.select([monitor], [], [], patience)[0]:
                raise NetError(f"no carrier: {', '.join(waiting)}")
            monitor.changed()


def _unusable(netlink: Netlink, names: list[str]) -> list[str]:
    return [
        name
        for start in range(0, len(names), _BATCH)
        for name in _unusable_of(netlink, names[start : start + _BATCH])
    ]


def _unusable_of(netlink: Netlink, names: list[str]) -> list[str]:
    answers = netlink.query([link_query(name) for name in names])
    return [name for name, frame in zip(names, answers, strict=True) if not _usable(frame)]


def _usable(frame: wire.Frame) -> bool:
    if frame.kind == wire.NLMSG_ERROR:
        return False
    return wire.first(frame.body, _IFINFOMSG_SIZE, _IFLA_OPERSTATE) in _USABLE
