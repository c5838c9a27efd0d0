"""A kubelet's `/stats/summary`: what the node, its agent and every running container use.

Figures are sums since a start (`usageCoreNanoSeconds`): who wants a rate asks twice. A stand-in has
no process, so its container uses nothing; its work is the runtime's.
"""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby

from labctl import names
from labctl.api.objects import Obj
from labctl.cgroups.group import Group, Usage
from labctl.cgroups.hierarchies import read_hierarchies
from labctl.cri.messages import Container, Sandbox
from labctl.node.pods.mirror import RuntimeMirror
from labctl.node.stats.page import metrics
from labctl.node.stats.processes import usage_of_group, usage_of_process
from labctl.node.stats.starts import PodStarts


class NodeStats:
    """Tells of `node`, whose agent this process is."""

    def __init__(self, lab: str, node: str, mirror: RuntimeMirror, starts: PodStarts) -> None:
        self._lab = lab
        self._node = node
        self._hierarchies = read_hierarchies()
        self._mirror = mirror
        self._starts = starts
        self._started_at = time.time()

    def metrics(self) -> bytes:
        """The page for Prometheus."""
        return metrics(self._node, self._mirror, self._starts)

    def summary(self) -> Obj:
        """What is used at this moment."""
        now = time.time()
        sandboxes = [one for one in self._mirror.all_sandboxes() if one.state == "ready"]
        containers = [one for sandbox in sandboxes for one in self._running(sandbox)]
        used = {one.id: usage_of_group(self._group(one)) for one in containers if one.pid}
        pauses = {one.id: usage_of_process(one.pid) for one in sandboxes}
        agent = usage_of_process(os.getpid())
        pods = list(pod_stats(sandboxes, containers, pauses, used, now))
        whole = sum([agent, *pauses.values(), *used.values()], Usage())
        node = {
            "nodeName": self._node,
            **_figures(self._started_at, whole, now),
            "systemContainers": [{"name": "kubelet", **_figures(self._started_at, agent, now)}],
        }
        return {"node": node, "pods": pods}

    def _group(self, container: Container) -> Group:
        config, sandbox = container.config, container.sandbox_id
        name = names.container_cgroup(self._lab, sandbox, config.name, config.attempt)
        return Group(self._hierarchies, name)

    def _running(self, sandbox: Sandbox) -> list[Container]:
        found = self._mirror.containers(sandbox.config.uid)
        return [one for one in found if one.sandbox_id == sandbox.id and one.state == "running"]


def pod_stats(
    sandboxes: Sequence[Sandbox],
    containers: Sequence[Container],
    pauses: Mapping[str, Usage],
    used: Mapping[str, Usage],
    now: float,
) -> Iterator[Obj]:
    """Each sandbox as a pod; `containers` are theirs, in their order, `used` by their ids."""
    by_sandbox = {
        identity: list(group) for identity, group in groupby(containers, lambda one: one.sandbox_id)
    }
    for sandbox in sandboxes:
        own = by_sandbox.get(sandbox.id, [])
        usages = [used.get(one.id, Usage()) for one in own]
        config = sandbox.config
        yield {
            "podRef": {"name": config.name, "namespace": config.namespace, "uid": config.uid},
            **_figures(sandbox.created_at, sum(usages, pauses.get(sandbox.id, Usage())), now),
            "containers": [
                {"name": one.config.name, **_figures(one.started_at, usage, now)}
                for one, usage in zip(own, usages, strict=True)
            ],
        }


def _figures(started_at: float, usage: Usage, now: float) -> Obj:
    told = _time(now)
    return {
        "startTime": _time(started_at),
        "cpu": {"time": told, "usageCoreNanoSeconds": usage.cpu},
        "memory": {"time": told, "workingSetBytes": usage.memory},
    }


def _time(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).isoformat().replace("+00:00", "Z")
