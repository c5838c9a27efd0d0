"""A pod's conditions, worded as the kubelet words them."""

from labctl.api.objects import Obj, condition, set_condition
from labctl.node.pods.facts import PodFacts, containers_of, init_containers_of, is_sidecar
from labctl.node.pods.phase import incomplete_inits
from labctl.node.probes.health import is_ready

READY_TO_START = "PodReadyToStartContainers"
_OWN = (READY_TO_START, "Initialized", "Ready", "ContainersReady", "PodScheduled")


def pod_conditions(pod: Obj, facts: PodFacts, phase: str) -> list[Obj]:
    """The pod's conditions, those of others (readiness gates, DisruptionTarget) kept as they are."""
    result: list[Obj] = list((pod.get("status") or {}).get("conditions") or ())
    containers = _containers_ready(pod, facts, phase)
    verdicts = {
        READY_TO_START: _ready_to_start(facts),
        "Initialized": _initialized(pod, facts, phase),
        "Ready": _ready(pod, containers),
        "ContainersReady": containers,
        "PodScheduled": ("True", "", ""),
    }
    for type_ in _OWN:
        if type_ == "PodScheduled" and condition(pod, type_) is not None:
            continue  # the scheduler's word; only a pod that was never scheduled lacks it
        result = set_condition(result, type_, *verdicts[type_])
    return result


Verdict = tuple[str, str, str]  # status, reason, message


def _ready_to_start(facts: PodFacts) -> Verdict:
    sandbox = facts.sandbox
    ready = sandbox is not None and sandbox.id in facts.attached
    return ("True" if ready else "False", "", "")


def _initialized(pod: Obj, facts: PodFacts, phase: str) -> Verdict:
    if phase == "Succeeded":
        return ("True", "PodCompleted", "")
    incomplete = incomplete_inits(pod, facts)
    if not incomplete or any(facts.newest(one["name"]) for one in containers_of(pod)):
        return ("True", "", "")
    text = f"containers with incomplete status: [{' '.join(incomplete)}]"
    return ("False", "ContainersNotInitialized", text)


def _containers_ready(pod: Obj, facts: PodFacts, phase: str) -> Verdict:
    if phase == "Succeeded":
        return ("False", "PodCompleted", "")
    if phase == "Failed":
        return ("False", "PodFailed", "")
    sidecars = [one for one in init_containers_of(pod) if is_sidecar(one)]
    unready = [
        one["name"]
        for one in (*sidecars, *containers_of(pod))
        if not is_ready(one, facts.newest(one["name"]), facts.healths)
    ]
    if not unready:
        return ("True", "", "")
    text = f"containers with unready status: [{' '.join(unready)}]"
    return ("False", "ContainersNotReady", text)


def _ready(pod: Obj, containers: Verdict) -> Verdict:
    if containers[0] != "True":
        return containers
    problems = [text for gate in _gates(pod) if (text := _gate_problem(pod, gate))]
    return ("False", "ReadinessGatesNotReady", ", ".join(problems)) if problems else containers


def _gates(pod: Obj) -> list[str]:
    return [gate["conditionType"] for gate in pod["spec"].get("readinessGates") or ()]


def _gate_problem(pod: Obj, gate: str) -> str:
    found = condition(pod, gate)
    if found is None:
        return f'corresponding condition of pod readiness gate "{gate}" does not exist.'
    status = found.get("status")
    if status == "True":
        return ""
    return f'the status of pod readiness gate "{gate}" is not "True", but {status}'
