"""Who notices when something is lost: pings without a pause, a TCP connection, a busy writer.

They are no part of the lab, or are programs in its pods, and go on while it is hurt.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from labctl import names
from labctl.api.kinds.core import CONFIGMAPS
from labctl.api.objects import Obj
from labctl.client.client import Client
from labctl.client.unix import UnixTransport
from labctl.errors import StatusError
from labctl.lab.ping import ping
from labctl.lab.places import Place
from tests.command import Labctl

_INTERVAL = 0.005
_BURST = 40
_never = threading.Event()

_LISTENER = """
import socket
peer, _ = socket.create_server(("", 7000)).accept()
for line in peer.makefile("rb"):
    peer.sendall(line)
"""
_TALKER = """
import socket, sys, threading, time
peer = socket.create_connection((sys.argv[1], 7000))
peer.settimeout(60)
lines, pause, number, worst = peer.makefile("rb"), threading.Event(), 0, 0.0
while True:
    number, started = number + 1, time.monotonic()
    peer.sendall(b"%d\\n" % number)
    assert lines.readline() == b"%d\\n" % number
    worst = max(worst, time.monotonic() - started)
    if not number % 20:
        print(number, worst, flush=True)
    pause.wait(0.005)
"""


@dataclass
class Flood:
    """Pings that were sent, and those that were not answered."""

    sent: int = 0
    lost: int = 0


@contextmanager
def flooding(source: Place, destination: Place) -> Iterator[Flood]:
    """Pings all the time, from place to place; the counts are complete at the end."""
    flood, stop = Flood(), threading.Event()

    def send() -> None:
        while not stop.is_set():
            outcome = ping(source, destination, count=_BURST, interval=_INTERVAL)
            flood.sent += outcome.transmitted
            flood.lost += outcome.lost

    with _running(send, stop):
        yield flood


@dataclass
class Writes:
    """The names of ConfigMaps whose creation was acknowledged, and how often it was not."""

    acknowledged: list[str] = field(default_factory=list)
    failures: int = 0


@contextmanager
def writing(lab: str, prefix: str) -> Iterator[Writes]:
    """Creates ConfigMaps one after the other through the lab's socket."""
    writes, stop = Writes(), threading.Event()
    with _running(lambda: asyncio.run(_write(lab, prefix, writes, stop)), stop):
        yield writes


async def _write(lab: str, prefix: str, writes: Writes, stop: threading.Event) -> None:
    client, number = Client(UnixTransport(names.api_socket(lab))), 0
    while not stop.is_set():
        number += 1
        name = f"{prefix}-{number}"
        made = {"metadata": {"name": name, "namespace": "default"}, "data": {"x": "y" * 200}}
        try:
            await client.create(CONFIGMAPS, {"apiVersion": "v1", "kind": "ConfigMap", **made})
            writes.acknowledged.append(name)
        except StatusError:
            writes.failures += 1
        _never.wait(_INTERVAL)
    await client.transport.close()


@contextmanager
def _running(work: Callable[[], None], stop: threading.Event) -> Iterator[None]:
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def place(pod: Obj, lab: str) -> Place:
    metadata, address = pod["metadata"], pod["status"]["podIP"]
    netns = names.pod_netns(lab, metadata["namespace"], metadata["name"])
    return Place("Pod", metadata["name"], address, "default", pod["spec"]["nodeName"], netns)


def talkers(labctl: Labctl, listens: str, talks: str) -> None:
    """Two pods, `listener` and `talker`, on two nodes, with one TCP connection between them."""
    labctl.ok("apply", "-f", "-", stdin=_program("listener", listens, _LISTENER))
    labctl.ok("wait", "--for=condition=Ready", "pod/listener")
    address = labctl.ok("get", "pod", "listener", "-o", "jsonpath={.status.podIP}")
    labctl.ok("apply", "-f", "-", stdin=_program("talker", talks, _TALKER, address))
    labctl.ok("wait", "--for=condition=Ready", "pod/talker")


def _program(name: str, node: str, program: str, *arguments: str) -> str:
    body = "".join(f"        {line}\n" for line in program.strip().splitlines())
    words = "".join(f"    - '{word}'\n" for word in arguments)
    return (
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\n"
        f"spec:\n  nodeName: {node}\n  restartPolicy: Never\n  terminationGracePeriodSeconds: 0\n"
        f"  tolerations: [{{operator: Exists}}]\n"
        f"  containers:\n  - name: main\n    image: none\n    command:\n"
        f"    - /usr/bin/python3\n    - -c\n    - |\n{body}{words}"
    )


def said(labctl: Labctl) -> tuple[int, float]:
    """How many lines the talker had answered, and the longest that it waited for one, in seconds.

    It must have been the same connection all the time: the talker ends with the first.
    """
    state = labctl.ok("get", "pod", "talker", "-o", "jsonpath={.status.phase}")
    assert state == "Running", labctl.ok("logs", "talker")
    lines = labctl.ok("logs", "talker").split("\n")[:-1]
    if not lines:
        return 0, 0.0
    number, worst = lines[-1].split()
    return int(number), float(worst)
