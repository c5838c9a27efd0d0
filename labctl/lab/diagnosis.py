"""Why a lab does not come up: which of its processes keep ending, and what they said last."""

from labctl.errors import LabError
from labctl.lab import children, control

_LINES = 5


def explain(lab: str, error: LabError) -> LabError:
    """The same error, with what the processes that had to be restarted wrote at the end.

    A lab that does not come up is taken away with its logs, so this is the place to show them.
    """
    try:
        found = control.request(lab, "status")["processes"]
    except LabError:
        return error
    failing = [process for process in found if process["restarts"]]
    if not failing:
        return error
    said = [f"{one['name']} (restarted {one['restarts']} times)" for one in failing]
    last = [line for one in failing for line in _last_lines(lab, str(one["name"]))]
    return LabError(f"{error.message}; failing: {', '.join(said)}", " | ".join(last))


def _last_lines(lab: str, name: str) -> list[str]:
    try:
        lines = children.log_file(lab, name).read_text(errors="replace").splitlines()
    except OSError:
        return []
    return lines[-_LINES:]
