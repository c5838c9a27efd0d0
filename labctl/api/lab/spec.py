"""The lab as a value: everything that the fabric, the agents and verify are computed from."""

from dataclasses import dataclass, field
from ipaddress import IPv4Network

from labctl import names
from labctl.api.lab.cni import CniSpec
from labctl.api.objects import Obj

LAB_API_VERSION = "labctl.io/v1alpha1"
LAB_KIND = "Lab"

DEFAULT_NAME = "lab"
DEFAULT_NODES = 3
MAX_NODES = 250  # node n has the address 172.30.1.0 + n
_NODES_AT = str(IPv4Network(names.UNDERLAY_CIDR)[256]).rpartition(".")[0]
MAX_NAME = 20
BACKENDS = ("host-gw", "vxlan")
STORES = ("sqlite", "etcd")
LENIENT, STRICT = IMAGES = ("lenient", "strict")
VXLAN_OVERHEAD = 50  # outer Ethernet, IPv4, UDP and VXLAN headers: 14 + 20 + 8 + 8
MIN_MTU = 576  # what every IPv4 host must take whole (RFC 791)
MAX_MTU = 9000
NODE_PREFIX = 24  # the podCIDR of one node
TAINT_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
HEARTBEAT_LIMITS = (0.1, 3600.0)  # seconds
GRACE_LIMITS = (0.5, 86400.0)
EVICTION_LIMITS = (0, 86400)
CRASH_BACKOFF_LIMITS = (0.1, 3600.0)


@dataclass(frozen=True)
class Taint:
    """A taint with which a node registers."""

    key: str
    value: str
    effect: str

    def object(self) -> Obj:
        """As it stands in a Node's `spec.taints`."""
        taint = {"key": self.key, "effect": self.effect}
        return {**taint, "value": self.value} if self.value else taint


@dataclass(frozen=True)
class NodeSpec:
    """A node and what it registers with."""

    name: str
    labels: tuple[tuple[str, str], ...] = ()
    taints: tuple[Taint, ...] = ()


@dataclass(frozen=True)
class NetworkSpec:
    """How pods of a lab reach each other."""

    backend: str = "host-gw"
    pod_cidr: str = "10.244.0.0/16"
    service_cidr: str = "10.96.0.0/16"
    mtu: int = 1500  # of the underlay, bytes
    healing: bool = True
    cni: CniSpec | None = None  # who puts pods on the network, if not labctl itself

    @property
    def pod_mtu(self) -> int:
        """The MTU of pods' interfaces: the underlay's, less what encapsulation adds."""
        return self.mtu - VXLAN_OVERHEAD if self.backend == "vxlan" else self.mtu


@dataclass(frozen=True)
class Times:
    """How patient the cluster is, with silent nodes and with containers that crash: a lesson need
    not wait five minutes.
    """

    heartbeat_seconds: float = 10  # an agent renews its Lease this often
    grace_seconds: float = 50  # silence after which a node is NotReady (Kubernetes >= 1.32)
    eviction_seconds: int = 300  # how long pods tolerate a node that is NotReady
    crash_backoff_seconds: float = 10  # the first wait before what crashed again is started anew
    crash_backoff_limit_seconds: float = 300  # the longest


@dataclass(frozen=True)
class StoreSpec:
    """Where the lab's state is kept. The files, for TLS, are absolute paths on this machine."""

    engine: str = "sqlite"
    endpoints: tuple[str, ...] = ()  # URLs of a running etcd
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""

    @property
    def is_own_etcd(self) -> bool:
        """Whether the lab starts an etcd for itself."""
        return self.engine == "etcd" and not self.endpoints


@dataclass(frozen=True)
class LabSpec:
    """A whole lab."""

    name: str
    nodes: tuple[NodeSpec, ...]
    network: NetworkSpec = field(default_factory=NetworkSpec)
    times: Times = field(default_factory=Times)
    store: StoreSpec = field(default_factory=StoreSpec)
    images: str = LENIENT  # strict: only images that were loaded run, and nothing in their place

    @property
    def node_names(self) -> tuple[str, ...]:
        return tuple(node.name for node in self.nodes)


def numbered_nodes(count: int) -> tuple[NodeSpec, ...]:
    """`node1` … `nodeN`."""
    return tuple(NodeSpec(f"node{number}") for number in range(1, count + 1))


def default_lab(name: str = DEFAULT_NAME) -> LabSpec:
    """The lab that `labctl up` makes when nothing else is said."""
    return LabSpec(name, numbered_nodes(DEFAULT_NODES))


def node_address(spec: LabSpec, node: str) -> str:
    """The InternalIP of a node: 172.30.1.n for the n-th of the lab; ValueError if it has none."""
    return _address(spec.node_names.index(node))


def node_addresses(spec: LabSpec) -> dict[str, str]:
    """Those of all nodes of the lab, by name."""
    return {node.name: _address(place) for place, node in enumerate(spec.nodes)}


def _address(place: int) -> str:
    return f"{_NODES_AT}.{place + 1}"  # MAX_NODES fit into the last byte


def lab_object(spec: LabSpec) -> Obj:
    """The Lab object, every field spelled out."""
    network, times = spec.network, spec.times
    return {
        "apiVersion": LAB_API_VERSION,
        "kind": LAB_KIND,
        "metadata": {"name": spec.name},
        "spec": {
            "nodes": _nodes_field(spec.nodes),
            "network": {
                "backend": network.backend,
                "podCIDR": network.pod_cidr,
                "serviceCIDR": network.service_cidr,
                "mtu": network.mtu,
                "healing": network.healing,
                **({"cni": network.cni.object()} if network.cni else {}),
            },
            "times": {
                "heartbeatSeconds": times.heartbeat_seconds,
                "graceSeconds": times.grace_seconds,
                "evictionSeconds": times.eviction_seconds,
                "crashBackoffSeconds": times.crash_backoff_seconds,
                "crashBackoffLimitSeconds": times.crash_backoff_limit_seconds,
            },
            "store": _store_object(spec.store),
            "images": spec.images,
        },
    }


def _nodes_field(nodes: tuple[NodeSpec, ...]) -> int | list[Obj]:
    if nodes == numbered_nodes(len(nodes)):
        return len(nodes)
    return [_node_object(node) for node in nodes]


def _store_object(store: StoreSpec) -> Obj:
    given: Obj = {
        "endpoints": list(store.endpoints),
        "caFile": store.ca_file,
        "certFile": store.cert_file,
        "keyFile": store.key_file,
    }
    return {"engine": store.engine, **{field: value for field, value in given.items() if value}}


def _node_object(node: NodeSpec) -> Obj:
    obj: Obj = {"name": node.name}
    if node.labels:
        obj["labels"] = dict(node.labels)
    if node.taints:
        obj["taints"] = [taint.object() for taint in node.taints]
    return obj
