"""From processes that run to a lab that is as it shall be: objects, nodes, networks.

The lab's ConfigMap tells everyone what it is; nodes become Ready, get the labels that a changed
lab file gives them, and those that are in it no more are drained, stopped and taken apart.
"""

import asyncio
import contextlib

from labctl import fabric, names
from labctl.api.kinds.core import CONFIGMAPS, NODES
from labctl.api.lab import LabSpec, lab_configmap
from labctl.api.objects import Obj, name, namespace
from labctl.client.client import Client
from labctl.client.unix import UnixTransport
from labctl.errors import LabError, StatusError
from labctl.lab import (
    control,
    diagnosis,
    faults,
    marks,
    networks,
    nodes,
    processes,
    state,
)
from labctl.lab.build import crew
from labctl.lab.former import Former
from labctl.lab.progress import Progress
from labctl.lab.wish import Change

_API_SECONDS = 30.0
_READY_SECONDS = 60.0
_READY_SECONDS_A_NODE = 0.5


def converge(change: Change, former: Former, progress: Progress) -> None:
    """Returns when all is as it shall be; LabError, with what ails the lab, when it is not."""
    lab = change.spec.name
    try:
        asyncio.run(_converge_in_hope(change, former, progress))
    except LabError as error:
        raise diagnosis.explain(lab, error, former.restarts) from error


async def _converge_in_hope(change: Change, former: Former, progress: Progress) -> None:
    """Does not wait for what cannot be, because a process that it takes keeps ending."""
    hopeless = asyncio.create_task(diagnosis.until_hopeless(change.spec.name, former.restarts))
    work = asyncio.create_task(_converge(change, former, progress))
    try:
        done, _ = await asyncio.wait({work, hopeless}, return_when=asyncio.FIRST_COMPLETED)
        await done.pop()
    finally:
        for task in (work, hopeless):
            task.cancel()
        await asyncio.gather(work, hopeless, return_exceptions=True)


async def _converge(change: Change, former: Former, progress: Progress) -> None:
    spec = change.spec
    client = Client(UnixTransport(names.api_socket(spec.name)))  # it need not be there yet
    await nodes.wait_for_api(client, _API_SECONDS)
    await _publish(client, change.wider)
    await _bring_back(client, spec, former)
    await _wait_ready(client, spec, former, progress)
    await marks.converge(client, change.stored, spec)
    if change.leaving:
        await _shrink(client, change, progress)
    await networks.wait_settled(client, spec, progress)


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


async def _bring_back(client: Client, spec: LabSpec, former: Former) -> None:
    """Nodes whose objects somebody deleted: an agent registers when it starts, and never else."""
    fresh = former.started_since(spec.name)
    old = {node for node in spec.node_names if processes.agent(node) not in fresh}
    if old:
        lost = old - {name(node) for node in (await client.list(NODES)).items}
        if lost:
            control.request(spec.name, "restart-agents", nodes=sorted(lost))


async def _wait_ready(client: Client, spec: LabSpec, former: Former, progress: Progress) -> None:
    _refuse_hurt(spec)
    fresh = former.started_since(spec.name)

    def is_good(node: Obj) -> bool:
        # What is stored of a node whose agent started just now may be of its former life.
        since = former.moment if processes.agent(name(node)) in fresh else 0.0
        return nodes.is_ready(node, since)

    seconds = _READY_SECONDS + _READY_SECONDS_A_NODE * len(spec.nodes)
    await nodes.wait_ready(client, spec.node_names, is_good, seconds, progress)


def _refuse_hurt(spec: LabSpec) -> None:
    """A node that was hurt on purpose will not be Ready, however long one waits."""
    stopped = processes.read_record(spec.name).stopped
    cut, down = faults.cut_nodes(spec.name), faults.down_nodes(spec.name)
    for node in spec.node_names:
        if node in down:
            raise _hurt(spec, f"{node} was switched off", f"node-up {node}")
        if processes.agent(node) in stopped:
            raise _hurt(spec, f"the agent of {node} was killed", f"start-agent {node}")
        if node in cut:
            raise _hurt(spec, f"the cable of {node} was cut", f"mend {node}")
    if fabric.CONTROL_PLANE in cut:
        at = fabric.CONTROL_PLANE
        raise _hurt(spec, f"the cable of the {at} was cut", f"mend {at}", whom="no node can")


def _hurt(spec: LabSpec, what: str, remedy: str, whom: str = "it cannot") -> LabError:
    sentence = f"{what} by a fault, so {whom} be Ready"
    return LabError(sentence, f"labctl --lab {spec.name} fault {remedy}")


async def _shrink(client: Client, change: Change, progress: Progress) -> None:
    """Nodes that are in the lab no more: drained, their agents stopped, forgotten, taken apart."""
    spec, leaving = change.spec, change.leaving
    for done, node in enumerate(leaving, start=1):
        for pod in sorted(await nodes.drain(client, node)):
            progress.step(f"pod {pod} went with {node}: it has no controller to make it again")
        progress.count("nodes drained", done, len(leaving))
    state.save(spec)
    control.request(spec.name, "reload", crew=crew(spec))
    await _publish(client, spec)
    for node in leaving:
        await nodes.forget(client, node)
    faults.forget_nodes(spec.name, leaving)
    fabric.converge(spec, faults.cut_nodes(spec.name))
