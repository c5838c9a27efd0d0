"""Names, addresses of hardware, and paths: all functions of identity.

Whoever knows which lab, node or pod is meant computes the same name, so no component has to ask
another. Interface names have at most 15 characters (IFNAMSIZ); a longer one is cut and ends in a
hash, and the real name goes into the interface's alias.
"""

import hashlib
from pathlib import Path

DEFAULT_LAB = "lab"

NETNS_DIR = Path("/run/netns")
NETNS_PREFIX = "labctl."  # of all labs' names
RUN_DIR = Path("/run/labctl")
STATE_DIR = Path("/var/lib/labctl")

API_PORT = 6443
AGENT_PORT = 10250
FORWARD_PROTOCOL = "portforward.labctl.io"  # the WebSocket subprotocol of one forwarded connection
VNI = 1
VXLAN_PORT = 8472  # the kernel's and flannel's legacy default; IANA's 4789 is for others
VXLAN_DEVICE = "vxlan.1"
BRIDGE = "cni0"
UNDERLAY_BRIDGE = "underlay"
NFT_TABLE = "labctl"
NFT_HOST_PORTS = "labctl-hostports"
ETCD_PORT = 2379  # IANA's, for its clients
ETCD_SOCKET = "etcd:0"  # a file: see lab/etcd.py

UNDERLAY_CIDR = "172.30.0.0/16"
ROUTER_ADDRESS = "172.30.0.1"
CONTROL_PLANE_ADDRESS = "172.30.0.2"
OUTSIDE_CIDR = "203.0.113.0/24"
OUTSIDE_ROUTER_ADDRESS = "203.0.113.1"
OUTSIDE_ADDRESS = "203.0.113.10"

_NAME_MAX = 255  # NAME_MAX of Linux file systems: a pin is a file in /run/netns
_IFNAME_MAX = 15  # IFNAMSIZ without its final zero
_ALIAS_MAX = 255  # IFALIASZ without its final zero


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def _shorten(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    tail = "-" + _digest(text, 8)
    return text[: limit - len(tail)] + tail


def fabric_netns(lab: str) -> str:
    return f"labctl.{lab}.fabric"


def outside_netns(lab: str) -> str:
    return f"labctl.{lab}.outside"


def control_plane_netns(lab: str) -> str:
    return f"labctl.{lab}.control-plane"


def node_netns(lab: str, node: str) -> str:
    return _shorten(f"labctl.{lab}.node.{node}", _NAME_MAX)


def pod_netns(lab: str, namespace: str, pod: str) -> str:
    return _shorten(f"labctl.{lab}.pod.{namespace}.{pod}", _NAME_MAX)


def old_netns(lab: str, uid: str) -> str:
    """The name under which a sandbox lives on whose pod object is gone or replaced."""
    return f"labctl.{lab}.old.{uid}"


def netns_prefix(lab: str) -> str:
    """What every namespace name of a lab begins with."""
    return f"{NETNS_PREFIX}{lab}."


def lab_of_netns(name: str) -> str:
    """The lab to which a namespace of that name belongs."""
    return name.removeprefix(NETNS_PREFIX).partition(".")[0]


def netns_path(name: str) -> Path:
    return NETNS_DIR / name


def lab_cgroup(lab: str) -> str:
    """The lab's control group, below where the hierarchy is mounted."""
    return f"labctl.{lab}"


def pods_cgroup(lab: str) -> str:
    return f"{lab_cgroup(lab)}/pods"


def pod_cgroup(lab: str, sandbox: str) -> str:
    return f"{pods_cgroup(lab)}/{sandbox}"


def container_cgroup(lab: str, sandbox: str, container: str, attempt: int) -> str:
    return f"{pod_cgroup(lab, sandbox)}/{container}.{attempt}"


def run_dir(lab: str) -> Path:
    return RUN_DIR / lab


def state_dir(lab: str) -> Path:
    return STATE_DIR / lab


def pki_dir(lab: str) -> Path:
    return state_dir(lab) / "pki"


def log_dir(lab: str) -> Path:
    return state_dir(lab) / "logs"


def pod_log_dir(lab: str, namespace: str, pod: str, uid: str) -> Path:
    """Where a pod's logs are, laid out as a kubelet does below /var/log/pods."""
    return state_dir(lab) / "pods" / _shorten(f"{namespace}_{pod}_{uid}", _NAME_MAX)


def volumes_dir(lab: str) -> Path:
    """The only place where labctl mounts anything: volumes in memory."""
    return state_dir(lab) / "volumes"


def pod_volume_dir(lab: str, uid: str) -> Path:
    """Where a pod's volumes are, a directory each, for as long as the pod lives."""
    return volumes_dir(lab) / uid


def claim_dir(lab: str, namespace: str, claim: str) -> Path:
    """The volume behind a PersistentVolumeClaim: it outlives pods, and goes with the lab."""
    return state_dir(lab) / "claims" / _shorten(f"{namespace}_{claim}", _NAME_MAX)


def cni_dir(lab: str, node: str) -> Path:
    """What CNI plugins keep for a node, and what the node's agent remembers of them."""
    return state_dir(lab) / "cni" / _shorten(node, _NAME_MAX)


def image_dir(lab: str) -> Path:
    """The images that were loaded into the lab."""
    return state_dir(lab) / "images"


def lab_file(lab: str) -> Path:
    """The Lab object of a lab that exists, as YAML."""
    return state_dir(lab) / "lab.yaml"


def store_file(lab: str) -> Path:
    return state_dir(lab) / "store.db"


def etcd_data(lab: str) -> Path:
    return state_dir(lab) / "etcd"


def etcd_socket(lab: str) -> Path:
    return run_dir(lab) / ETCD_SOCKET


def etcd_root(lab: str) -> str:
    """What every key of a lab begins with in an etcd."""
    return f"/labctl/{lab}/"


def sandbox_journal(lab: str) -> Path:
    """Where the runtime records its sandboxes and containers, to adopt them after a crash."""
    return run_dir(lab) / "sandboxes.jsonl"


def api_socket(lab: str) -> Path:
    return run_dir(lab) / "api.sock"


def runtime_socket(lab: str) -> Path:
    return run_dir(lab) / "runtime.sock"


def supervisor_socket(lab: str) -> Path:
    return run_dir(lab) / "supervisor.sock"


def kubeconfig_file(lab: str) -> Path:
    return run_dir(lab) / "kubeconfig"


def mac_address(*identity: str) -> str:
    """A locally administered unicast MAC that is a function of `identity` (IEEE 802, 8.2)."""
    digest = _digest("/".join(identity), 10)
    return "02:" + ":".join(digest[i : i + 2] for i in range(0, 10, 2))


def pod_mac(uid: str, attempt: int) -> str:
    return mac_address("pod", uid, str(attempt))


def bridge_mac(node: str) -> str:
    return mac_address("bridge", node)


def node_mac(node: str) -> str:
    """The MAC of a node's `eth0` on the underlay."""
    return mac_address("node", node)


def router_mac() -> str:
    return mac_address("router")


def control_plane_mac() -> str:
    return mac_address("control-plane")


def vtep_mac(node: str) -> str:
    return mac_address("vtep", node)


def veth_name(uid: str, attempt: int) -> str:
    """The node's end of a pod's veth pair.

    From the pod's UID and its sandbox attempt: a name from the pod's name would collide with its
    predecessor of the same name, which may still be dying.
    """
    return "veth" + _digest(f"{uid}/{attempt}", 8)


def pod_alias(namespace: str, pod: str) -> str:
    """The alias of a pod's port: the pod's full name."""
    return _shorten(f"{namespace}/{pod}", _ALIAS_MAX)


def port_name(node: str) -> str:
    """The switch port, in the fabric, into which a node's cable is plugged."""
    return _shorten(f"p-{node}", _IFNAME_MAX)


def sandbox_id(uid: str, attempt: int) -> str:
    return f"{uid}-{attempt}"


def supervisor_title(lab: str) -> str:
    return f"labctl: {lab} supervisor"


def control_plane_title(lab: str) -> str:
    return f"labctl: {lab} control-plane"


def etcd_title(lab: str) -> str:
    return f"labctl: {lab} etcd"


def runtime_title(lab: str) -> str:
    return f"labctl: {lab} runtime"


def agent_title(lab: str, node: str) -> str:
    return f"labctl: {lab} agent {node}"
