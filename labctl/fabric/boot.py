"""A node's namespace as a machine has it that was just switched on: its end of the cable, no more."""

from labctl import names
from labctl.api.lab import LabSpec
from labctl.fabric.topology import desired_fabric
from labctl.net.apply import apply
from labctl.net.diff import diff
from labctl.net.namespaces import netns_path
from labctl.net.netlink import Netlink
from labctl.net.observe import observe_like


def boot(spec: LabSpec, node: str) -> None:
    """Takes away all that agents, plugins and people had set up there. Raises NetError.

    Whoever ran there has ended before.
    """
    netns = names.node_netns(spec.name, node)
    blank = desired_fabric(spec)[netns]
    with Netlink.at(netns_path(netns)) as netlink:
        apply(netlink, diff(observe_like(netlink, blank), blank))
