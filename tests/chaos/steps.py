"""A step of a walk is taken on a real lab: those that hurt return at once, mends are the round's."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from labctl import names
from labctl.api.objects import Obj, name, uid
from labctl.lab import cgroup
from tests.chaos.interrupted import interrupt
from tests.chaos.kills import Victim, strike
from tests.chaos.manifests import DEPLOYMENT, POLICY, SERVICE
from tests.chaos.walk import WOUNDS, Round, Step
from tests.command import Labctl
from tests.waiting import until
from tests.wounds.patient import Patient

_CABLES = ("cut", "lose", "loss", "rate")
_SPARE = "spare"  # the Deployment that comes and goes
_NOTICED_SECONDS = 40.0


def take(labctl: Labctl, steps: Round) -> list[Victim]:
    """Takes all steps of a round, then mends; returns who is started again for it."""
    victims = [step.victim for step in steps if step.victim]
    with _mended(labctl, steps):
        for step in steps:
            if step.kind == "node-down":
                victims += _switch_off(labctl, step.subject)
            elif step.kind not in ("kill", "process"):
                _take(labctl, step)
        strike(labctl, [step.victim for step in steps if step.victim])
        for step in steps:
            if step.kind == "process":
                _kill(labctl, step.subject)
    victims += [Victim(step.subject) for step in steps if step.kind == "open"]
    return victims


@contextmanager
def _mended(labctl: Labctl, steps: Round) -> Iterator[None]:
    """What ends a round, whatever else it did: the supervisor first, which is asked for the rest."""
    died = any(step.subject == "supervisor" for step in steps)
    down = [step.subject for step in steps if step.kind == "node-down"]
    bad = any(step.kind in _CABLES for step in steps)
    with ExitStack() as mends:  # the last one first
        if died:
            mends.callback(labctl.ok, "up")
        if bad:
            mends.callback(labctl.ok, "fault", "clear")
        for node in down:
            mends.callback(labctl.ok, "fault", "node-up", node)
        if died and (bad or down):
            mends.callback(labctl, "up")  # which says, as long as there are faults, that it cannot
        yield


def _kill(labctl: Labctl, process: str) -> None:
    found = labctl("status", "-o", "json").json["processes"]
    (pid,) = (one["pid"] for one in found if one["name"] == process)
    os.kill(pid, signal.SIGKILL)
    if process == "supervisor":  # `up` right after must not take it for one that lives
        until(lambda: not _is_in(labctl, pid))


def _is_in(labctl: Labctl, pid: int) -> bool:
    path = cgroup.path(labctl.lab) / cgroup.SUPERVISOR / "cgroup.procs"
    return str(pid) in path.read_text().split()


def _switch_off(labctl: Labctl, node: str) -> list[Victim]:
    """Returns the containers that there were: when the agent is dead nobody makes others."""
    labctl.ok("fault", "kill-agent", node)
    found = labctl("ps", node, "-o", "json").json["items"]
    labctl.ok("fault", "node-down", node)
    return [
        Victim(one["pod"], container)
        for one in found
        if one["state"] == "ready"
        for container in {each["name"] for each in one["containers"]}
    ]


def _take(labctl: Labctl, step: Step) -> None:
    kind, subject = step.kind, step.subject
    if kind == "wound":
        patient(labctl).inflict(WOUNDS[subject])
    elif kind == "open":
        interrupt(labctl, subject)
    elif kind == "delete-pod":
        _delete_pod(labctl)
    elif kind == "lose":
        _lose(labctl, subject)
    else:
        words, stdin = _words(kind, subject, step.value)
        labctl.ok(*words, stdin=stdin)


def _words(kind: str, subject: str, value: str) -> tuple[tuple[str, ...], str]:
    """What is typed for a step."""
    template = DEPLOYMENT.format(name="web", replicas=4).replace("nginx", f"nginx:{subject}")
    spare = DEPLOYMENT.format(name=_SPARE, replicas=2)
    typed: dict[str, tuple[tuple[str, ...], str]] = {
        "verify": (("verify",), ""),
        "cut": (("fault", "cut", subject), ""),
        "loss": (("fault", "loss", subject, value), ""),
        "rate": (("fault", "rate", subject, value), ""),
        "scale": (("scale", "deployment/web", "--replicas", subject), ""),
        "restart": (("rollout", "restart", "deployment/web"), ""),
        "template": (("apply", "-f", "-"), template),
        "create-deployment": (("apply", "-f", "-"), spare),
        "delete-deployment": (
            ("kubectl", "delete", "deployment", _SPARE, "--ignore-not-found"),
            "",
        ),
        "cordon": (("kubectl", "cordon", subject), ""),
        "uncordon": (("kubectl", "uncordon", subject), ""),
        "service": (("apply", "-f", "-"), SERVICE.format(port=subject)),
        "policy": (("apply", "-f", "-"), POLICY.format(app=subject)),
    }
    return typed[kind]


def _delete_pod(labctl: Labctl) -> None:
    """The first of the Deployment's, which a rollout may delete just as well."""
    found = labctl("get", "pods", "-l", "app=web", "-o", "json").json["items"]
    first = min(map(name, found))
    labctl.ok("kubectl", "delete", "pod", first, "--wait=false", "--ignore-not-found")


def _lose(labctl: Labctl, node: str) -> None:
    """Until the others have given the node up; its agent, which cannot know, keeps what it has."""
    before = _pauses(labctl, node)
    labctl.ok("fault", "cut", node)
    until(lambda: _is_evicted(labctl, node), _NOTICED_SECONDS)
    assert _pauses(labctl, node) == before


def _pauses(labctl: Labctl, node: str) -> dict[str, int]:
    """By pod, of what lives."""
    found = labctl("ps", node, "-o", "json").json["items"]
    return {one["pod"]: one["pid"] for one in found if one["state"] == "ready"}


def _is_evicted(labctl: Labctl, node: str) -> bool:
    """Whether the node counts as lost, and its pods that do not tolerate that are sent away."""
    found = labctl("get", "nodes,pods", "-o", "json").json["items"]
    tainted = [
        taint["key"]
        for one in found
        if (one["kind"], name(one)) == ("Node", node)
        for taint in one["spec"].get("taints") or ()
        if taint["effect"] == "NoExecute"
    ]
    stay = [
        name(one)
        for one in found
        if one["kind"] == "Pod" and one["spec"].get("nodeName") == node
        if one["metadata"].get("ownerReferences") and "deletionTimestamp" not in one["metadata"]
    ]
    return bool(tainted) and not stay


def patient(labctl: Labctl) -> Patient:
    """Whose a1 and b1 are pods that always are there, with the names that their links have now."""
    found = Patient.of(labctl.lab)
    pods = {name(pod): pod for pod in labctl("get", "pods", "-o", "json").json["items"]}
    alive = [one for one in labctl("ps", "-o", "json").json["items"] if one["state"] == "ready"]
    attempts = {one["pod"]: one["attempt"] for one in alive}
    fields = dict(found.fields)
    for letter in "ab":
        at = f"stand-in-{fields[letter]}"
        fields |= _pod_fields(f"{letter}1", pods[at], attempts[at])
    return replace(found, fields=fields)


def _pod_fields(key: str, pod: Obj, attempt: int) -> dict[str, str]:
    veth = names.veth_name(uid(pod), attempt)
    return {key: name(pod), f"{key}_ip": pod["status"]["podIP"], f"{key}_veth": veth}
