"""Faults on purpose: an agent killed for good, a node's cable pulled, and both undone.

What was done is remembered (the supervisor knows the dead agents, a file the pulled cables), so
that an `up` in between neither mends a fault by the way nor waits for a node that cannot be Ready.
"""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from labctl import fabric, names
from labctl.api.lab import LabSpec
from labctl.errors import BadInput
from labctl.lab import connect, control, processes, state


def kill_agent(lab: str, node: str) -> None:
    """SIGKILLs the node's agent, which stays dead until `start_agent`."""
    state.require_node(lab, node)
    control.request(lab, "kill-agent", node=node)


def start_agent(lab: str, node: str) -> None:
    """Ends `kill_agent`; an agent that runs goes on."""
    state.require_node(lab, node)
    control.request(lab, "start-agent", node=node)


def cut(lab: str, machine: str) -> None:
    """Pulls the cable of a node, or of "control-plane", out of the switch."""
    spec = _require_machine(lab, machine)
    _remember(lab, cut_nodes(lab) | {machine})
    fabric.cut(spec, machine)


def mend(lab: str, machine: str) -> None:
    """Plugs the cable in again; who keeps the fabric may be quicker once he knows."""
    spec = _require_machine(lab, machine)
    _remember(lab, cut_nodes(lab) - {machine})
    fabric.mend(spec, machine)


def _require_machine(lab: str, machine: str) -> LabSpec:
    if machine != fabric.CONTROL_PLANE:
        state.require_node(lab, machine)
    return state.require(lab)


FAULTS = {"kill-agent": kill_agent, "start-agent": start_agent, "cut": cut, "mend": mend}


def inflict(lab: str, fault: str, node: str) -> None:
    """The fault of that name on that node.

    BadInput when there is no such fault, NoSuchLab when the lab is not up, LabError for no node.
    """
    if fault not in FAULTS:
        raise BadInput(f"there is no fault {fault!r}", f"one of {', '.join(FAULTS)}")
    connect.require(lab)
    if not processes.is_up(lab):
        raise connect.not_up(lab)
    FAULTS[fault](lab, node)


def cut_nodes(lab: str) -> set[str]:
    """The nodes whose cable is pulled; "control-plane" among them if its is."""
    try:
        return msgspec.json.decode(_file(lab).read_bytes(), type=set[str])
    except (OSError, msgspec.DecodeError):
        return set()


def _remember(lab: str, nodes: Iterable[str]) -> None:
    new = _file(lab).with_suffix(".new")
    new.write_bytes(msgspec.json.encode(sorted(nodes)))
    new.replace(_file(lab))


def _file(lab: str) -> Path:
    return names.run_dir(lab) / "cut-cables.json"
