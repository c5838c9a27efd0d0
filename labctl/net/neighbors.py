"""Neighbours that never answered, and what waits for them.

A packet that waits for a neighbour's address holds its socket, and a socket holds its namespace,
for the three seconds in which the kernel asks: also when its process is long dead.
"""

from labctl.net import encode
from labctl.net.netlink import Netlink
from labctl.net.observe import learned_neighbors
from labctl.net.operations import Delete


def forget_learned(netlink: Netlink) -> None:
    """Drops every neighbour that is not permanent, with all that waits for it."""
    learned = learned_neighbors(netlink)
    netlink.send([r for noun in learned for r in encode.requests(Delete(noun), netlink.index)])
