"""The certificates of one lab: who its servers, agents and admin are."""

from ipaddress import IPv4Network

from labctl import names, pki
from labctl.api.lab import LabSpec, node_address

_MASTERS = ("system:masters",)
_API_NAMES = (
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)


def ensure(spec: LabSpec) -> None:
    """Makes what is missing; keys that are there stay, so running processes go on."""
    directory = names.pki_dir(spec.name)
    pki.ensure_authority(directory)
    pki.ensure_signing_key(directory)
    pki.ensure_certificate(
        directory, "apiserver", "kube-apiserver", dns=_API_NAMES, ips=_api_addresses(spec)
    )
    pki.ensure_certificate(directory, "admin", "kubernetes-admin", _MASTERS)
    pki.ensure_certificate(
        directory, "apiserver-kubelet-client", "kube-apiserver-kubelet-client", _MASTERS
    )
    for node in spec.node_names:
        _ensure_agent(spec, node)


def _ensure_agent(spec: LabSpec, node: str) -> None:
    pki.ensure_certificate(
        names.pki_dir(spec.name),
        f"node-{node}",
        f"system:node:{node}",
        ("system:nodes",),
        dns=(node,),
        ips=(node_address(spec, node),),
    )


def _api_addresses(spec: LabSpec) -> tuple[str, ...]:
    """The fabric, this machine, and the Service `kubernetes`, the first of serviceCIDR."""
    service = IPv4Network(spec.network.service_cidr).network_address + 1
    return ("127.0.0.1", names.CONTROL_PLANE_ADDRESS, str(service))
