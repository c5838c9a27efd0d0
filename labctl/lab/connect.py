"""The API of a lab, for whoever only wants to talk to it (no YAML, no network code imported)."""

import os

from labctl import names
from labctl.client.client import Client
from labctl.client.unix import UnixTransport
from labctl.errors import NoSuchLab


def client(lab: str) -> Client:
    """The lab's API as root; NoSuchLab when the lab is not there or not up."""
    require(lab)
    socket = names.api_socket(lab)
    if not socket.exists():
        raise not_up(lab)
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


def _up(lab: str) -> str:
    return "labctl up" if lab == "lab" else f"labctl up --lab {lab}"
