"""What a pod is called inside it, and whom it asks for other names. Pure.

pkg/kubelet/util and pkg/kubelet/network/dns.
"""

from dataclasses import dataclass

from labctl.api.objects import Obj, namespace
from labctl.errors import LabError
from labctl.node.pods.facts import is_host_network

CLUSTER_DOMAIN = "cluster.local"

_HOSTNAME_MAX = 63  # of a label: RFC 1123
_FQDN_MAX = 64  # what Linux takes as a host name
_SERVERS_MAX, _SEARCHES_MAX = 3, 32  # what resolvers take (glibc), and what Kubernetes says


class NameTooLong(LabError):
    """A host name cannot be what the pod asks for; the sentence is the kubelet's."""


@dataclass(frozen=True, slots=True)
class Resolver:
    """The lines of a resolv.conf."""

    servers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


def hostname(pod: Obj) -> str:
    """spec.hostname or the pod's name, cut to what a label can be; whole if the pod asks for it.

    Raises NameTooLong.
    """
    name = str(pod["spec"].get("hostname") or pod["metadata"]["name"])
    name = name[:_HOSTNAME_MAX].rstrip("-.")
    below = domain(pod)
    if not below or not pod["spec"].get("setHostnameAsFQDN"):
        return name
    whole = f"{name}.{below}"
    if len(whole) > _FQDN_MAX:
        raise NameTooLong(
            "Failed to construct FQDN from Pod hostname and cluster domain, "
            f"FQDN {whole} is too long ({_FQDN_MAX} characters is the max, "
            f"{len(whole)} characters requested)"
        )
    return whole


def domain(pod: Obj) -> str:
    """In which domain the pod's host name is, if its subdomain says so."""
    subdomain = pod["spec"].get("subdomain")
    return f"{subdomain}.{namespace(pod)}.svc.{CLUSTER_DOMAIN}" if subdomain else ""


def aliases(pod: Obj) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """spec.hostAliases."""
    given = pod["spec"].get("hostAliases") or ()
    return tuple((one["ip"], tuple(one.get("hostnames") or ())) for one in given)


def resolver(pod: Obj) -> Resolver:
    """By dnsPolicy, and by dnsConfig on top. A node has no resolver of its own to pass on."""
    spec = pod["spec"]
    policy = spec.get("dnsPolicy", "ClusterFirst")
    if policy == "ClusterFirst" and is_host_network(pod):
        policy = "Default"
    base = _of_cluster(pod) if policy.startswith("ClusterFirst") else Resolver()
    config: Obj = spec.get("dnsConfig") or {}
    servers = dict.fromkeys((*base.servers, *(config.get("nameservers") or ())))
    searches = dict.fromkeys((*base.searches, *(config.get("searches") or ())))
    return Resolver(
        tuple(servers)[:_SERVERS_MAX],
        tuple(searches)[:_SEARCHES_MAX],
        _options(base.options, config.get("options") or ()),
    )


def _of_cluster(pod: Obj) -> Resolver:
    services = f"svc.{CLUSTER_DOMAIN}"
    searches = (f"{namespace(pod)}.{services}", services, CLUSTER_DOMAIN)
    return Resolver((), searches, ("ndots:5",))


def _options(base: tuple[str, ...], given: list[Obj] | tuple[()]) -> tuple[str, ...]:
    """One option a name; what is given later holds."""
    chosen = {one.partition(":")[0]: one for one in base}
    for option in given:
        name, value = option.get("name", ""), option.get("value")
        chosen[name] = f"{name}:{value}" if value else name
    return tuple(chosen.values())
