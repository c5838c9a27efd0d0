"""What a lab stands on: its files, certificates, fabric and processes."""

from labctl import fabric
from labctl.api.lab import LabSpec
from labctl.lab import certificates, control, faults, processes, state, store
from labctl.lab.launch import Launch
from labctl.lab.progress import Progress


def build(spec: LabSpec, launch: Launch | None, progress: Progress) -> None:
    """Makes them, or what is missing of them; `launch` is a new supervisor, None if one runs.

    A new one is told to start the processes, and not waited for.
    """
    progress.step("certificates and fabric")
    state.save(spec)
    certificates.ensure(spec)
    fabric.converge(spec, faults.cut_nodes(spec.name), processes.namespaces(spec))
    progress.step(f"control plane, runtime and {_agents(len(spec.nodes))}")
    if launch is None:
        control.request(spec.name, "reload", crew=crew(spec))
    else:
        store.claim(spec)
        launch.go(crew(spec))


def crew(spec: LabSpec) -> list[str]:
    """The names of all processes that the lab shall have, but its supervisor."""
    etcd = [processes.ETCD] if spec.store.is_own_etcd else []
    agents = map(processes.agent, spec.node_names)
    return [*etcd, processes.CONTROL_PLANE, processes.RUNTIME, *agents]


def _agents(count: int) -> str:
    return f"{count} agents" if count > 1 else "1 agent"
