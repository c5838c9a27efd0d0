"""The control plane's process, from its first line to SIGTERM.

In this order: the store opens, the API server fills its cache from it, the lab's ConfigMap is made
if it is not there yet, the listeners open (from then on `/readyz` answers), controllers and
scheduler run. SIGTERM takes it down in reverse. A failure of any part ends the process with a
traceback in the log; the supervisor starts it again, and all state is in the store.
"""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import uvloop
from setproctitle import setproctitle

from labctl import names
from labctl.api.kinds.apps import DEPLOYMENTS, REPLICASETS
from labctl.api.kinds.core import CONFIGMAPS, PODS
from labctl.api.lab import lab_configmap, lab_from_yaml
from labctl.api.schema import prepare
from labctl.apiserver.http.listener import listen
from labctl.apiserver.kubelet.agents import Agents
from labctl.apiserver.server import ApiServer
from labctl.apiserver.tls import agent_client_context, server_context
from labctl.client.client import Client
from labctl.controlplane import sockets
from labctl.controlplane.components import run_components
from labctl.controlplane.kubeconfig import kubeconfig
from labctl.errors import StatusError
from labctl.store.sqlite import SqliteStore

_FIRST_WANTED = (DEPLOYMENTS, REPLICASETS, PODS)
_PREPARATION_SECONDS = 0.25

_log = logging.getLogger(__name__)


def run(lab: str) -> None:
    """Serves the lab until SIGTERM or SIGINT. For a process of its own: it takes signals and log."""
    setproctitle(names.control_plane_title(lab))
    _log_to(names.log_dir(lab) / "control-plane.log")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(_serve_until_told(lab))
        except BaseException:
            _log.exception("the control plane ends")
            raise


async def _serve_until_told(lab: str) -> None:
    serving = asyncio.ensure_future(serve(lab))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, serving.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await serving


async def serve(lab: str) -> None:
    """Serves the lab until cancelled."""
    store = SqliteStore.open(names.store_file(lab))
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(store.close)
        server = ApiServer(store)
        await server.start()
        await _publish_lab(lab, server)
        await stack.enter_async_context(_listening(lab, server))
        # Stopped before the listeners close: that ends all watches, for which they would wait.
        stack.push_async_callback(server.stop)
        _log.info("listening, at revision %s", await store.revision())
        async with asyncio.TaskGroup() as group:
            group.create_task(_prepare_schemas())
            group.create_task(run_components(server))


async def _prepare_schemas() -> None:
    """Compiles the schemas of what a Deployment is made of, so that the first does not wait for it.

    Not at once: while a lab comes up, its nodes come first.
    """
    for resource in _FIRST_WANTED:
        await asyncio.sleep(_PREPARATION_SECONDS)
        prepare(resource)


async def _publish_lab(lab: str, server: ApiServer) -> None:
    """Makes the ConfigMap from which agents and controllers learn of the lab, once."""
    configmap = lab_configmap(lab_from_yaml(names.lab_file(lab).read_text()))
    client = Client(server.local_transport("labctl", ("system:masters",)))
    try:
        await client.create(CONFIGMAPS, configmap)
    except StatusError as error:
        if error.reason != "AlreadyExists":
            raise


@contextlib.asynccontextmanager
async def _listening(lab: str, server: ApiServer) -> AsyncIterator[None]:
    directory = names.pki_dir(lab)
    tls = server_context(directory)
    local = sockets.local_socket(lab)
    port = local.getsockname()[1]
    ways_in = (
        (sockets.fabric_socket(lab), tls),
        (local, tls),
        (sockets.unix_socket(names.api_socket(lab)), None),
    )
    async with contextlib.AsyncExitStack() as stack:
        agents = Agents(agent_client_context(directory), sockets.fabric_connector(lab))
        stack.push_async_callback(agents.close)
        for sock, context in ways_in:
            listener = await listen(server, sock, context, agents)
            stack.push_async_callback(listener.close)
        config = kubeconfig(directory, f"https://127.0.0.1:{port}", lab)
        _write_private(names.kubeconfig_file(lab), config)
        yield


def _write_private(path: Path, text: str) -> None:
    """Writes a file that only root can read, in one step."""
    partial = path.with_name(path.name + ".new")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    partial.rename(path)


def _log_to(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    logging.basicConfig(
        filename=path,
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        force=True,
    )
