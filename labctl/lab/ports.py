"""Ports as users write them for port-forward: 8080:80, 80, :80, web, 5353:53/udp."""

from dataclasses import dataclass

from labctl.api.objects import Obj, name
from labctl.errors import BadInput

_EXAMPLE = "8080:80, :80, 80, or 5353:53/udp"


@dataclass(frozen=True)
class PortWish:
    """`local` is 0 for any, None for the same as the far end; `remote` a number or a name."""

    local: int | None
    remote: str
    protocol: str


def parse_port(word: str) -> PortWish:
    """Raises BadInput."""
    ports, slash, protocol = word.partition("/")
    local, colon, remote = ports.rpartition(":")
    if slash and protocol.lower() not in {"tcp", "udp"}:
        raise BadInput(f"port {word!r}: the protocol must be tcp or udp", _EXAMPLE)
    if (
        not remote
        or (local and local != "0" and not _is_port(local))
        or (remote.isdigit() and not _is_port(remote))
    ):
        raise BadInput(f"port {word!r}: must be [LOCAL:]REMOTE[/udp]", _EXAMPLE)
    wanted = int(local) if local else 0
    return PortWish(wanted if colon else None, remote, protocol.lower() or "tcp")


def remote_port(wish: PortWish, pod: Obj, service: Obj | None) -> int:
    """The pod's port that is meant; through a Service it is one of its ports. Raises BadInput."""
    wanted: str = wish.remote
    if service is not None:
        wanted = _target(wish, service)
    if wanted.isdigit():
        return int(wanted)
    for container in pod["spec"]["containers"]:
        for port in container.get("ports") or ():
            if port.get("name") == wanted and _protocol(port) == wish.protocol:
                return int(port["containerPort"])
    raise BadInput(f"pod {name(pod)} has no {wish.protocol} port named {wanted!r}")


def _target(wish: PortWish, service: Obj) -> str:
    for port in service["spec"].get("ports") or ():
        if (
            wish.remote in (str(port["port"]), port.get("name"))
            and _protocol(port) == wish.protocol
        ):
            return str(port.get("targetPort") or port["port"])
    raise BadInput(f"service {name(service)} has no {wish.protocol} port {wish.remote}")


def _protocol(port: Obj) -> str:
    return str(port.get("protocol", "TCP")).lower()


def _is_port(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= 5 and 0 < int(word) < 65536
