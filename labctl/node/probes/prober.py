"""One task for every probe of every container that runs, and what they have found so far."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from labctl.api.objects import Obj, is_deleting
from labctl.cri.client import RuntimeClient
from labctl.cri.errors import RuntimeUnavailable
from labctl.cri.messages import Container
from labctl.node.pods.facts import PodFacts, containers_of, init_containers_of, is_sidecar
from labctl.node.pods.memory import PodMemory
from labctl.node.pods.objects import PodObjects
from labctl.node.pods.teller import PodTeller
from labctl.node.probes.asking import Subject, ask
from labctl.node.probes.health import UNKNOWN, Health
from labctl.node.probes.probe import Kind, Outcome, Probe, probes_of
from labctl.node.probes.tally import Tally

_log = logging.getLogger(__name__)

_Key = tuple[str, Kind]  # container id and kind of probe


class Prober:
    """Keeps `memory.healths` right for the containers on the node with the address `host`.

    `changed(uid)` is told when what is known of a pod's containers has changed.
    """

    def __init__(
        self,
        host: str,
        memory: PodMemory,
        objects: PodObjects,
        runtime: RuntimeClient,
        teller: PodTeller,
        changed: Callable[[str], None],
    ) -> None:
        self._host = host
        self._memory = memory
        self._objects = objects
        self._runtime = runtime
        self._teller = teller
        self._changed = changed
        self._tasks: dict[str, dict[_Key, asyncio.Task[None]]] = {}  # by pod uid

    def look(self, pod_uid: str) -> None:
        """Begins and ends probes, as the pod and its containers are now."""
        pod = self._objects.get(pod_uid)
        wanted = {} if pod is None else dict(self._wanted(pod))
        running = self._tasks.get(pod_uid, {})
        if not wanted and not running:
            return
        for key in running.keys() - wanted.keys():
            running.pop(key).cancel()
        for key in wanted.keys() - running.keys():
            running[key] = asyncio.create_task(self._probe(pod_uid, *wanted[key]))
        if running:
            self._tasks[pod_uid] = running
        else:
            self._tasks.pop(pod_uid, None)

    async def close(self) -> None:
        tasks = [task for running in self._tasks.values() for task in running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _wanted(self, pod: Obj) -> Iterator[tuple[_Key, tuple[Probe, Subject]]]:
        specs = [one for one in _probed(pod) if any(probes_of(one))]
        if not specs:
            return
        facts = self._memory.facts(pod["metadata"]["uid"])
        for spec in specs:
            container = facts.newest(spec["name"])
            if container is None or container.state != "running":
                continue
            subject = Subject(spec, container, self._address(facts))
            self._recall(pod, container)
            for probe in probes_of(spec):
                if self._is_due(pod, spec, container, probe):
                    yield (container.id, probe.kind), (probe, subject)

    def _address(self, facts: PodFacts) -> str:
        sandbox = facts.sandbox
        return (sandbox.config.ip if sandbox else "") or self._host

    def _is_due(self, pod: Obj, spec: Obj, container: Container, probe: Probe) -> bool:
        """The startup probe until it has succeeded, then the others; only readiness is of any
        interest in a pod that is going away.
        """
        health = self._health(container)
        if health.failed or (is_deleting(pod) and probe.kind != "readiness"):
            return False
        if probe.kind == "startup":
            return not health.started
        return health.started or not spec.get("startupProbe")

    def _recall(self, pod: Obj, container: Container) -> None:
        """An agent that has only just started goes on from what its predecessor told the API."""
        if container.id in self._memory.healths:
            return
        told = next(self._told(pod, container), {})
        self._memory.healths[container.id] = Health(
            bool(told.get("started")), bool(told.get("ready"))
        )

    @staticmethod
    def _told(pod: Obj, container: Container) -> Iterator[Obj]:
        status = pod.get("status") or {}
        for one in (
            *(status.get("containerStatuses") or ()),
            *(status.get("initContainerStatuses") or ()),
        ):
            if one.get("containerID", "").endswith(f"//{container.id}"):
                yield one

    async def _probe(self, pod_uid: str, probe: Probe, subject: Subject) -> None:
        """Asks, period by period, until cancelled, or until there is nothing more to find out."""
        tally = Tally()
        due = subject.container.started_at + probe.initial_delay
        await asyncio.sleep(max(due - time.time(), 0))
        while True:
            outcome = await self._ask(probe, subject)
            if outcome is not None:
                tally = tally.counted(probe, outcome)
                self._tell(pod_uid, probe, outcome)
                self._learn(pod_uid, probe, subject.container, tally.verdict)
            await asyncio.sleep(probe.period)

    async def _ask(self, probe: Probe, subject: Subject) -> Outcome | None:
        try:
            return await ask(probe, subject, self._runtime)
        except RuntimeUnavailable:
            return None
        except Exception as error:
            _log.exception("%s probe of %s", probe.kind, subject.container.id)
            return Outcome(healthy=False, message=str(error))

    def _tell(self, pod_uid: str, probe: Probe, outcome: Outcome) -> None:
        pod = self._objects.get(pod_uid)
        if pod is not None and not outcome.healthy:
            self._teller.unhealthy(pod, probe.kind, outcome.message)

    def _learn(
        self, pod_uid: str, probe: Probe, container: Container, verdict: bool | None
    ) -> None:
        if verdict is None:
            return
        old = self._health(container)
        new = _after(old, probe.kind, healthy=verdict)
        if new != old:
            self._memory.healths[container.id] = new
            self._changed(pod_uid)

    def _health(self, container: Container) -> Health:
        return self._memory.healths.get(container.id, UNKNOWN)


def _probed(pod: Obj) -> Iterator[Obj]:
    yield from containers_of(pod)
    yield from (one for one in init_containers_of(pod) if is_sidecar(one))


def _after(health: Health, kind: Kind, *, healthy: bool) -> Health:
    """What is known once a probe of that kind has come to a verdict."""
    if kind == "readiness":
        return replace(health, ready=healthy)
    if not healthy:
        return replace(health, failed=kind)
    return replace(health, started=True) if kind == "startup" else health
