"""A node's cable, pulled out and put back in: its switch port set down and up.

The node sees what it would see of real hardware: `eth0` without carrier, routes still there.
"""

from labctl import names
from labctl.net.namespaces import netns_path
from labctl.net.netlink import Netlink
from labctl.net.veth import set_port


def cut(lab: str, node: str) -> None:
    """Pulls a node's cable; out already is no error. Raises NetError if there is no such node."""
    _set(lab, node, up=False)


def mend(lab: str, node: str) -> None:
    """Puts a node's cable back in; in already is no error. Raises NetError if there is no node."""
    _set(lab, node, up=True)


def _set(lab: str, node: str, *, up: bool) -> None:
    with Netlink.at(netns_path(names.fabric_netns(lab))) as netlink:
        set_port(netlink, names.port_name(node), up=up)
