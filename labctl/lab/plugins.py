"""Whether the CNI plugins of a lab are on this host, asked before anything is touched."""

from labctl.api.lab import CniSpec
from labctl.cni.programs import find_program
from labctl.errors import HostCannot

# What Debian's package containernetworking-plugins has.
_REFERENCE = frozenset({
    "bandwidth", "bridge", "dhcp", "firewall", "host-device", "host-local", "ipvlan", "loopback",
    "macvlan", "portmap", "ptp", "sbr", "static", "tuning", "vlan", "vrf",
})  # fmt: skip


def require(cni: CniSpec) -> None:
    """Raises HostCannot when a program that the network's configuration names is not there."""
    for program in cni.programs:
        if find_program(program, cni.directories) is None:
            where = " or ".join(cni.directories)
            raise HostCannot(f'CNI plugin "{program}" is not in {where}', _hint(program))


def _hint(program: str) -> str:
    if program in _REFERENCE:
        return "sudo apt-get install -y containernetworking-plugins"
    return "put it there, or name its directory in spec.network.cni.binDir"
