"""All faults by name: inflicted, listed, and taken away again."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from labctl.api.objects import Obj
from labctl.errors import BadInput, LabError
from labctl.lab import connect, processes, state
from labctl.lab.faults import cables, crashes, nodes, record, values

_OF_NODES: Mapping[str, Callable[[str, str], Awaitable[None] | None]] = MappingProxyType(
    {
        "kill-agent": nodes.kill_agent,
        "start-agent": nodes.start_agent,
        "cut": nodes.cut,
        "mend": nodes.mend,
        "node-down": nodes.node_down,
        "node-up": nodes.node_up,
    }
)
_OF_PROCESSES: Mapping[str, Callable[[str], None]] = MappingProxyType(
    {"kill-control-plane": crashes.kill_control_plane, "kill-runtime": crashes.kill_runtime}
)
FAULTS = (*_OF_NODES, *_OF_PROCESSES, *values.KINDS)


@dataclass(frozen=True)
class Fault:
    """One that is in force: which, whose, how bad."""

    fault: str
    target: str
    value: str = ""

    def __str__(self) -> str:
        return f"{self.fault} {self.target} {self.value}".rstrip()

    def report(self) -> Obj:
        value = {"value": self.value} if self.value else {}
        return {"fault": self.fault, "target": self.target, **value}


async def inflict(
    lab: str, fault: str, target: str = "", value: str = "", space: str = "default"
) -> None:
    """Makes that fault, of the node or pod `target`; `value` is for loss, rate and delay.

    BadInput when there is no such fault, NoSuchLab when the lab is not up, LabError for no target.
    """
    require(lab)
    if fault in _OF_NODES:
        await _done(_OF_NODES[fault](lab, target))
    elif fault in _OF_PROCESSES:
        _OF_PROCESSES[fault](lab)
    elif fault in values.KINDS:
        number = values.parse(fault, value, ("VALUE",))
        cables.set_impairment(lab, await cables.find_cable(lab, target, space), fault, number)
    else:
        raise BadInput(f"there is no fault {fault!r}", f"one of {', '.join(FAULTS)}")


async def shown(lab: str, kind: str, target: str, space: str = "default") -> str:
    """How bad a cable is in one way, as it would be typed; `none` of a good one."""
    require(lab)
    cable = await cables.find_cable(lab, target, space)
    return values.printed(kind, getattr(cable.impairment, kind))


def in_force(lab: str) -> list[Fault]:
    """The faults that last, by kind and target. NoSuchLab when the lab is not up."""
    require(lab)
    return list(_in_force(lab))


def fault_list(lab: str) -> Obj:
    """The FaultList: the same, for programs."""
    return {
        "apiVersion": "labctl.io/v1alpha1",
        "kind": "FaultList",
        "lab": lab,
        "items": [fault.report() for fault in in_force(lab)],
    }


async def clear(lab: str) -> list[Fault]:
    """Takes all faults away; returns those that were in force.

    Cables first, since what comes back needs the way to the API; then nodes, then agents. What
    fails does not keep the rest; the first error is raised at the end.
    """
    require(lab)
    before, problems = list(_in_force(lab)), list[LabError]()
    for step in _steps(lab):
        try:
            await _done(step())
        except LabError as problem:
            problems.append(problem)
    if problems:
        raise problems[0]
    return before


async def _done(outcome: Awaitable[None] | None) -> None:
    if outcome is not None:
        await outcome


def require(lab: str) -> None:
    """Raises NoSuchLab when the lab is not up."""
    connect.require(lab)
    if not processes.is_up(lab):
        raise connect.not_up(lab)


def _steps(lab: str) -> Iterator[Callable[[], Awaitable[None] | None]]:
    found = record.read(lab)
    yield from (partial(cables.make_good, lab, cable) for cable in found.cables)
    yield from (partial(nodes.mend, lab, node) for node in sorted(found.cut - found.down))
    yield from (partial(_restore, lab, node) for node in sorted(found.down))
    yield from (partial(nodes.start_agent, lab, node) for node in _dead_agents(lab))


async def _restore(lab: str, node: str) -> None:
    await nodes.node_up(lab, node)
    nodes.mend(lab, node)


def _in_force(lab: str) -> Iterator[Fault]:
    found = record.read(lab)
    yield from (Fault("kill-agent", node) for node in _dead_agents(lab) if node not in found.down)
    yield from (Fault("cut", node) for node in sorted(found.cut))
    yield from (Fault("node-down", node) for node in sorted(found.down))
    bad = sorted((one for one in found.cables if one.exists), key=lambda one: one.title)
    for kind in values.KINDS:
        for cable in bad:
            value = getattr(cable.impairment, kind)
            if value:
                yield Fault(kind, cable.title, values.printed(kind, value))


def _dead_agents(lab: str) -> list[str]:
    stopped = processes.read_record(lab).stopped
    return [node for node in state.require(lab).node_names if processes.agent(node) in stopped]
