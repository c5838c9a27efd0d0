"""What plugins are given: the configurations of a list, for a node and for one call. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Config = dict[str, Any]

USE_POD_CIDR = "usePodCidr"

# Reference plugins that keep files, in one place on the host unless told where; but a node is a
# machine of its own, and what it kept goes with the lab.
_KEEPERS = ("tuning", "flannel")
_IPAM_KEEPERS = ("host-local",)

# Reference plugins that make links as large as Ethernet's unless told how large; flannel's plugin
# tells its delegate in the same way.
_LINK_MAKERS = ("bridge", "ptp")

_PREV_RESULT_ON_DELETE = _CHECK = (0, 4, 0)
_GC = _STATUS = (1, 1, 0)


@dataclass(frozen=True, slots=True)
class Node:
    """What a configuration can take from the node on which it is carried out."""

    pod_cidr: str
    pod_mtu: int
    data_dir: str  # where the node's plugins may keep files


@dataclass(frozen=True)
class Attachment:
    """A sandbox on a network, as plugins are told of it.

    `capabilities` has what the runtime can say of the sandbox by the names of the conventions
    (portMappings, bandwidth, …); a plugin is told what it declares.
    """

    container_id: str
    netns: str
    interface: str = "eth0"
    args: tuple[tuple[str, str], ...] = ()
    capabilities: Mapping[str, Any] | None = None


def on_node(conflist: Mapping[str, Any], node: Node) -> Config:
    """The list with what its author left to the node: subnets, sizes, places for files."""
    return {**conflist, "plugins": [_plugin_on_node(one, node) for one in conflist["plugins"]]}


def _plugin_on_node(plugin: Mapping[str, Any], node: Node) -> Config:
    found = dict(plugin)
    name = plugin["type"]
    if plugin.get("ipam"):
        found["ipam"] = _ipam_on_node(plugin["ipam"], node)
    if name in _LINK_MAKERS:
        found.setdefault("mtu", node.pod_mtu)
    if name in _KEEPERS:
        found.setdefault("dataDir", f"{node.data_dir}/{name}")
    return found


def _ipam_on_node(ipam: Mapping[str, Any], node: Node) -> Config:
    found = _with_subnet(ipam, node.pod_cidr)
    if isinstance(ipam.get("ranges"), list):
        found["ranges"] = [_range_on_node(one, node) for one in ipam["ranges"]]
    if ipam.get("type") in _IPAM_KEEPERS:
        found.setdefault("dataDir", f"{node.data_dir}/networks")
    return found


def _range_on_node(ranges: Any, node: Node) -> Any:
    """A set of ranges, as host-local has them; what is none is the plugin's to complain about."""
    if not isinstance(ranges, list):
        return ranges
    return [_with_subnet(one, node.pod_cidr) if isinstance(one, Mapping) else one for one in ranges]


def _with_subnet(block: Mapping[str, Any], pod_cidr: str) -> Config:
    found = dict(block)
    if block.get("subnet") == USE_POD_CIDR:
        found["subnet"] = pod_cidr
    return found


def plugin_config(
    conflist: Mapping[str, Any],
    plugin: Mapping[str, Any],
    version: str,
    *,
    capabilities: Mapping[str, Any] | None = None,
    previous: Mapping[str, Any] | None = None,
    valid: Iterable[Attachment] | None = None,
) -> Config:
    """What one plugin reads on its standard input.

    `capabilities` are cut down to those that the plugin declares; `previous` is a result, `valid`
    the attachments that GC must leave.
    """
    config = {key: value for key, value in plugin.items() if key != "capabilities"}
    config |= {"cniVersion": version, "name": conflist["name"]}
    told = _declared(plugin, capabilities or {})
    if told:
        config["runtimeConfig"] = told
    if previous is not None:
        config["prevResult"] = dict(previous)
    if valid is not None:
        config["cni.dev/valid-attachments"] = [
            {"containerID": one.container_id, "ifname": one.interface} for one in valid
        ]
    return config


def _declared(plugin: Mapping[str, Any], capabilities: Mapping[str, Any]) -> Config:
    declared = plugin.get("capabilities") or {}
    return {key: value for key, value in capabilities.items() if declared.get(key) is True}


def environment(
    command: str, directories: Iterable[str], attachment: Attachment | None = None
) -> dict[str, str]:
    """The variables of a call; GC, STATUS and VERSION are about no sandbox."""
    variables = {"CNI_COMMAND": command, "CNI_PATH": ":".join(directories)}
    if attachment is None:
        return variables
    return {
        **variables,
        "CNI_CONTAINERID": attachment.container_id,
        "CNI_NETNS": attachment.netns,
        "CNI_IFNAME": attachment.interface,
        "CNI_ARGS": ";".join(f"{key}={value}" for key, value in attachment.args),
    }


def checks(conflist: Mapping[str, Any], version: str) -> bool:
    """Whether CHECK may be called."""
    disabled = str(conflist.get("disableCheck", False)).lower() == "true"
    return not disabled and numbers(version) >= _CHECK


def collects(conflist: Mapping[str, Any], version: str) -> bool:
    """Whether GC may be called."""
    disabled = str(conflist.get("disableGC", False)).lower() == "true"
    return not disabled and numbers(version) >= _GC


def tells_status(version: str) -> bool:
    return numbers(version) >= _STATUS


def remembers_on_delete(version: str) -> bool:
    """Whether DEL is given the result of ADD."""
    return numbers(version) >= _PREV_RESULT_ON_DELETE


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
