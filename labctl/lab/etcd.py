"""The etcd that keeps the state of a lab with `store: {engine: etcd}`, where none runs already.

A process of the lab as the others, but not Python: its child becomes Debian's `etcd`. It listens on
two Unix sockets in a directory that only root may enter, so it needs neither ports nor keys. etcd
wants HOST:PORT in its URLs even there, and makes a file of that name where it was started.
"""

import os
import shutil
from pathlib import Path
from typing import NoReturn

from labctl import names

PROGRAM = "etcd"
_PEER = "etcd-peer:0"


def run(lab: str) -> NoReturn:
    """Becomes etcd: blocks until SIGTERM. Raises FileNotFoundError when it is not installed."""
    program = shutil.which(PROGRAM)
    if program is None:
        raise FileNotFoundError(f"{PROGRAM} is not on PATH")
    os.umask(0o077)
    os.chdir(names.run_dir(lab))
    clear(Path())
    title, settings = names.etcd_title(lab), environment(names.etcd_data(lab))
    os.execve(program, [title], settings)  # noqa: S606 (no shell is wanted)


def clear(directory: Path) -> None:
    """Removes the sockets that a killed one left: etcd would find its addresses in use."""
    for socket in (names.ETCD_SOCKET, _PEER):
        (directory / socket).unlink(missing_ok=True)


def environment(data: Path) -> dict[str, str]:
    """Settings as etcd reads them, so that its command line is free to be a title."""
    client, peer = f"unix://{names.ETCD_SOCKET}", f"unix://{_PEER}"
    settings = {
        "NAME": "labctl",
        "DATA_DIR": str(data),
        "LISTEN_CLIENT_URLS": client,
        "ADVERTISE_CLIENT_URLS": client,
        "LISTEN_PEER_URLS": peer,
        "INITIAL_ADVERTISE_PEER_URLS": peer,
        "INITIAL_CLUSTER": f"labctl={peer}",
        # It is alone: an election is won at once, and need not be waited for a second.
        "HEARTBEAT_INTERVAL": "10",
        "ELECTION_TIMEOUT": "100",
        "SNAPSHOT_COUNT": "5000",  # entries that it keeps in memory; 100,000 by default
        "LOGGER": "zap",
        "LOG_LEVEL": "warn",
    }
    path = {"PATH": os.environ.get("PATH", os.defpath)}
    return path | {f"ETCD_{name}": value for name, value in settings.items()}
