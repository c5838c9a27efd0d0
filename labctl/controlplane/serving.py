"""What the control plane's process does: everything that takes its time to import.

In this order: the store opens, the API server fills its cache from it, the lab's ConfigMap is made
if it is not there yet, whoever knocks is answered (from then on `/readyz` does), controllers and
scheduler run. All state is in the store.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator
from pathlib import Path

from labctl import names
from labctl.api.kinds.apps import DEPLOYMENTS, REPLICASETS
from labctl.api.kinds.cluster import RUNTIMECLASSES
from labctl.api.kinds.core import CONFIGMAPS, PODS
from labctl.api.lab import LabSpec, lab_configmap, lab_from_yaml
from labctl.api.schema import prepare
from labctl.apiserver.http.listener import listen
from labctl.apiserver.kubelet.agents import Agents
from labctl.apiserver.server import ApiServer
from labctl.apiserver.tls import agent_client_context, server_context
from labctl.client.client import Client
from labctl.controlplane import sockets
from labctl.controlplane.components import run_components
from labctl.controlplane.kubeconfig import kubeconfig
from labctl.controlplane.sockets import Doors
from labctl.controlplane.stores import open_store
from labctl.errors import StatusError

_FIRST_WANTED = (DEPLOYMENTS, REPLICASETS, PODS)
_RUNTIME_CLASS = {
    "apiVersion": RUNTIMECLASSES.api_version,
    "kind": RUNTIMECLASSES.kind,
    "metadata": {"name": "crun"},
    "handler": "crun",
}
_PREPARATION_SECONDS = 0.25

_log = logging.getLogger(__name__)


async def serve(lab: str, doors: Doors) -> None:
    """Serves the lab through `doors` until cancelled."""
    spec = lab_from_yaml(names.lab_file(lab).read_text())
    store = await open_store(spec)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(store.close)
        agents = Agents(agent_client_context(names.pki_dir(lab)), sockets.fabric_connector(lab))
        stack.push_async_callback(agents.close)
        server = ApiServer(store, agents=agents, pki=names.pki_dir(lab))
        await server.start()
        await _publish_lab(spec, server)
        await stack.enter_async_context(_listening(lab, server, doors, agents))
        # Stopped before the listeners close: that ends all watches, for which they would wait.
        stack.push_async_callback(server.stop)
        _log.info("listening, at revision %s", await store.revision())
        async with asyncio.TaskGroup() as group:
            group.create_task(_prepare_schemas())
            group.create_task(run_components(server, names.pki_dir(lab)))


async def _prepare_schemas() -> None:
    """Compiles the schemas of what a Deployment is made of, so that the first does not wait for it.

    Not at once: while a lab comes up, its nodes come first.
    """
    for resource in _FIRST_WANTED:
        await asyncio.sleep(_PREPARATION_SECONDS)
        prepare(resource)


async def _publish_lab(spec: LabSpec, server: ApiServer) -> None:
    """Makes what a lab has from the start, once: the ConfigMap from which agents and controllers
    learn of it, and a class for the runtime that nodes have besides their own.
    """
    client = Client(server.local_transport("labctl", ("system:masters",)))
    for resource, obj in ((CONFIGMAPS, lab_configmap(spec)), (RUNTIMECLASSES, _RUNTIME_CLASS)):
        try:
            await client.create(resource, obj)
        except StatusError as error:
            if error.reason != "AlreadyExists":
                raise


@contextlib.asynccontextmanager
async def _listening(
    lab: str, server: ApiServer, doors: Doors, agents: Agents
) -> AsyncIterator[None]:
    directory = names.pki_dir(lab)
    tls = server_context(directory)
    port = doors.local.getsockname()[1]
    ways_in = ((doors.fabric, tls), (doors.local, tls), (doors.unix, None))
    async with contextlib.AsyncExitStack() as stack:
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
