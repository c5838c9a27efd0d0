"""The agent as a process of the lab: one per node, inside the node's network namespace.

It reaches the API server over the fabric with its own client certificate, so that a cable that is
pulled is a fault with consequences. When it ends, sandboxes, containers and the node's network
stay as they are, and the next one takes them over.
"""

import asyncio
import contextlib
import functools
import gc
import logging
import signal
import ssl
from pathlib import Path

import setproctitle
import uvloop

from labctl import names
from labctl.client.client import Client
from labctl.client.http import HttpTransport, client_tls
from labctl.cri.client import RuntimeClient
from labctl.descriptors import make_room
from labctl.net import namespaces
from labctl.node.agent import serve

_DESCRIPTORS = 256  # a node's settings are 20 of them, and forwarded connections two each
_LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def run(lab: str, node: str) -> None:
    """Serves `node` of `lab` until SIGTERM. Raises NetError if the node has no namespace."""
    setproctitle.setproctitle(names.agent_title(lab, node))
    logging.basicConfig(level=logging.INFO, format=_LOG_FORMAT)
    namespaces.enter(namespaces.netns_path(names.node_netns(lab, node)))
    make_room(_DESCRIPTORS)
    gc.set_threshold(10_000)  # objects, not 700: what a pod takes is large, and has few cycles
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(lab, node))


async def _serve(lab: str, node: str) -> None:
    client = Client(api_transport(lab, node))
    runtime = RuntimeClient(names.runtime_socket(lab))
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await serve(lab, node, client, runtime)
    await runtime.close()
    await client.transport.close()


def api_transport(lab: str, node: str) -> HttpTransport:
    """The way to the API server over the fabric, as the user system:node:NODE."""
    pki = names.pki_dir(lab)
    url = f"https://{names.CONTROL_PLANE_ADDRESS}:{names.API_PORT}"
    tls = trust(pki / "ca.crt")
    tls.load_cert_chain(pki / f"node-{node}.crt", pki / f"node-{node}.key")
    return HttpTransport(url, tls=tls, agent="kubelet")


@functools.cache
def trust(authority: Path) -> ssl.SSLContext:
    """What is made before the fork, for all agents: each then gives its own the key of its node."""
    return client_tls(authority)
