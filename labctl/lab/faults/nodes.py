"""Faults of whole nodes: the agent dies, the cable is pulled, the machine is switched off."""

import asyncio
from dataclasses import replace

from labctl import fabric, names
from labctl.api.lab import LabSpec
from labctl.cri.client import RuntimeClient
from labctl.cri.errors import CriError, RuntimeUnavailable
from labctl.errors import LabError
from labctl.lab import control, state
from labctl.lab.faults import record

_RETRY_SECONDS = 0.05
_END_SECONDS = 20.0


def kill_agent(lab: str, node: str) -> None:
    """SIGKILLs the node's agent, which stays dead until `start_agent`."""
    state.require_node(lab, node)
    control.request(lab, "kill-agent", node=node)


def start_agent(lab: str, node: str) -> None:
    """Ends `kill_agent`; an agent that runs goes on. LabError when the node is down."""
    state.require_node(lab, node)
    _require_up(lab, node)
    control.request(lab, "start-agent", node=node)


def cut(lab: str, machine: str) -> None:
    """Pulls the cable of a node, or of the control plane, out of the switch."""
    spec = _with_machine(lab, machine)
    record.change(lab, lambda faults: replace(faults, cut=faults.cut | {machine}))
    fabric.cut(spec, machine)


def mend(lab: str, machine: str) -> None:
    """Plugs it in again. LabError when the node is down."""
    spec = _with_machine(lab, machine)
    _require_up(lab, machine)
    record.change(lab, lambda faults: replace(faults, cut=faults.cut - {machine}))
    fabric.mend(spec, machine)


async def node_down(lab: str, node: str) -> None:
    """Switches a node off: its agent and all that runs on it die at once, and its port goes dark.

    It stays so until `node_up`. LabError when something does not end.
    """
    state.require_node(lab, node)
    control.request(lab, "kill-agent", node=node)  # first: it must not tell of the others' end
    record.change(lab, lambda faults: replace(faults, down=faults.down | {node}))
    fabric.cut(state.require(lab), node)
    try:
        async with asyncio.timeout(_END_SECONDS):
            await _end_pods(lab, node)
    except TimeoutError:
        raise LabError(f"what runs on {node} does not end", f"labctl --lab {lab} ps") from None


async def node_up(lab: str, node: str) -> None:
    """Switches it on again: nothing runs, nothing is set up, then the agent starts.

    A cable that was pulled beside that stays out; a node that is up stays as it is.
    """
    state.require_node(lab, node)
    if node not in record.down_nodes(lab):
        return
    spec = state.require(lab)
    fabric.boot(spec, node)
    record.change(lab, lambda faults: replace(faults, down=faults.down - {node}))
    if node not in record.cut_nodes(lab):
        fabric.mend(spec, node)
    control.request(lab, "start-agent", node=node)


def _with_machine(lab: str, machine: str) -> LabSpec:
    """The lab, which has that machine."""
    if machine != fabric.CONTROL_PLANE:
        state.require_node(lab, machine)
    return state.require(lab)


def _require_up(lab: str, node: str) -> None:
    if node in record.down_nodes(lab):
        raise LabError(f"{node} is down", f"labctl --lab {lab} fault node-up {node}")


async def _end_pods(lab: str, node: str) -> None:
    """A sandbox that was just being made is found by another look."""
    runtime = RuntimeClient(names.runtime_socket(lab))
    try:
        while True:
            try:
                found = await runtime.list_pod_sandboxes(node)
                left = [one.id for one in found if one.state == "ready"]
                if not left:
                    return
                await asyncio.gather(*map(runtime.stop_pod_sandbox, left))
            except RuntimeUnavailable:  # it is being started again
                await asyncio.sleep(_RETRY_SECONDS)
    except CriError as error:
        raise LabError(f"what runs on {node}: {error.message}") from error
    finally:
        await runtime.close()
