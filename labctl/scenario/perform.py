"""How each verb of a scenario is carried out: one function a verb.

Each returns a sentence on what was seen, and raises `Failed` when it is not what was expected.
"""

import asyncio
import os
import subprocess
from collections.abc import Awaitable, Callable
from typing import Any

from labctl.api.objects import Obj, name, namespace
from labctl.api.schema import definition_of
from labctl.client.client import PatchType
from labctl.lab.deletion import Doomed, Manner, delete_all, wait_gone
from labctl.lab.faults import catalog
from labctl.lab.killing import find_sandbox, kill, traits
from labctl.lab.ping import ping
from labctl.lab.places import Place
from labctl.lab.words import Target, catalog_for, one_target, targets
from labctl.net.namespaces import enter
from labctl.scenario import judge, steps
from labctl.scenario.fault import Fault
from labctl.scenario.flood import flood
from labctl.scenario.stage import NAMESPACE, Failed, Stage
from labctl.scenario.steps import Step
from labctl.scenario.verb import Verb
from labctl.verify import Topology, snapshot, steady, verify


async def perform(step: Step, stage: Stage) -> str:
    """Carries a step out; the sentence on what was seen. Raises Failed."""
    if isinstance(step.verb, steps.Flood):
        return await _flood(step, stage)
    return await _VERBS[type(step.verb)](step.verb, stage)


async def _target(word: str, stage: Stage) -> Target:
    return one_target([word], await catalog_for(stage.client, [word]))


async def _wait(verb: steps.Wait, stage: Stage) -> str:
    target = await _target(verb.object, stage)

    def wrong(objects: list[Obj]) -> str:
        return judge.wish(verb.wish, objects[0] if objects else None)

    await stage.until(
        target.resource, wrong, fields=f"metadata.name={target.name}", seconds=verb.seconds
    )
    return f"{verb.object}: {verb.wish}"


async def _expect(verb: steps.Expect, stage: Stage) -> str:
    target = targets([verb.get], await catalog_for(stage.client, [verb.get]))[0]
    fields = f"metadata.name={target.name}" if target.name else ""
    await stage.until(
        target.resource,
        lambda objects: judge.expectation(verb, objects),
        labels=verb.labels,
        fields=fields,
        seconds=verb.seconds,
    )
    return verb.describe()


async def _patch(verb: steps.Patch, stage: Stage) -> str:
    target = await _target(verb.object, stage)
    # Custom kinds know no strategic patch.
    kind: PatchType = "strategic" if definition_of(target.resource) else "merge"
    await stage.client.patch(target.resource, target.name, verb.patch, _space(target), type=kind)
    return f"{target.label} patched"


async def _delete(verb: steps.Delete, stage: Stage) -> str:
    target = await _target(verb.object, stage)
    doomed = Doomed(target.resource, target.name, _space(target))
    async for one in delete_all(stage.client, [doomed], Manner()):
        await wait_gone(stage.client, one)
    return doomed.sentence


async def _ping(verb: steps.Ping, stage: Stage) -> str:
    source = await stage.place(verb.source)
    destination = await stage.place(verb.destination)
    outcome = await asyncio.to_thread(ping, source, destination, count=verb.count)
    if verb.answered != (outcome.lost == 0):
        raise Failed(outcome.summary().splitlines()[0])
    return outcome.summary().splitlines()[0]


async def _verify(verb: steps.Verify, stage: Stage) -> str:
    loop = asyncio.get_running_loop()

    def look() -> Topology:
        seen = snapshot(stage.client, stage.spec.name)
        return asyncio.run_coroutine_threadsafe(seen, loop).result()

    def prove(seen: Topology) -> Obj:
        return verify(seen, verb.claims, verb.protocols)

    return judge.proof(verb, await asyncio.to_thread(steady, look, prove))


async def _events(verb: steps.Events, stage: Stage) -> str:
    target = targets(["events"])[0]
    await stage.until(
        target.resource,
        lambda objects: judge.sequence(verb.in_order, objects),
        seconds=verb.seconds,
    )
    return verb.describe()


async def _run(verb: steps.Run, stage: Stage) -> str:
    place = await stage.place(verb.where)
    program = verb.command[0]
    try:
        done = await asyncio.to_thread(_ended, verb, place)
    except subprocess.TimeoutExpired:
        raise Failed(f"{program} did not end within {verb.seconds:g} s") from None
    except OSError as error:
        raise Failed(f"{program}: {(error.strerror or '').lower()}") from None
    if done.returncode:
        raise Failed(f"{program} ended with {done.returncode}: {done.stderr.strip()}")
    return judge.printed(verb.prints, done.stdout)


def _ended(verb: steps.Run, place: Place) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        verb.command,
        preexec_fn=lambda: enter(place.path),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=verb.seconds,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )


async def _fault(verb: Fault, stage: Stage) -> str:
    lab = stage.spec.name
    if verb.in_force is not None:
        found = list(map(str, catalog.in_force(lab)))
        return judge.in_force(verb.in_force, found)
    if verb.clear:
        return "cleared: " + (", ".join(map(str, await catalog.clear(lab))) or "nothing")
    await catalog.inflict(lab, verb.verb, verb.target, str(verb.value), NAMESPACE)
    return verb.describe()


async def _kill(verb: steps.Kill, stage: Stage) -> str:
    pod = await stage.pod(verb.pod)
    pid = await kill(stage.spec.name, namespace(pod), name(pod), verb.container)
    return f"pid {pid} of {verb.container or 'pause'} ended by SIGKILL"


async def _remember(verb: steps.Remember, stage: Stage) -> str:
    pod = await stage.pod(verb.pod)
    seen = traits(await find_sandbox(stage.spec.name, namespace(pod), name(pod)))
    stage.memories[verb.title] = seen
    return ", ".join(f"{what} {value}" for what, value in seen.items())


async def _compare(verb: steps.Compare, stage: Stage) -> str:
    if verb.before not in stage.memories:
        raise Failed(f"nothing was remembered as {verb.before}")
    pod = await stage.pod(verb.pod)
    now = traits(await find_sandbox(stage.spec.name, namespace(pod), name(pod)))
    return judge.comparison(verb, stage.memories[verb.before], now)


async def _flood(step: Step, stage: Stage) -> str:
    verb = step.verb
    source = await stage.place(verb.source)
    destination = await stage.place(verb.destination)
    async with flood(source, destination) as counts:
        for inner in step.during:
            await perform(inner, stage)
    if counts.lost:
        raise Failed(f"{counts.lost} of {counts.transmitted} packets were lost")
    return f"{counts.transmitted} packets, none lost, while: " + "; ".join(
        inner.describe() for inner in step.during
    )


def _space(target: Target) -> str:
    return NAMESPACE if target.resource.namespaced else ""


_VERBS: dict[type[Verb], Callable[[Any, Stage], Awaitable[str]]] = {
    steps.Wait: _wait,
    steps.Expect: _expect,
    steps.Patch: _patch,
    steps.Delete: _delete,
    steps.Ping: _ping,
    steps.Verify: _verify,
    steps.Events: _events,
    steps.Run: _run,
    Fault: _fault,
    steps.Kill: _kill,
    steps.Remember: _remember,
    steps.Compare: _compare,
}
