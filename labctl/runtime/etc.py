"""A pod's own files in /etc, as kubelets write them (simple form: no host aliases, no node's DNS)."""

from labctl.cri.messages import SandboxConfig

_LOCAL_HOSTS = """\
# Kubernetes-managed hosts file.
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
"""
_CLUSTER_DOMAIN = "cluster.local"


def pod_files(config: SandboxConfig, hostname: str) -> tuple[tuple[str, str], ...]:
    """(name in /etc, content) of each."""
    return (
        ("hosts", hosts(config.ip, hostname)),
        ("hostname", hostname + "\n"),
        ("resolv.conf", resolv_conf(config)),
    )


def hosts(ip: str, hostname: str) -> str:
    return _LOCAL_HOSTS + (f"{ip}\t{hostname}\n" if ip else "")


def resolv_conf(config: SandboxConfig) -> str:
    """Without a name server the resolver asks 127.0.0.1, where nothing listens: it fails at once."""
    searches = config.searches or (
        f"{config.namespace}.svc.{_CLUSTER_DOMAIN}",
        f"svc.{_CLUSTER_DOMAIN}",
        _CLUSTER_DOMAIN,
    )
    servers = "".join(f"nameserver {server}\n" for server in config.name_servers)
    return f"search {' '.join(searches)}\n{servers}options ndots:5\n"
