"""What keeps a lab right on this machine: the runtime, and beside it the keeper of the fabric."""

from labctl.api.lab import LabSpec
from labctl.errors import LabError
from labctl.lab import warm


def run_runtime(lab: str) -> None:
    """The program of the lab's runtime. Imports within: the process that forks it needs none."""
    from labctl.fabric.keeping import keep
    from labctl.lab.faults import cut_nodes

    runtime = warm.load(warm.RUNTIME)
    runtime.run(
        lab, lambda: heals(lab), [lambda: keep(lab, lambda: stored(lab), lambda: cut_nodes(lab))]
    )


def stored(lab: str) -> LabSpec | None:
    """The lab as it shall be; None when it is being taken away."""
    from labctl.lab import state

    try:
        return state.load(lab)
    except LabError:  # half a file: whoever wrote it says so
        return None


def heals(lab: str) -> bool:
    """Whether what somebody damages is mended."""
    spec = stored(lab)
    return spec is not None and spec.network.healing
