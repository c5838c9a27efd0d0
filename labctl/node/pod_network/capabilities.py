"""What plugins can be told of a pod: by CNI_ARGS, and by the capabilities of CNI's conventions."""

from collections.abc import Mapping
from typing import Any

from labctl.api.quantity import parse_quantity
from labctl.cni.errors import CniError
from labctl.cri.messages import PortMapping, Sandbox, SandboxConfig

INGRESS, EGRESS = "kubernetes.io/ingress-bandwidth", "kubernetes.io/egress-bandwidth"
IPS, MAC = "labctl.io/ips", "labctl.io/mac"
_LEAST, _MOST = 10**3, 10**15  # bits a second, as Kubernetes has it
_BURST = 2**31 - 1  # bits: as good as no limit, and what the plugin's 32 bits can hold


def arguments(sandbox: Sandbox) -> tuple[tuple[str, str], ...]:
    """CNI_ARGS, as container runtimes give them for Kubernetes."""
    config = sandbox.config
    return (
        ("IgnoreUnknown", "1"),
        ("K8S_POD_NAMESPACE", config.namespace),
        ("K8S_POD_NAME", config.name),
        ("K8S_POD_INFRA_CONTAINER_ID", sandbox.id),
        ("K8S_POD_UID", config.uid),
    )


def capabilities(config: SandboxConfig) -> dict[str, Any]:
    """By capability, what there is to say of the pod. Raises CniError for a bandwidth that is none.

    An address and a MAC are asked for by annotations: `labctl.io/ips` (several with commas between
    them) and `labctl.io/mac`.
    """
    ips = [part.strip() for part in config.annotations.get(IPS, "").split(",") if part.strip()]
    found = {
        "portMappings": [_port_mapping(one) for one in config.port_mappings],
        "bandwidth": _bandwidth(config.annotations),
        "ips": ips,
        "mac": config.annotations.get(MAC, ""),
    }
    return {name: value for name, value in found.items() if value}


def _port_mapping(mapping: PortMapping) -> dict[str, Any]:
    return {
        "hostPort": mapping.host_port,
        "containerPort": mapping.container_port,
        "protocol": mapping.protocol.lower(),
        "hostIP": mapping.host_ip,
    }


def _bandwidth(annotations: Mapping[str, str]) -> dict[str, int]:
    found = {}
    for key, word in ((INGRESS, "ingress"), (EGRESS, "egress")):
        if key in annotations:
            found[f"{word}Rate"] = _rate(key, annotations[key])
            found[f"{word}Burst"] = _BURST
    return found


def _rate(key: str, text: str) -> int:
    try:
        rate = int(parse_quantity(text))
    except ValueError as error:
        raise CniError(f"annotation {key}: {text!r} is no quantity") from error
    if not _LEAST <= rate <= _MOST:
        raise CniError(f"annotation {key}: {text} is not between 1k and 1P bits a second")
    return rate
