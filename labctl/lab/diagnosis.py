"""Why a lab does not come up: which of its processes keep ending, and what they said last."""

import asyncio

from labctl.errors import LabError
from labctl.lab import children, control

_LINES = 3
_DEATHS = 6  # of one process while a lab comes up, which take the supervisor some five seconds
_LOOK_SECONDS = 0.5


def restarts(lab: str) -> dict[str, int]:
    """How often each process of the lab was restarted; empty when there is no supervisor."""
    try:
        found = control.request(lab, "status")["processes"]
    except LabError:
        return {}
    return {process["name"]: process["restarts"] for process in found}


async def until_hopeless(lab: str, before: dict[str, int]) -> None:
    """Raises LabError when a process has ended again and again since `before`."""
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        for name, count in restarts(lab).items():
            if count - before.get(name, 0) >= _DEATHS:
                raise LabError(f"{name} ended {count - before.get(name, 0)} times")


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
