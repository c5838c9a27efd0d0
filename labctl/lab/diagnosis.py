"""Why a lab does not come up: which of its processes keep ending, and what they said last."""

from labctl.errors import LabError
from labctl.lab import children, control

_LINES = 3


def restarts(lab: str) -> dict[str, int]:
    """How often each process of the lab was restarted; empty when there is no supervisor."""
    try:
        found = control.request(lab, "status")["processes"]
    except LabError:
        return {}
    return {process["name"]: process["restarts"] for process in found}


def explain(lab: str, error: LabError, before: dict[str, int]) -> LabError:
    """The error, with what processes that had to be restarted since `before` wrote at the end.

    A lab that does not come up is taken away with its logs, so this is the place to show them.
    """
    now = restarts(lab)
    failing = [name for name, count in now.items() if count > before.get(name, 0)]
    if error.hint or not failing:
        return error
    last = [line for name in failing for line in children.last_lines(lab, name, _LINES)]
    return LabError(f"{error.message}; these keep ending: {', '.join(failing)}", " | ".join(last))
