"""Reading a Lab object that a person wrote: every rule, each error with the field's path."""

from collections.abc import Callable, Mapping
from ipaddress import IPv4Network
from typing import Any

from labctl import names
from labctl.api.causes import type_name
from labctl.api.fields import FieldError, Path
from labctl.api.lab import checks
from labctl.api.lab import spec as lab
from labctl.api.lab.cni import parse_cni
from labctl.api.lab.spec import LabSpec, NetworkSpec, NodeSpec, Taint, Times
from labctl.api.lab.store import read_store
from labctl.api.objects import Obj

_MIN_SERVICE_PREFIX = 12  # as kube-apiserver: its allocator covers 20 bits
_MAX_SERVICE_PREFIX = 28  # .1 and .10 are reserved, and something must be left
_NODES: Path = ("spec", "nodes")


def parse_lab(obj: Any, name: str | None = None) -> LabSpec:
    """The lab that a Lab object describes; `name` wins over metadata.name.

    Raises FieldError (a BadInput) for the first field that is wrong; unknown fields are wrong too.
    """
    members = checks.members(obj, (), ("apiVersion", "kind", "metadata", "spec"))
    _check_type(members)
    metadata = checks.members(
        members.get("metadata"), ("metadata",), ("name", "labels", "annotations")
    )
    known = ("nodes", "network", "times", "store", "images")
    spec = checks.members(members.get("spec"), ("spec",), known)
    network = _network(spec.get("network"))
    nodes = _nodes(spec.get("nodes"))
    _check_room(network, len(nodes))
    times, store = _times(spec.get("times")), read_store(spec.get("store"))
    images = checks.choice(spec.get("images") or lab.LENIENT, ("spec", "images"), lab.IMAGES)
    return LabSpec(_lab_name(metadata, name), nodes, network, times, store, images)


def _check_type(members: Mapping[str, Any]) -> None:
    if members.get("apiVersion") != lab.LAB_API_VERSION:
        raise FieldError(("apiVersion",), f"must be {lab.LAB_API_VERSION}")
    if members.get("kind") != lab.LAB_KIND:
        raise FieldError(("kind",), f"must be {lab.LAB_KIND}")


def check_lab_name(name: Any, path: Path = ("metadata", "name")) -> str:
    """A lab's name: a DNS label of at most 20 characters, since processes and files carry it."""
    text = checks.label(name, path, lab.MAX_NAME)
    if len(text) > lab.MAX_NAME:
        raise FieldError(path, f"{text!r} is longer than {lab.MAX_NAME} characters")
    return text


def _lab_name(metadata: Obj, name: str | None) -> str:
    written = check_lab_name(metadata.get("name", lab.DEFAULT_NAME))  # wrong is wrong, used or not
    return written if name is None else check_lab_name(name)


def _nodes(value: Any) -> tuple[NodeSpec, ...]:
    if value is None:
        return lab.numbered_nodes(lab.DEFAULT_NODES)
    if isinstance(value, list):
        return _listed_nodes(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise FieldError(_NODES, f"must be an integer or a list, not {type_name(value)}")
    check_node_count(value)
    return lab.numbered_nodes(value)


def check_node_count(count: int) -> None:
    """Before a list of so many is made."""
    if not 1 <= count <= lab.MAX_NODES:
        raise FieldError(_NODES, f"{count} nodes: a lab has 1 to {lab.MAX_NODES}")


def _listed_nodes(value: list[Any]) -> tuple[NodeSpec, ...]:
    check_node_count(len(value))
    nodes = tuple(_node(entry, (*_NODES, index)) for index, entry in enumerate(value))
    seen: dict[str, int] = {}
    for index, node in enumerate(nodes):
        if node.name in seen:
            raise FieldError(
                (*_NODES, index, "name"),
                f"{node.name!r} is already the name of spec.nodes[{seen[node.name]}]",
            )
        seen[node.name] = index
    return nodes


def _node(entry: Any, path: Path) -> NodeSpec:
    members = checks.members(entry, path, ("name", "labels", "taints"))
    if members.get("name") is None:
        raise FieldError((*path, "name"), "is required")
    name = checks.label(members["name"], (*path, "name"))
    labels = _labels(members.get("labels"), (*path, "labels"))
    return NodeSpec(name, labels, _taints(members.get("taints"), (*path, "taints")))


def _labels(value: Any, path: Path) -> tuple[tuple[str, str], ...]:
    if value is None:
        return ()
    if not isinstance(value, dict):
        raise FieldError(path, f"must be a mapping, not {type_name(value)}")
    for key, label in value.items():
        checks.matching(key, path, checks.LABEL_KEY, "a label's key")
        checks.matching(label, (*path, key), checks.LABEL_VALUE, "a label's value")
    return tuple(sorted(value.items()))


def _taints(value: Any, path: Path) -> tuple[Taint, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise FieldError(path, f"must be a list, not {type_name(value)}")
    return tuple(_taint(entry, (*path, index)) for index, entry in enumerate(value))


def _taint(entry: Any, path: Path) -> Taint:
    members = checks.members(entry, path, ("key", "value", "effect"))
    for needed in ("key", "effect"):
        if members.get(needed) is None:
            raise FieldError((*path, needed), "is required")
    return Taint(
        checks.matching(members["key"], (*path, "key"), checks.LABEL_KEY, "a taint's key"),
        checks.matching(
            members.get("value") or "", (*path, "value"), checks.LABEL_VALUE, "a taint's value"
        ),
        checks.choice(members["effect"], (*path, "effect"), lab.TAINT_EFFECTS),
    )


_DEFAULT_NETWORK = NetworkSpec()
_DEFAULT_TIMES = Times()
_TIMES = (
    "heartbeatSeconds",
    "graceSeconds",
    "evictionSeconds",
    "crashBackoffSeconds",
    "crashBackoffLimitSeconds",
)


def _network(value: Any) -> NetworkSpec:
    path: Path = ("spec", "network")
    known = ("backend", "podCIDR", "serviceCIDR", "mtu", "healing", "cni")
    members, default = checks.members(value, path, known), _DEFAULT_NETWORK

    def read(name: str, fallback: Any, check: Callable[..., Any], *limits: Any) -> Any:
        given = members.get(name)
        return check(fallback if given is None else given, (*path, name), *limits)

    backend = read("backend", default.backend, checks.choice, lab.BACKENDS)
    overhead = lab.VXLAN_OVERHEAD if backend == "vxlan" else 0
    network = NetworkSpec(
        backend=backend,
        pod_cidr=read("podCIDR", default.pod_cidr, checks.cidr),
        service_cidr=read("serviceCIDR", default.service_cidr, checks.cidr),
        mtu=read("mtu", default.mtu, checks.integer, lab.MIN_MTU + overhead, lab.MAX_MTU),
        healing=read("healing", default.healing, checks.boolean),
        cni=parse_cni(members.get("cni"), (*path, "cni")),
    )
    _check_cidrs(network, path)
    return network


def _check_cidrs(network: NetworkSpec, path: Path) -> None:
    pods, services = IPv4Network(network.pod_cidr), IPv4Network(network.service_cidr)
    taken = {
        "the underlay": IPv4Network(names.UNDERLAY_CIDR),
        "the network of outside": IPv4Network(names.OUTSIDE_CIDR),
    }
    _check_apart(pods, taken, (*path, "podCIDR"))
    _check_apart(services, {**taken, "podCIDR": pods}, (*path, "serviceCIDR"))
    if not _MIN_SERVICE_PREFIX <= services.prefixlen <= _MAX_SERVICE_PREFIX:
        raise FieldError(
            (*path, "serviceCIDR"),
            f"{services}: the prefix must be /{_MIN_SERVICE_PREFIX} to /{_MAX_SERVICE_PREFIX}",
        )


def _check_apart(network: IPv4Network, taken: Mapping[str, IPv4Network], path: Path) -> None:
    for owner, other in taken.items():
        if network.overlaps(other):
            raise FieldError(path, f"{network} overlaps {owner} ({other})")


def _check_room(network: NetworkSpec, nodes: int) -> None:
    pods = IPv4Network(network.pod_cidr)
    room = 2 ** (lab.NODE_PREFIX - pods.prefixlen) if pods.prefixlen <= lab.NODE_PREFIX else 0
    if room < nodes:
        raise FieldError(
            ("spec", "network", "podCIDR"),
            f"{pods} has room for {room} nodes of a /{lab.NODE_PREFIX} each, and there are {nodes}",
        )


def _times(value: Any) -> Times:
    path: Path = ("spec", "times")
    members, default = checks.members(value, path, _TIMES), _DEFAULT_TIMES

    def read(name: str, fallback: float, limits: tuple[float, float]) -> float:
        given = members.get(name)
        return checks.seconds(fallback if given is None else given, (*path, name), *limits)

    heartbeat = read("heartbeatSeconds", default.heartbeat_seconds, lab.HEARTBEAT_LIMITS)
    grace = read("graceSeconds", default.grace_seconds, lab.GRACE_LIMITS)
    eviction = read("evictionSeconds", default.eviction_seconds, lab.EVICTION_LIMITS)
    if grace <= heartbeat:
        raise FieldError(
            (*path, "graceSeconds"), f"{grace:g} must be more than heartbeatSeconds ({heartbeat:g})"
        )
    if eviction != int(eviction):
        raise FieldError((*path, "evictionSeconds"), "must be whole seconds, as tolerations are")
    limits = lab.CRASH_BACKOFF_LIMITS
    return Times(
        heartbeat,
        grace,
        int(eviction),
        read("crashBackoffSeconds", default.crash_backoff_seconds, limits),
        read("crashBackoffLimitSeconds", default.crash_backoff_limit_seconds, limits),
    )
