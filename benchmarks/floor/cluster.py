"""Nodes and pods that have nothing but what the kernel makes them of.

One thread makes one pod after the other. It goes from namespace to namespace and never back, since
a socket, once made, stays in its own: so this runs in a process that does nothing else.
"""

import ctypes
import os
import shutil
import signal
import socket
import time
from pathlib import Path

from benchmarks.floor import messages

_NEWNET = 0x4000_0000  # CLONE_NEWNET
_LOOPBACK, _BRIDGE, _ETH0, _FIRST_PORT = 1, 100, 100, 1000  # indices; a kernel's own are small
_NULL = (
    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDWR, 0),
    (os.POSIX_SPAWN_DUP2, 0, 1),
    (os.POSIX_SPAWN_DUP2, 0, 2),
)
_PATH = os.defpath + ":/usr/libexec/podman"
_TICK = 0.002

_libc = ctypes.CDLL(None, use_errno=True)


class Cluster:
    """Nodes live by a socket in their namespaces, pods by their pauses."""

    def __init__(self) -> None:
        self.nodes: list[socket.socket] = []
        self.pauses: list[int] = []
        self._program = shutil.which("catatonit", path=_PATH) or "catatonit"
        self._has_ipv6 = any(Path("/proc/sys/net/ipv6").glob("*"))

    def add_node(self) -> None:
        _enter_new_namespace()
        self.nodes.append(_channel())
        messages.send(self.nodes[-1], messages.up(_LOOPBACK), messages.bridge("cni0", _BRIDGE))

    def add_pod(self) -> None:
        place, node = divmod(len(self.pauses), len(self.nodes))
        _enter_new_namespace()
        pause = os.posix_spawn(
            self._program, ["catatonit", "-P"], {}, file_actions=_NULL, setsid=True
        )
        self.pauses.append(pause)
        port = messages.pair(f"veth{place}", _FIRST_PORT + place, _BRIDGE, pause, _ETH0)
        messages.send(self.nodes[node], port)
        with _channel() as channel:
            quiet = [messages.without_ipv6(_ETH0)] if self._has_ipv6 else []
            messages.send(
                channel,
                *quiet,
                messages.up(_LOOPBACK),
                messages.up(_ETH0),
                messages.address(_ETH0, f"10.{node}.{place // 250}.{place % 250 + 2}", 16),
                messages.default_route(_ETH0, f"10.{node}.255.254"),
            )

    def processor_seconds(self) -> float:
        """Of this process and of the pauses, which live: their beginnings, up to now."""
        return time.process_time() + sum(map(_ran, self.pauses))

    def remove(self) -> None:
        """Ends the pauses, and returns when no veth is left."""
        _enter_new_namespace()  # this thread is in the last pod's
        for pause in self.pauses:
            os.kill(pause, signal.SIGKILL)
        for pause in self.pauses:
            os.waitpid(pause, 0)
        while any(messages.has_ports(node, _FIRST_PORT) for node in self.nodes):
            time.sleep(_TICK)
        for node in self.nodes:
            node.close()


def _enter_new_namespace() -> None:
    if _libc.unshare(_NEWNET) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"unshare: {os.strerror(code)}")


def _channel() -> socket.socket:
    return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)


def _ran(pid: int) -> float:
    """Seconds that a process of one thread has run: sched-stats.rst, /proc/PID/schedstat."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def measure(pods: int, nodes: int) -> dict[str, list[float] | float]:
    """What is to be said of `Floor`."""
    cluster = Cluster()
    for _ in range(nodes):
        cluster.add_node()
    after: list[float] = []
    began, before = time.perf_counter(), time.process_time()
    try:
        for _ in range(pods):
            cluster.add_pod()
            after.append(time.perf_counter() - began)
        processor = cluster.processor_seconds() - before
    finally:
        began = time.perf_counter()
        cluster.remove()
    removed = time.perf_counter() - began
    return {"after": after, "processor": processor, "removed": removed}
