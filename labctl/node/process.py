"""The agent as a process of the lab: one per node, inside the node's network namespace.

It reaches the API server over the fabric with its own client certificate, so that a cable that is
pulled is a fault with consequences. When it ends, sandboxes, containers and the node's network
stay as they are, and the next one takes them over.
"""

import asyncio
import contextlib
import gc
import logging
import signal

import setproctitle
import uvloop

from labctl import names
from labctl.client.client import Client
from labctl.client.http import HttpTransport
from labctl.cri.client import RuntimeClient
from labctl.net import namespaces
from labctl.node.agent import serve

_LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def run(lab: str, node: str) -> None:
    """Serves `node` of `lab` until SIGTERM. Raises NetError if the node has no namespace."""
    setproctitle.setproctitle(names.agent_title(lab, node))
    logging.basicConfig(level=logging.INFO, format=_LOG_FORMAT)
    namespaces.enter(namespaces.netns_path(names.node_netns(lab, node)))
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
    cert, key = pki / f"node-{node}.crt", pki / f"node-{node}.key"
    return HttpTransport.tls(url, pki / "ca.crt", cert, key, agent="kubelet")
