"""What to do next for one pod: a pure function of its object and of what the node has of it.

Level-based: nothing is remembered between calls, so an agent that died half-way goes on from
whatever it finds. Each call returns the actions that can be done now; when they are done, the next
call sees what became of them. An empty plan means that the pod is as it should be, or that its
next step comes as an event or after `again` seconds.
"""

from collections.abc import Iterable, Iterator

from labctl.api.objects import Obj, is_deleting, parse_time
from labctl.cri.messages import Container, Sandbox
from labctl.node.pods.actions import (
    Action,
    Attach,
    CreateContainer,
    DeleteObject,
    Plan,
    RemoveContainer,
    RemoveSandbox,
    RunSandbox,
    StartContainer,
    StopContainer,
    StopSandbox,
)
from labctl.node.pods.deadline import is_exceeded, time_left
from labctl.node.pods.facts import (
    PodFacts,
    containers_of,
    ephemeral_containers_of,
    exit_code,
    init_containers_of,
    is_sidecar,
    restart_policy,
    told_statuses,
)
from labctl.node.pods.phase import is_terminal
from labctl.node.probes.health import UNKNOWN, Healths, is_started
from labctl.node.probes.probe import probe_of

KEPT_INCARNATIONS = 2  # the present container and the one before it, for `logs --previous`
_DEFAULT_GRACE = 30.0
_EVICTION_GRACE = 1.0  # eviction_manager.go, immediateEvictionGracePeriodSeconds


def plan(pod: Obj | None, facts: PodFacts, now: float) -> Plan:
    """The next actions; `pod` is None once the API has it no more, `now` in epoch seconds."""
    if pod is None:
        down = _take_down(None, facts, now)
        return down or Plan(tuple(RemoveSandbox(one) for one in facts.sandboxes))
    if is_deleting(pod):
        return _take_down(pod, facts, _deletion_deadline(pod)) or Plan((DeleteObject(),))
    if facts.eviction and not is_terminal(pod, facts):
        return _take_down(pod, facts, now + _EVICTION_GRACE) or _garbage(facts)
    if is_terminal(pod, facts) or is_exceeded(pod, now):
        return _take_down(pod, facts, now + _grace(pod)) or _garbage(facts)
    return _joined([_keep_up(pod, facts, now), Plan(again=time_left(pod, now))])


def _take_down(pod: Obj | None, facts: PodFacts, deadline: float) -> Plan | None:
    """Containers first, while the network still serves them; then sandboxes; None when done."""
    running = [one for one in facts.containers if one.state == "running"]
    if running:
        running = _next_to_end(pod, running)
        late = (one for one in running if facts.stopping.get(one.id, deadline + 1) > deadline)
        return Plan(tuple(StopContainer(one, deadline) for one in late))
    up = [one for one in facts.sandboxes if one.id not in facts.stopped]
    return Plan(tuple(StopSandbox(one) for one in up)) if up else None


def _next_to_end(pod: Obj | None, running: list[Container]) -> list[Container]:
    """Sidecars outlive the containers that they serve, and end in reverse order (KEP-753)."""
    sidecars = [one["name"] for one in init_containers_of(pod) if is_sidecar(one)] if pod else []
    served = [one for one in running if one.config.name not in sidecars]
    return served or sorted(running, key=lambda one: sidecars.index(one.config.name))[-1:]


def _deletion_deadline(pod: Obj) -> float:
    """When the grace ends, which is what deletionTimestamp says, cut to whole seconds."""
    metadata = pod["metadata"]
    end = parse_time(metadata["deletionTimestamp"])
    return end + 1 if metadata.get("deletionGracePeriodSeconds") else end


def _grace(pod: Obj) -> float:
    return float(pod["spec"].get("terminationGracePeriodSeconds", _DEFAULT_GRACE))


def _keep_up(pod: Obj, facts: PodFacts, now: float) -> Plan:
    sandbox = facts.sandbox
    stale = _stale_sandboxes(facts, sandbox)
    if stale:
        return Plan(stale)
    if sandbox is None:
        newest = facts.newest_sandbox
        return Plan((RunSandbox(0 if newest is None else newest.config.attempt + 1),))
    if sandbox.id not in facts.attached:
        return Plan((Attach(sandbox),))
    steps = _container_steps(pod, facts, sandbox, now)
    steps = _joined([*_ephemeral_steps(pod, facts, sandbox, now), steps])
    return steps if steps.actions else _garbage(facts, steps.again)


def _stale_sandboxes(facts: PodFacts, sandbox: Sandbox | None) -> tuple[Action, ...]:
    """What must go before anything else: a dead sandbox may still hold its port and address."""
    return tuple(
        StopSandbox(one)
        for one in facts.sandboxes
        if one is not sandbox and one.id not in facts.stopped
    )


def _container_steps(pod: Obj, facts: PodFacts, sandbox: Sandbox, now: float) -> Plan:
    """The first init container that is not done, or else all containers that want something."""
    policy = "OnFailure" if restart_policy(pod) == "Always" else restart_policy(pod)
    sidecars: list[Plan] = []
    for spec in init_containers_of(pod):
        step = _container_step(pod, spec, facts, sandbox, now, policy, init=True)
        if not _lets_others_start(spec, facts.newest(spec["name"]), sandbox, facts.healths):
            return _joined([*sidecars, step])
        if is_sidecar(spec):
            sidecars.append(step)
    main = [
        _container_step(pod, spec, facts, sandbox, now, restart_policy(pod))
        for spec in containers_of(pod)
    ]
    return _joined([*sidecars, *main])


def _ephemeral_steps(pod: Obj, facts: PodFacts, sandbox: Sandbox, now: float) -> Iterator[Plan]:
    """Containers that somebody added to look into the pod: each runs once, whatever the others do."""
    for spec in ephemeral_containers_of(pod):
        name = spec["name"]
        newest = facts.newest(name)
        if newest is None and _attempts_told(pod, name) == 0:
            yield _when(_failed_until(facts, name), now, CreateContainer(name, 0, sandbox))
        elif newest is not None and newest.state == "created" and newest.sandbox_id == sandbox.id:
            yield Plan((StartContainer(newest),))


def _lets_others_start(
    spec: Obj, init: Container | None, sandbox: Sandbox, healths: Healths
) -> bool:
    """An init container once it succeeded in this sandbox; a sidecar once it has started."""
    if init is None or init.sandbox_id != sandbox.id:
        return False
    if is_sidecar(spec):
        return init.state == "exited" or is_started(spec, init, healths)
    return exit_code(init, init=True) == 0


def _joined(plans: Iterable[Plan]) -> Plan:
    steps = list(plans)
    waits = [step.again for step in steps if step.again is not None]
    actions = tuple(action for step in steps for action in step.actions)
    return Plan(actions, min(waits, default=None))


def _container_step(
    pod: Obj,
    spec: Obj,
    facts: PodFacts,
    sandbox: Sandbox,
    now: float,
    policy: str,
    *,
    init: bool = False,
) -> Plan:
    """Brings one container a step further, or says when that can be done."""
    name = spec["name"]
    newest = facts.newest(name)
    if newest is None:
        attempt = _attempts_told(pod, name)
        return _when(_failed_until(facts, name), now, CreateContainer(name, attempt, sandbox))
    again = CreateContainer(name, newest.config.attempt + 1, sandbox)
    if newest.sandbox_id != sandbox.id:
        # Init containers run anew in a new sandbox; others as their restart policy says.
        wanted = init or _restarts(newest, policy)
        return _when(_failed_until(facts, name), now, again) if wanted else Plan()
    if newest.state == "running":
        return _stop_failed(pod, spec, newest, facts, now)
    if exit_code(newest, init=init) is None:
        return Plan((StartContainer(newest),))
    if not _restarts(newest, "Always" if is_sidecar(spec) else policy, init=init):
        return Plan()
    due = newest.finished_at + facts.delays.get(name, 0.0)
    return _when(max(due, _failed_until(facts, name)), now, again)


def _stop_failed(pod: Obj, spec: Obj, container: Container, facts: PodFacts, now: float) -> Plan:
    """A container that a probe has given up is ended, to be started anew."""
    kind = facts.healths.get(container.id, UNKNOWN).failed
    probe = probe_of(spec, kind) if kind else None
    if probe is None or container.id in facts.stopping:
        return Plan()
    grace = _grace(pod) if probe.grace is None else probe.grace
    return Plan((StopContainer(container, now + grace, probe.kind),))


def _restarts(container: Container, policy: str, *, init: bool = False) -> bool:
    if container.state == "created" and not (init and container.stand_in):
        return True  # it never ran: its sandbox died first
    if policy == "OnFailure":
        return exit_code(container, init=init) != 0
    return policy == "Always"


def _failed_until(facts: PodFacts, name: str) -> float:
    failure = facts.failures.get(name)
    return 0.0 if failure is None else failure.until


def _when(due: float, now: float, action: Action) -> Plan:
    return Plan((action,)) if due <= now else Plan(again=due - now)


def _attempts_told(pod: Obj, name: str) -> int:
    """The next attempt by the pod's own status, for a runtime that has forgotten (a reboot)."""
    for one in told_statuses(pod):
        if one.get("name") == name and one.get("containerID"):
            return int(one.get("restartCount", 0)) + 1
    return 0


def _garbage(facts: PodFacts, again: float | None = None) -> Plan:
    """Incarnations that nobody can ask for any more, then sandboxes that held only such."""
    old = [one for name in facts.names() for one in facts.incarnations(name)[KEPT_INCARNATIONS:]]
    used = {one.sandbox_id for one in facts.containers if one not in old}
    newest = facts.newest_sandbox
    empty = [one for one in facts.sandboxes if one is not newest and one.id not in used]
    in_empty = {one.id for one in empty}
    single = (RemoveContainer(one) for one in old if one.sandbox_id not in in_empty)
    return Plan((*single, *(RemoveSandbox(one) for one in empty)), again)
