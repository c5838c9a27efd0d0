"""The `containerStatuses` of a pod, as kubectl prints them, from what the runtime has."""

from labctl.api.objects import Obj, format_time
from labctl.cri.messages import Container
from labctl.node.pods.facts import (
    Failure,
    PodFacts,
    containers_of,
    ephemeral_containers_of,
    exit_code,
    init_containers_of,
    is_sidecar,
    restart_policy,
    told_statuses,
)
from labctl.node.probes.health import is_ready, is_started

RUNTIME_SCHEME = "labctl://"


def container_statuses(pod: Obj, facts: PodFacts, now: float, *, initialized: bool) -> list[Obj]:
    """One status for each container of the spec, in its order."""
    reason = "ContainerCreating" if initialized else "PodInitializing"
    policy = restart_policy(pod)
    return [_status(pod, one, facts, now, reason, policy) for one in containers_of(pod)]


def init_container_statuses(pod: Obj, facts: PodFacts, now: float) -> list[Obj]:
    policy = "OnFailure" if restart_policy(pod) == "Always" else restart_policy(pod)
    return [
        _status(pod, one, facts, now, "PodInitializing", policy, init=True)
        for one in init_containers_of(pod)
    ]


def ephemeral_container_statuses(pod: Obj, facts: PodFacts, now: float) -> list[Obj]:
    """Never ready, and never started anew."""
    statuses = (
        _status(pod, one, facts, now, "ContainerCreating", "Never")
        for one in ephemeral_containers_of(pod)
    )
    return [{**one, "ready": False, "started": False} for one in statuses]


def container_id(container: Container) -> str:
    """As a status has it: the runtime's scheme and its id."""
    return RUNTIME_SCHEME + container.id


def image_id(container: Container) -> str:
    """With its digest; where there is none, says plainly what runs in its place."""
    if container.image is not None:
        return container.image.reference
    return RUNTIME_SCHEME + ("stand-in" if container.stand_in else "host")


def _status(
    pod: Obj,
    spec: Obj,
    facts: PodFacts,
    now: float,
    waiting: str,
    policy: str,
    *,
    init: bool = False,
) -> Obj:
    known = facts.incarnations(spec["name"])
    failure = facts.failures.get(spec["name"])
    if not known:
        return _told(pod, spec["name"]) or _waiting_status(spec, waiting, failure)
    newest = known[0]
    policy = "Always" if is_sidecar(spec) else policy
    state = _state(pod, newest, facts, now, policy, waiting, init=init)
    last = _last_state(known, state, init=init)
    done = exit_code(newest, init=init) == 0
    return {
        "name": spec["name"],
        "state": state,
        "lastState": last,
        "ready": done if init and not is_sidecar(spec) else is_ready(spec, newest, facts.healths),
        "started": is_started(spec, newest, facts.healths),
        "restartCount": newest.config.attempt,
        "image": newest.image.name if newest.image else newest.config.image,
        "imageID": image_id(newest),
        "containerID": container_id(newest),
    }


def _waiting_status(spec: Obj, reason: str, failure: Failure | None) -> Obj:
    waiting = {"reason": reason}
    if failure is not None:
        waiting = {"reason": failure.reason, "message": failure.message}
    return {
        "name": spec["name"],
        "state": {"waiting": waiting},
        "lastState": {},
        "ready": False,
        "started": False,
        "restartCount": 0,
        "image": spec.get("image", ""),
        "imageID": "",
    }


def _told(pod: Obj, name: str) -> Obj | None:
    """What the API was told of a container that had run, for a runtime that has forgotten it."""
    for one in told_statuses(pod):
        if one.get("name") == name and one.get("containerID"):
            return {**one, "ready": False, "started": False, "state": _lost(one)}
    return None


def _lost(told: Obj) -> Obj:
    state: Obj = told.get("state") or {}
    if "terminated" in state:
        return state
    return {
        "terminated": {
            "exitCode": 137,
            "reason": "ContainerStatusUnknown",
            "message": "The container could not be located when the pod was terminated",
            "containerID": told["containerID"],
        }
    }


def _state(
    pod: Obj,
    container: Container,
    facts: PodFacts,
    now: float,
    policy: str,
    waiting: str,
    *,
    init: bool,
) -> Obj:
    name = container.config.name
    code = exit_code(container, init=init)
    if code is None:
        if container.state == "running":
            return {"running": {"startedAt": format_time(container.started_at)}}
        return {"waiting": {"reason": waiting}}
    delay = facts.delays.get(name, 0.0)
    restarts = policy == "Always" or (policy == "OnFailure" and code != 0)
    if restarts and container.finished_at + delay > now:
        return {"waiting": {"reason": "CrashLoopBackOff", "message": _back_off(pod, name, delay)}}
    failure = facts.failures.get(name)
    if restarts and failure is not None:
        return {"waiting": {"reason": failure.reason, "message": failure.message}}
    return {"terminated": terminated(container, code)}


def _back_off(pod: Obj, container: str, delay: float) -> str:
    return f"back-off {go_duration(delay)} restarting failed container={container} pod={full_name(pod)}"


def full_name(pod: Obj) -> str:
    """A pod as a kubelet's messages name it: web-0_default(UID)."""
    metadata = pod["metadata"]
    return f"{metadata['name']}_{metadata['namespace']}({metadata['uid']})"


def go_duration(seconds: float) -> str:
    """Whole seconds as Go prints a duration: 40s, 2m40s, 5m0s."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def _last_state(known: list[Container], state: Obj, *, init: bool) -> Obj:
    """How the incarnation before ended: before the one that runs or that waits to run again."""
    ended = exit_code(known[0], init=init) is not None
    before = next(iter(known if ended and "waiting" in state else known[1:]), None)
    code = None if before is None else exit_code(before, init=init)
    return {} if before is None or code is None else {"terminated": terminated(before, code)}


def terminated(container: Container, code: int) -> Obj:
    """The `terminated` state of a container that ended with `code`."""
    started = container.started_at or container.created_at
    state: Obj = {
        "exitCode": code,
        "reason": container.reason or ("Completed" if code == 0 else "Error"),
        "startedAt": format_time(started),
        "finishedAt": format_time(container.finished_at or started),
        "containerID": container_id(container),
    }
    if container.signal:
        state["signal"] = container.signal
    if container.message:
        state["message"] = container.message
    return state
