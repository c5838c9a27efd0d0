"""A machine's cable, pulled out and put back in: its switch port set down and up.

The node sees what it would see of real hardware: `eth0` without carrier, routes still there.
"""

from labctl import names
from labctl.api.lab import LabSpec
from labctl.fabric.topology import port_of
from labctl.net.namespaces import netns_path
from labctl.net.netlink import Netlink
from labctl.net.veth import set_port


def cut(spec: LabSpec, machine: str) -> None:
    """Pulls the cable of a node, or of "control-plane"; out already is no error.

    Raises NetError if there is no such machine.
    """
    _set(spec, machine, up=False)


def mend(spec: LabSpec, machine: str) -> None:
    """Puts it back in; in already is no error. Raises NetError if there is no such machine."""
    _set(spec, machine, up=True)


def _set(spec: LabSpec, machine: str, *, up: bool) -> None:
    with Netlink.at(netns_path(names.fabric_netns(spec.name))) as netlink:
        set_port(netlink, port_of(spec, machine), up=up)
