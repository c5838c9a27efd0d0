"""`labctl up`: from whatever there is (nothing, a lab, the wreck of one) to the lab that shall be.

The same steps every time, each of which leaves alone what is right already: files, certificates,
fabric, supervisor with its processes, the lab's ConfigMap, nodes until they are Ready, manifests.
If a step fails, a lab that was not there before is taken away again.
"""

import asyncio
import contextlib
import time
from dataclasses import replace

from labctl import fabric, names
from labctl.api.kinds.core import CONFIGMAPS
from labctl.api.lab import LabSpec, lab_configmap
from labctl.api.objects import Obj, name, namespace
from labctl.client.client import Client
from labctl.client.unix import UnixTransport
from labctl.errors import LabError, StatusError
from labctl.lab import (
    apply,
    certificates,
    cgroup,
    connect,
    control,
    diagnosis,
    faults,
    host,
    marks,
    networks,
    nodes,
    processes,
    state,
)
from labctl.lab.down import take_away
from labctl.lab.launch import Launch
from labctl.lab.lock import lock
from labctl.lab.manifests import Manifest
from labctl.lab.progress import Progress
from labctl.lab.wish import Wish, resolve

_API_SECONDS = 30.0
_READY_SECONDS = 60.0
_READY_SECONDS_A_NODE = 0.5


def up(wish: Wish, progress: Progress) -> LabSpec:
    """Makes the lab, or makes it what it shall be; returns when every node is Ready.

    Raises HostCannot before anything is touched; BadInput for what is wrong with the wish.
    """
    host.require()
    with lock(wish.lab):
        stored = state.load(wish.lab)
        spec = resolve(wish, stored)
        try:
            _bring_up(spec, stored, wish, progress)
        except BaseException:
            if stored is None:
                progress.step("taking away what was made")
                take_away(wish.lab)
            raise
    return spec


def _bring_up(spec: LabSpec, stored: LabSpec | None, wish: Wish, progress: Progress) -> None:
    started = time.time()
    before, restarts = _running(spec.name), diagnosis.restarts(spec.name)
    cgroup.create(spec.name)
    state.make_directories(spec.name)
    _start(_with_leaving(spec, stored), progress)
    fresh = _running(spec.name) - before
    try:
        asyncio.run(_converge(spec, stored, fresh, started, progress))
    except LabError as error:
        raise diagnosis.explain(spec.name, error, restarts) from error
    if wish.manifests:
        asyncio.run(_apply(spec.name, wish.manifests, progress))


def _running(lab: str) -> set[str]:
    recorded = processes.read_record(lab).processes
    return {process.name for process in recorded if processes.is_alive(process)}


def _with_leaving(spec: LabSpec, stored: LabSpec | None) -> LabSpec:
    """The lab with the nodes that will leave: they are drained before they go."""
    if stored is None or len(stored.nodes) <= len(spec.nodes):
        return spec
    return replace(spec, nodes=spec.nodes + stored.nodes[len(spec.nodes) :])


def _start(spec: LabSpec, progress: Progress) -> None:
    """Files, certificates, fabric and processes. The supervisor imports while the rest is made."""
    launch = None if processes.supervisor_of(spec.name) else Launch(spec.name)
    try:
        progress.step("certificates and fabric")
        state.save(spec)
        certificates.ensure(spec)
        fabric.converge(spec, faults.cut_nodes(spec.name))
        progress.step(f"control plane, runtime and {len(spec.nodes)} agents")
        if launch is None:
            control.request(spec.name, "reload", nodes=spec.node_names)
        else:
            launch.go(list(spec.node_names))
    finally:
        if launch is not None:
            launch.close()


async def _converge(
    spec: LabSpec, stored: LabSpec | None, fresh: set[str], started: float, progress: Progress
) -> None:
    wider = _with_leaving(spec, stored)
    client = Client(UnixTransport(names.api_socket(spec.name)))  # not there yet
    await nodes.wait_for_api(client, _API_SECONDS)
    await _publish(client, wider)
    await _wait_ready(client, spec, fresh, started, progress)
    await marks.converge(client, stored, spec)
    if wider != spec:
        await _shrink(client, spec, wider, progress)
    await networks.wait_settled(client, spec, progress)


async def _wait_ready(
    client: Client, spec: LabSpec, fresh: set[str], started: float, progress: Progress
) -> None:
    _refuse_hurt(spec)

    def is_good(node: Obj) -> bool:
        # What is stored of a node whose agent started just now may be of its former life.
        return nodes.is_ready(node, started if processes.agent(name(node)) in fresh else 0.0)

    seconds = _READY_SECONDS + _READY_SECONDS_A_NODE * len(spec.nodes)
    await nodes.wait_ready(client, spec.node_names, is_good, seconds, progress)


def _refuse_hurt(spec: LabSpec) -> None:
    """A node that was hurt on purpose will not be Ready, however long one waits."""
    stopped = processes.read_record(spec.name).stopped
    cut = faults.cut_nodes(spec.name)
    for node in spec.node_names:
        if processes.agent(node) in stopped:
            raise _hurt(spec, f"the agent of {node} was killed by a fault", f"start-agent {node}")
        if node in cut:
            raise _hurt(spec, f"the cable of {node} was cut by a fault", f"mend {node}")


def _hurt(spec: LabSpec, what: str, remedy: str) -> LabError:
    return LabError(f"{what}, so it cannot be Ready", f"labctl --lab {spec.name} fault {remedy}")


async def _publish(client: Client, spec: LabSpec) -> None:
    """Writes the lab's ConfigMap, from which agents, controllers and verify learn it."""
    wanted = lab_configmap(spec)
    space, at = namespace(wanted), name(wanted)
    found = (await client.list(CONFIGMAPS, space, fields=f"metadata.name={at}")).items
    if not found:
        with contextlib.suppress(StatusError):  # the control plane writes it too when it starts
            await client.create(CONFIGMAPS, wanted)
    elif found[0].get("data") != wanted["data"]:
        await client.patch(CONFIGMAPS, at, {"data": wanted["data"]}, space)


async def _shrink(client: Client, spec: LabSpec, wider: LabSpec, progress: Progress) -> None:
    """Nodes that are in the lab no more: drained, their agents stopped, forgotten, taken apart."""
    leaving = wider.node_names[len(spec.nodes) :]
    for done, node in enumerate(leaving, start=1):
        progress.count("nodes drained", done, len(leaving))
        await nodes.drain(client, node)
    state.save(spec)
    control.request(spec.name, "reload", nodes=spec.node_names)
    await _publish(client, spec)
    for node in leaving:
        await nodes.forget(client, node)
    fabric.converge(spec, faults.cut_nodes(spec.name))


async def _apply(lab: str, manifests: tuple[Manifest, ...], progress: Progress) -> None:
    async for outcome in apply.apply_all(connect.client(lab), manifests):
        progress.step(str(outcome))
