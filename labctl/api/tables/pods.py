"""The rows of Pods: above all STATUS, which is put together from everything that is known.

printPod of printers.go: the phase, unless a container's state says more, unless an init container is
still at work, unless the pod is being deleted.
"""

from dataclasses import dataclass
from typing import Any

from labctl.api.kinds.core import PODS, PODTEMPLATES
from labctl.api.objects import Obj, condition, is_condition_true, is_deleting, name, parse_time
from labctl.api.tables.columns import AGE, NAME, Printer, text, wide
from labctl.api.tables.text import NONE, age, duration, joined, labels_text, spec, status

_TERMINAL = ("Succeeded", "Failed")
_COLUMNS = (
    NAME,
    text("Ready"),
    text("Status"),
    text("Restarts"),
    AGE,
    wide("IP"),
    wide("Node"),
    wide("Nominated Node"),
    wide("Readiness Gates"),
)


@dataclass
class _Tally:
    """What is counted over the containers of a pod."""

    reason: str
    ready: int = 0
    restarts: int = 0
    last_restart: float = 0

    def count_restarts(self, container: Obj) -> None:
        self.restarts += container.get("restartCount") or 0
        ended = (container.get("lastState") or {}).get("terminated") or {}
        if ended.get("finishedAt"):
            self.last_restart = max(self.last_restart, _time(ended["finishedAt"]))


def _time(text_: str) -> float:
    try:
        return parse_time(text_)
    except ValueError:
        return 0


def _cells(pod: Obj, now: float) -> list[Any]:
    sidecars = _sidecars(pod)
    tally = _tally(pod, sidecars)
    total = len(spec(pod).get("containers") or ()) + len(sidecars)
    return [
        name(pod),
        f"{tally.ready}/{total}",
        _deletion_reason(pod) or tally.reason,
        _restarts(tally, now),
        age(pod, now),
        *_wide_cells(pod),
    ]


def pod_status(pod: Obj) -> str:
    """The word in the STATUS column: Running, Pending, CrashLoopBackOff, Init:0/1, Terminating…"""
    return _deletion_reason(pod) or _tally(pod, _sidecars(pod)).reason


def _sidecars(pod: Obj) -> set[str]:
    """Init containers that stay: they count as containers."""
    containers = spec(pod).get("initContainers") or ()
    return {one.get("name", "") for one in containers if one.get("restartPolicy") == "Always"}


def _tally(pod: Obj, sidecars: set[str]) -> _Tally:
    state = status(pod)
    tally = _Tally(state.get("reason") or state.get("phase") or "")
    scheduled = condition(pod, "PodScheduled") or {}
    if scheduled.get("reason") == "SchedulingGated":
        tally.reason = "SchedulingGated"
    initializing = _tally_init(pod, sidecars, tally)
    if not initializing or is_condition_true(pod, "Initialized"):
        _tally_containers(pod, sidecars, tally)
    return tally


def _tally_init(pod: Obj, sidecars: set[str], tally: _Tally) -> bool:
    """Goes through the init containers up to the one at work; whether there is one."""
    total = len(spec(pod).get("initContainers") or ())
    for index, container in enumerate(status(pod).get("initContainerStatuses") or ()):
        tally.count_restarts(container)
        state = container.get("state") or {}
        ended = state.get("terminated")
        if ended is not None and ended.get("exitCode") == 0:
            continue
        if container.get("name") in sidecars and container.get("started"):
            tally.ready += bool(container.get("ready"))
            continue
        tally.reason = _init_reason(state, f"{index}/{total}")
        return True
    return False


def _init_reason(state: Obj, progress: str) -> str:
    if state.get("terminated") is not None:
        return f"Init:{_ended(state['terminated'])}"
    waiting = (state.get("waiting") or {}).get("reason")
    if waiting and waiting != "PodInitializing":
        return f"Init:{waiting}"
    return f"Init:{progress}"


def _ended(terminated: Obj) -> str:
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode', 0)}"


def _tally_containers(pod: Obj, sidecars: set[str], tally: _Tally) -> None:
    tally.restarts, tally.last_restart, running = 0, 0, False
    for container in status(pod).get("initContainerStatuses") or ():
        if container.get("name") in sidecars:
            tally.count_restarts(container)
    # The first container's word counts most, so it comes last.
    for container in reversed(status(pod).get("containerStatuses") or ()):
        tally.count_restarts(container)
        state = container.get("state") or {}
        if (state.get("waiting") or {}).get("reason"):
            tally.reason = state["waiting"]["reason"]
        elif state.get("terminated") is not None:
            tally.reason = _ended(state["terminated"])
        elif container.get("ready") and state.get("running") is not None:
            running = True
            tally.ready += 1
    if tally.reason == "Completed" and running:
        tally.reason = "Running" if is_condition_true(pod, "Ready") else "NotReady"


def _deletion_reason(pod: Obj) -> str:
    if not is_deleting(pod):
        return ""
    if status(pod).get("reason") == "NodeLost":
        return "Unknown"
    return "" if status(pod).get("phase") in _TERMINAL else "Terminating"


def _restarts(tally: _Tally, now: float) -> str:
    if tally.restarts and tally.last_restart:
        return f"{tally.restarts} ({duration(now - tally.last_restart)} ago)"
    return str(tally.restarts)


def _wide_cells(pod: Obj) -> list[str]:
    addresses = status(pod).get("podIPs") or ()
    address = addresses[0].get("ip") if addresses else status(pod).get("podIP")
    gates = [one.get("conditionType", "") for one in spec(pod).get("readinessGates") or ()]
    passed = sum(is_condition_true(pod, gate) for gate in gates)
    return [
        address or NONE,
        spec(pod).get("nodeName") or NONE,
        status(pod).get("nominatedNodeName") or NONE,
        f"{passed}/{len(gates)}" if gates else NONE,
    ]


def containers_and_images(pod_spec: Obj) -> list[str]:
    """The two cells that every kind with a pod template shows."""
    containers = pod_spec.get("containers") or ()
    return [
        joined(str(one.get("name", "")) for one in containers),
        joined(str(one.get("image", "")) for one in containers),
    ]


def _template_cells(obj: Obj, now: float) -> list[Any]:
    del now
    template = obj.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels")
    return [name(obj), *containers_and_images(spec(template)), labels_text(labels)]


PRINTERS = {
    PODS: Printer(_COLUMNS, _cells),
    PODTEMPLATES: Printer(
        (NAME, text("Containers"), text("Images"), text("Pod Labels")), _template_cells
    ),
}
