"""The reference CNI bridge plugin: ADD and DEL of a namespace, pause in it, as container runtimes do.

python -m benchmarks.peers.cni PODS is run in a network namespace of its own, whose bridge the plugin
makes, and which takes everything away with it.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.floor import settle
from benchmarks.peers.missing import Missing
from labctl.net.namespaces import CLONE_NEWNET, setns, unshare

_DIRECTORIES = ("/usr/lib/cni", "/opt/cni/bin")
_NULL = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDWR, 0)]


@dataclass(frozen=True)
class Run:
    """Seconds of each ADD and DEL, and seconds after which each pod was there, pause included."""

    add: list[float]
    delete: list[float]
    after: list[float]


def cni(pods: int) -> Run:
    """Raises Missing."""
    _directory()
    words = ["unshare", "--net", sys.executable, "-m", "benchmarks.peers.cni", str(pods)]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE)
    settle()
    return Run(**json.loads(done.stdout))


def _directory() -> str:
    for directory in _DIRECTORIES:
        if Path(directory, "bridge").exists():
            return directory
    raise Missing("CNI bridge plugin: apt-get install containernetworking-plugins")


@dataclass(frozen=True)
class _Plugin:
    directory: str
    state: str

    def call(self, command: str, pid: int) -> float:
        """Seconds of one call for the namespace of a process."""
        environment = {
            "CNI_COMMAND": command,
            "CNI_CONTAINERID": f"bench-{pid}",
            "CNI_NETNS": f"/proc/{pid}/ns/net",
            "CNI_IFNAME": "eth0",
            "CNI_PATH": self.directory,
            "PATH": os.defpath,
        }
        began = time.perf_counter()
        subprocess.run(
            [f"{self.directory}/bridge"],
            input=json.dumps(self._config()).encode(),
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        return time.perf_counter() - began

    def _config(self) -> dict[str, object]:
        pool = [[{"subnet": "10.9.0.0/16"}]]
        routes = [{"dst": "0.0.0.0/0"}]
        return {
            "cniVersion": "0.4.0",
            "name": "bench",
            "type": "bridge",
            "bridge": "cni0",
            "isGateway": True,
            "ipam": {
                "type": "host-local",
                "dataDir": self.state,
                "ranges": pool,
                "routes": routes,
            },
        }


def _pause(home: int) -> int:
    """A pause in a network namespace of its own; its pid."""
    unshare(CLONE_NEWNET)
    words = ["catatonit", "-P"]
    pid = os.posix_spawnp("catatonit", words, os.environ, file_actions=_NULL, setsid=True)
    setns(home, CLONE_NEWNET)
    return pid


def _measure(pods: int) -> Run:
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    run = Run([], [], [])
    pids: list[int] = []
    with tempfile.TemporaryDirectory() as state:
        plugin = _Plugin(_directory(), state)
        began = time.perf_counter()
        try:
            for _ in range(pods):
                pids.append(_pause(home))
                run.add.append(plugin.call("ADD", pids[-1]))
                run.after.append(time.perf_counter() - began)
            for pid in pids:
                run.delete.append(plugin.call("DEL", pid))
        finally:
            for pid in pids:
                os.kill(pid, 9)
                os.waitpid(pid, 0)
    return run


if __name__ == "__main__":
    print(json.dumps(vars(_measure(int(sys.argv[1])))))
