"""A pod's status: what the API shall know of it, from its object and what the node has of it.

Pure. Fields that the agent does not know of are left alone.
"""

from labctl.api.objects import Obj, is_deleting
from labctl.api.objects import now as present_time
from labctl.node.pods import deadline
from labctl.node.pods.conditions import pod_conditions
from labctl.node.pods.container_status import (
    container_statuses,
    ephemeral_container_statuses,
    init_container_statuses,
)
from labctl.node.pods.facts import (
    PodFacts,
    ephemeral_containers_of,
    init_containers_of,
    is_host_network,
)
from labctl.node.pods.phase import TERMINAL, is_initialized, phase
from labctl.node.pods.qos import qos_class

EVICTED = "Evicted"


def pod_status(pod: Obj, facts: PodFacts, host_ip: str, now: float) -> Obj:
    """The whole status of `pod` on a node with the address `host_ip`, at epoch second `now`."""
    told: Obj = pod.get("status") or {}
    at, ending = phase(pod, facts), _ending(pod, facts, now)
    if ending:
        at = "Failed"
    status: Obj = {
        **{key: value for key, value in told.items() if key not in ("podIP", "podIPs")},
        "phase": at,
        "conditions": pod_conditions(pod, facts, at),
        "hostIP": host_ip,
        "hostIPs": [{"ip": host_ip}],
        "startTime": told.get("startTime") or present_time(),
        "qosClass": told.get("qosClass") or qos_class(pod),
    }
    initialized = is_initialized(pod, facts)
    status["containerStatuses"] = container_statuses(pod, facts, now, initialized=initialized)
    if init_containers_of(pod):
        status["initContainerStatuses"] = init_container_statuses(pod, facts, now)
    if ephemeral_containers_of(pod):
        statuses = ephemeral_container_statuses(pod, facts, now)
        status["ephemeralContainerStatuses"] = statuses
    status |= ending
    address = _pod_ip(pod, facts, host_ip, at)
    if address:
        status |= {"podIP": address, "podIPs": [{"ip": address}]}
    return status


def _ending(pod: Obj, facts: PodFacts, now: float) -> Obj:
    """Why the node has ended it, if it has: not before its containers have ended (KEP-3329)."""
    running = any(one.state == "running" for one in facts.containers)
    if running or phase(pod, facts) in TERMINAL:
        return {}
    if facts.eviction:
        return {"reason": EVICTED, "message": facts.eviction}
    if deadline.is_exceeded(pod, now):
        return {"reason": deadline.REASON, "message": deadline.MESSAGE}
    return {}


def _pod_ip(pod: Obj, facts: PodFacts, host_ip: str, phase: str) -> str:
    """The address while the sandbox is on the network.

    A pod that is being deleted keeps its last one; one that ended has given it back.
    """
    if is_host_network(pod):
        return host_ip
    sandbox = facts.sandbox
    if sandbox is not None and sandbox.id in facts.attached:
        return sandbox.config.ip
    told = str((pod.get("status") or {}).get("podIP", ""))
    return told if is_deleting(pod) and phase not in TERMINAL else ""
