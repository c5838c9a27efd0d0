"""A pod's phase, as the kubelet's getPhase computes it from its containers."""

from labctl.api.objects import Obj
from labctl.node.pods.facts import (
    PodFacts,
    containers_of,
    exit_code,
    init_containers_of,
    is_sidecar,
    restart_policy,
)
from labctl.node.probes.health import is_started

TERMINAL = ("Succeeded", "Failed")


def phase(pod: Obj, facts: PodFacts) -> str:
    """Pending, Running, Succeeded or Failed; a phase that is terminal stays what it is."""
    told: str = (pod.get("status") or {}).get("phase", "")
    if told in TERMINAL:
        return told
    codes = [_init_code(one, facts) for one in init_containers_of(pod)]
    policy = restart_policy(pod)
    if policy == "Never" and any(code for code in codes):
        return "Failed"
    if any(code != 0 for code in codes):
        return "Pending"
    return _main_phase(pod, facts, policy)


def is_terminal(pod: Obj, facts: PodFacts) -> bool:
    return phase(pod, facts) in TERMINAL


def is_initialized(pod: Obj, facts: PodFacts) -> bool:
    return all(_init_code(one, facts) == 0 for one in init_containers_of(pod))


def incomplete_inits(pod: Obj, facts: PodFacts) -> list[str]:
    """Names of the init containers that have not done their work."""
    return [one["name"] for one in init_containers_of(pod) if _init_code(one, facts) != 0]


def _init_code(container: Obj, facts: PodFacts) -> int | None:
    """0 once it is done (a sidecar: once it started), its exit code when it failed, else None."""
    newest = facts.newest(container["name"])
    if newest is None:
        return None
    if is_sidecar(container):
        started = is_started(container, newest, facts.healths) or newest.state == "exited"
        return 0 if started else None
    return exit_code(newest, init=True)


def _main_phase(pod: Obj, facts: PodFacts, policy: str) -> str:
    newest = [facts.newest(one["name"]) for one in containers_of(pod)]
    if any(one is None or one.state == "created" for one in newest):
        return "Pending"
    codes = [one.exit_code for one in newest if one is not None and one.state == "exited"]
    if len(codes) < len(newest) or policy == "Always":
        return "Running"
    if not any(codes):
        return "Succeeded"
    return "Failed" if policy == "Never" else "Running"
