"""The API of a lab, for whoever only wants to talk to it (no YAML, no network code imported)."""

import os

from labctl import names
from labctl.client.client import Client
from labctl.client.unix import UnixTransport
from labctl.errors import NoSuchLab


def client(lab: str) -> Client:
    """The lab's API as root; NoSuchLab when the lab is not there or its API is not."""
    require(lab)
    socket = names.api_socket(lab)
    if not socket.exists():
        raise silent(lab)
    return Client(UnixTransport(socket))


def is_there(lab: str) -> bool:
    """Whether there is such a lab on this machine, up or not, as far as the user may know."""
    return os.path.exists(names.lab_file(lab))  # which is False, too, where one may not look


def require(lab: str) -> None:
    """Raises NoSuchLab when there is no such lab on this machine."""
    if not names.lab_file(lab).exists():
        raise NoSuchLab(f"there is no lab {lab!r}", _up(lab))


def not_up(lab: str) -> NoSuchLab:
    return NoSuchLab(f"lab {lab!r} is not up", _up(lab))


def silent(lab: str) -> NoSuchLab:
    """Nobody answers at the lab's API: it is not up, or its control plane is started just now."""
    from labctl.lab import processes  # which nobody needs who is answered

    if processes.supervisor_of(lab) is None:
        return not_up(lab)
    remedy = f"its supervisor starts it again; see labctl status --lab {lab}"
    return NoSuchLab(f"the control plane of lab {lab!r} does not answer", remedy)


def _up(lab: str) -> str:
    return "labctl up" if lab == "lab" else f"labctl up --lab {lab}"
