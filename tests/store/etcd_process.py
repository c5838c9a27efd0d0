"""A real etcd, started as a lab starts one, to be used and hurt."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labctl import names
from labctl.lab.etcd import PROGRAM, clear, environment
from labctl.store.etcd.cluster import Cluster


class EtcdProcess:
    """One in a directory; killed and started again, it has what it had."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.cluster = Cluster((f"unix://{directory / names.ETCD_SOCKET}",))
        self.start()

    def start(self) -> None:
        program = shutil.which(PROGRAM)
        assert program is not None, "etcd is not installed"
        clear(self._directory)
        with (self._directory / "etcd.log").open("ab") as log:
            self._process = subprocess.Popen(
                [program],
                env=environment(self._directory / "data"),
                cwd=self._directory,
                stdout=log,
                stderr=log,
                umask=0o077,
            )

    def signal(self, number: signal.Signals) -> None:
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@contextmanager
def running_etcd(directory: Path) -> Iterator[EtcdProcess]:
    etcd = EtcdProcess(directory)
    try:
        yield etcd
    finally:
        etcd.kill()
