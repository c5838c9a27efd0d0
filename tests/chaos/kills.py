"""Whom to kill, by a seed: containers' programs, pauses and agents, by SIGKILL, several at once.

Those of one burst are of different pods, so that what must come of it can be said: a container that
is killed is started once more, with pause all of its pod are, and an agent costs nobody anything.
"""

import os
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from labctl.api.objects import Obj, name
from tests.chaos.population import containers
from tests.command import Labctl

_LARGEST = 4

Restarts = Counter[tuple[str, str]]  # by pod and container


@dataclass(frozen=True)
class Victim:
    """`container` of a pod, its pause if there is none, or the agent of a node."""

    pod: str = ""
    container: str = ""
    node: str = ""

    def __str__(self) -> str:
        return f"agent {self.node}" if self.node else f"{self.container or 'pause'} of {self.pod}"

    @property
    def where(self) -> str:
        """What it may share with no other victim of its burst."""
        return self.pod or self.node


def bursts(seed: int, pods: Sequence[Obj], nodes: int, kills: int) -> list[list[Victim]]:
    """So many kills altogether, in bursts; a function of its arguments alone."""
    random, done = Random(seed), []
    kinds = (list(_programs(pods)), _pauses(pods), _agents(nodes))
    while kills:
        burst: dict[str, Victim] = {}
        for _ in range(min(kills, random.randint(1, _LARGEST))):
            victim = random.choice(random.choice(kinds))
            burst.setdefault(victim.where, victim)
        done.append(list(burst.values()))
        kills -= len(burst)
    return done


def _programs(pods: Sequence[Obj]) -> Iterator[Victim]:
    for pod in pods:
        for at, spec in containers(pod):
            if spec.get("command", ["true"]) != ["true"]:
                yield Victim(name(pod), at)


def _pauses(pods: Sequence[Obj]) -> list[Victim]:
    return [Victim(name(pod)) for pod in pods]


def _agents(nodes: int) -> list[Victim]:
    return [Victim(node=f"node{number}") for number in range(1, nodes + 1)]


def restarts(pods: Sequence[Obj], victims: Sequence[Victim]) -> Restarts:
    """How often each container must have been started again, after all these kills.

    Of a pod whose pause was killed, all; `pods` are those to which that may happen.
    """
    counted: Restarts = Counter()
    everything = {name(pod): [at for at, _ in containers(pod)] for pod in pods}
    for victim in victims:
        if victim.pod:
            hit = [victim.container] if victim.container else everything[victim.pod]
            counted.update((victim.pod, at) for at in hit)
    return counted


def strike(labctl: Labctl, burst: Sequence[Victim]) -> None:
    """Kills them all, one right after the other."""
    sandboxes = [one for one in labctl("ps", "-o", "json").json["items"] if one["state"] == "ready"]
    processes = labctl("status", "-o", "json").json["processes"]
    for pid in [_pid(victim, sandboxes, processes) for victim in burst]:
        os.kill(pid, signal.SIGKILL)


def _pid(victim: Victim, sandboxes: Sequence[Obj], processes: Sequence[Obj]) -> int:
    if victim.node:
        pids: list[int] = [one["pid"] for one in processes if one["name"] == f"agent-{victim.node}"]
        return pids[0]
    (sandbox,) = [one for one in sandboxes if one["pod"] == victim.pod]
    if not victim.container:
        return int(sandbox["pid"])
    (pid,) = [
        one["pid"]
        for one in sandbox["containers"]
        if (one["name"], one["state"]) == (victim.container, "running")
    ]
    return int(pid)
