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
from tests.chaos.walk import WOUNDS, Round, Step
from tests.command import Labctl
from tests.waiting import until
from tests.wounds.patient import Patient

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: {replicas}
  strategy: {{rollingUpdate: {{maxSurge: 1, maxUnavailable: 1}}}}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      terminationGracePeriodSeconds: 2
      containers: [{{name: web, image: nginx, ports: [{{containerPort: 80}}]}}]
"""
_SPARE = "spare"  # the Deployment that comes and goes


def take(labctl: Labctl, steps: Round) -> list[Victim]:
    """Takes all steps of a round, then mends; returns whom it killed."""
    killed = [step.victim for step in steps if step.kind == "kill"]
    with _mended(labctl, steps):
        for step in steps:
            if step.kind not in ("kill", "process"):
                _take(labctl, step)
        if killed:
            strike(labctl, killed)
        for step in steps:
            if step.kind == "process":
                _kill(labctl, step.subject)
    if any(step.kind == "open" for step in steps):
        killed += [Victim(step.subject) for step in steps]
    return killed


@contextmanager
def _mended(labctl: Labctl, steps: Round) -> Iterator[None]:
    """What ends a round, whatever else it did."""
    with ExitStack() as mends:
        if any(step.subject == "supervisor" for step in steps):
            mends.callback(labctl.ok, "up")
        if any(step.kind in ("cut", "loss") for step in steps):
            mends.callback(labctl.ok, "fault", "clear")
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


def _take(labctl: Labctl, step: Step) -> None:
    kind, subject = step.kind, step.subject
    if kind == "wound":
        patient(labctl).inflict(WOUNDS[subject])
    elif kind == "open":
        interrupt(labctl, subject)
    elif kind == "delete-pod":
        _delete_pod(labctl)
    else:
        words, stdin = _words(kind, subject)
        labctl.ok(*words, stdin=stdin)


def _words(kind: str, subject: str) -> tuple[tuple[str, ...], str]:
    """What is typed for a step."""
    template = DEPLOYMENT.format(name="web", replicas=4).replace("nginx", f"nginx:{subject}")
    spare = DEPLOYMENT.format(name=_SPARE, replicas=2)
    typed: dict[str, tuple[tuple[str, ...], str]] = {
        "verify": (("verify",), ""),
        "cut": (("fault", "cut", subject), ""),
        "loss": (("fault", "loss", subject, "10%"), ""),
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
    }
    return typed[kind]


def _delete_pod(labctl: Labctl) -> None:
    """The first of the Deployment's."""
    found = labctl("get", "pods", "-l", "app=web", "-o", "json").json["items"]
    labctl.ok("kubectl", "delete", "pod", min(map(name, found)), "--wait=false")


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
