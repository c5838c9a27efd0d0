"""A lab that is measured: the commands that a user types, as whole processes, and its API."""

import itertools
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.floor import settle
from labctl import names
from labctl.client.client import Client
from labctl.lab import cgroup, connect, processes

_LABCTL = str(Path(sys.executable).with_name("labctl"))
_SECONDS = 300.0
_numbers = itertools.count(1)


@dataclass
class Lab:
    """A lab of some nodes. `up_seconds` is what `labctl up` took."""

    nodes: int
    name: str = field(default_factory=lambda: f"bench-{os.getpid()}-{next(_numbers)}")
    up_seconds: float = 0.0

    def command(self, *words: str) -> float:
        """Seconds of a whole `labctl` process."""
        began = time.perf_counter()
        self.output(*words)
        return time.perf_counter() - began

    def output(self, *words: str) -> str:
        """What a command prints; CalledProcessError, its stderr shown, when it fails."""
        line = [_LABCTL, *words, "--lab", self.name]
        done = subprocess.run(line, check=False, capture_output=True, timeout=_SECONDS)
        if done.returncode != 0:
            sys.stderr.write(done.stderr.decode())
            done.check_returncode()
        return done.stdout.decode()

    def client(self) -> Client:
        return connect.client(self.name)

    @property
    def url(self) -> str:
        found = re.search(r"server: (\S+)", self.kubeconfig)
        if found is None:
            raise LookupError("a kubeconfig without a server")
        return found[1]

    @property
    def kubeconfig(self) -> str:
        return names.kubeconfig_file(self.name).read_text()

    @property
    def pki(self) -> Path:
        return names.pki_dir(self.name)

    def pids(self, prefix: str = "") -> list[int]:
        """Of the lab's own processes whose names begin so: "agent-", "control-plane"…"""
        running = processes.read_record(self.name).processes
        return [one.pid for one in running if one.name.startswith(prefix)]

    def all_pids(self) -> list[int]:
        """Of every process of the lab, pauses among them."""
        return cgroup.members(self.name)

    def down(self) -> float:
        """Seconds until nothing is left of it, in the kernel neither."""
        began = time.perf_counter()
        self.output("down")
        settle()
        return time.perf_counter() - began


@contextmanager
def running(nodes: int, *words: str) -> Iterator[Lab]:
    """A new lab, up; whatever happens it is taken away, unless its user has done so already."""
    lab = Lab(nodes)
    try:
        lab.up_seconds = lab.command("up", "--nodes", str(nodes), *words)
        yield lab
    finally:
        if connect.is_there(lab.name):
            lab.down()
