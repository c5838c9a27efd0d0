"""A pod's own files in /etc, as kubelets write them. Pure."""

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


def pod_files(config: SandboxConfig, hostname: str) -> tuple[tuple[str, str], ...]:
    """(name in /etc, content) of each."""
    return (
        ("hosts", hosts(config, hostname)),
        ("hostname", hostname + "\n"),
        ("resolv.conf", resolv_conf(config)),
    )


def hosts(config: SandboxConfig, hostname: str) -> str:
    """The pod's own name, and under it those that it wants known besides."""
    short = hostname.partition(".")[0]
    own = f"{short}.{config.domain}\t{short}" if config.domain else hostname
    text = _LOCAL_HOSTS + (f"{config.ip}\t{own}\n" if config.ip else "")
    if config.aliases:
        text += "\n# Entries added by HostAliases.\n"
    return text + "".join("\t".join((ip, *names)) + "\n" for ip, names in config.aliases)


def resolv_conf(config: SandboxConfig) -> str:
    """Without a name server the resolver asks 127.0.0.1, where nothing listens: it fails at once."""
    lines = [f"nameserver {server}" for server in config.name_servers]
    if config.searches:
        lines.insert(0, f"search {' '.join(config.searches)}")
    if config.resolver_options:
        lines.append(f"options {' '.join(config.resolver_options)}")
    return "".join(f"{line}\n" for line in lines)
