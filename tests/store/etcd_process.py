"""A real etcd, started as a lab starts one, to be used and hurt."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType

from labctl import names, pki
from labctl.lab.etcd import PROGRAM, clear, environment
from labctl.store.etcd.cluster import Cluster
from tests.waiting import until

_NONE: Mapping[str, str] = MappingProxyType({})


class EtcdProcess:
    """One in a directory; killed and started again, it has what it had."""

    def __init__(
        self, directory: Path, cluster: Cluster | None = None, settings: Mapping[str, str] = _NONE
    ) -> None:
        self._directory = directory
        self._settings = settings
        self.cluster = cluster or Cluster((f"unix://{directory / names.ETCD_SOCKET}",))
        self.start()

    def start(self) -> None:
        program = shutil.which(PROGRAM)
        assert program is not None, "etcd is not installed"
        clear(self._directory)
        with (self._directory / "etcd.log").open("ab") as log:
            self._process = subprocess.Popen(
                [program],
                env={**environment(self._directory / "data"), **self._settings},
                cwd=self._directory,
                stdout=log,
                stderr=log,
                umask=0o077,
            )

    def freeze(self) -> None:
        """Returns when all of its threads stand still, which takes the kernel a moment."""
        os.kill(self._process.pid, signal.SIGSTOP)
        tasks = Path(f"/proc/{self._process.pid}/task")
        until(lambda: {_state(task) for task in tasks.iterdir()} == {"T"})

    def thaw(self) -> None:
        os.kill(self._process.pid, signal.SIGCONT)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@contextmanager
def running_etcd(directory: Path) -> Iterator[EtcdProcess]:
    """One on Unix sockets."""
    with _killed_at_the_end(EtcdProcess(directory)) as etcd:
        yield etcd


@contextmanager
def secured_etcd(directory: Path) -> Iterator[EtcdProcess]:
    """One on a port of 127.0.0.1 that talks only to whom its authority knows."""
    pki.ensure_authority(directory)
    pki.ensure_certificate(directory, "etcd", "etcd", ips=("127.0.0.1",))
    pki.ensure_certificate(directory, "client", "lab")
    endpoint = f"https://127.0.0.1:{_free_port()}"
    settings = {
        "ETCD_LISTEN_CLIENT_URLS": endpoint,
        "ETCD_ADVERTISE_CLIENT_URLS": endpoint,
        "ETCD_CLIENT_CERT_AUTH": "true",
        "ETCD_TRUSTED_CA_FILE": str(directory / "ca.crt"),
        "ETCD_CERT_FILE": str(directory / "etcd.crt"),
        "ETCD_KEY_FILE": str(directory / "etcd.key"),
    }
    files = (str(directory / name) for name in ("ca.crt", "client.crt", "client.key"))
    cluster = Cluster((endpoint,), *files)
    with _killed_at_the_end(EtcdProcess(directory, cluster, settings)) as etcd:
        yield etcd


@contextmanager
def etcd_members(directory: Path, count: int = 3) -> Iterator[list[EtcdProcess]]:
    """A cluster of several, each of whose `cluster` names all of them."""
    peers = {f"m{number}": f"http://127.0.0.1:{_free_port()}" for number in range(count)}
    homes = {name: directory / name for name in peers}
    cluster = Cluster(tuple(f"unix://{home / names.ETCD_SOCKET}" for home in homes.values()))
    members = []
    with ExitStack() as stack:
        for name, peer in peers.items():
            homes[name].mkdir()
            settings = {
                "ETCD_NAME": name,
                "ETCD_LISTEN_PEER_URLS": peer,
                "ETCD_INITIAL_ADVERTISE_PEER_URLS": peer,
                "ETCD_INITIAL_CLUSTER": ",".join(f"{m}={url}" for m, url in peers.items()),
                "ETCD_HEARTBEAT_INTERVAL": "50",
                "ETCD_ELECTION_TIMEOUT": "500",
            }
            member = EtcdProcess(homes[name], cluster, settings)
            members.append(stack.enter_context(_killed_at_the_end(member)))
        yield members


@contextmanager
def _killed_at_the_end(etcd: EtcdProcess) -> Iterator[EtcdProcess]:
    try:
        yield etcd
    finally:
        etcd.kill()


def _state(task: Path) -> str:
    return (task / "stat").read_text().rpartition(")")[2].split()[0]


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
