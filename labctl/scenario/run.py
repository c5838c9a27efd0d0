"""A scenario from up to down: the lab is made, the manifests go in, the steps are carried out.

The lab must not be there before, so that a scenario begins from nothing and takes away only what
it made. After the first step that fails the rest is skipped, and the lab is taken away all the
same, unless it is to be kept.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from labctl import names
from labctl.api.lab import lab_object
from labctl.client.client import Client
from labctl.errors import BadInput, HostCannot, LabError
from labctl.lab import connect
from labctl.lab.apply import apply_all
from labctl.lab.down import down
from labctl.lab.manifests import Manifest
from labctl.lab.progress import Progress
from labctl.lab.up import up
from labctl.lab.wish import Wish
from labctl.scenario.document import Scenario
from labctl.scenario.perform import perform
from labctl.scenario.report import ScenarioReport, StepReport
from labctl.scenario.stage import Stage
from labctl.scenario.steps import Step

Told = Callable[[StepReport], None]


@dataclass(frozen=True)
class Manner:
    """How to run: `keep` leaves the lab up; `told` hears of each step as it ends."""

    keep: bool
    progress: Progress
    told: Told


def run(scenario: Scenario, manner: Manner) -> ScenarioReport:
    """Runs the scenario; what goes wrong is in the report.

    BadInput if its lab is there; HostCannot if this host cannot run it.
    """
    lab = scenario.lab.name
    if names.lab_file(lab).exists():
        raise BadInput(
            f"lab {lab!r} exists, and a scenario begins from nothing",
            f"labctl down --lab {lab}, or run the scenario with --lab NAME",
        )
    started, error = time.monotonic(), ""
    steps: list[StepReport] = []
    try:
        up(Wish(lab, document=lab_object(scenario.lab)), manner.progress)
        asyncio.run(_play(scenario, steps, manner.told))
    except HostCannot:
        raise
    except LabError as problem:
        error = problem.message
    finally:
        if not manner.keep:
            down(lab, manner.progress)
    steps += _skipped(scenario, len(steps))
    seconds = time.monotonic() - started
    return ScenarioReport(scenario.name, lab, scenario.source, tuple(steps), seconds, error)


def not_begun(scenario: Scenario, why: str) -> ScenarioReport:
    """The report of a scenario that could not be run at all, or not to its end."""
    steps = tuple(_skipped(scenario))
    return ScenarioReport(scenario.name, scenario.lab.name, scenario.source, steps, 0.0, why)


def _skipped(scenario: Scenario, done: int = 0) -> list[StepReport]:
    return [StepReport(step.describe(), "skipped") for step in scenario.steps[done:]]


async def _play(scenario: Scenario, steps: list[StepReport], told: Told) -> None:
    client = connect.client(scenario.lab.name)
    try:
        await _submit(client, scenario.manifests)
        stage = Stage(scenario.lab, client)
        for step in scenario.steps:
            steps.append(await _carry_out(step, stage))
            told(steps[-1])
            if steps[-1].state == "failed":
                return
    finally:
        await client.transport.close()


async def _submit(client: Client, manifests: Sequence[Manifest]) -> None:
    async for _ in apply_all(client, manifests):
        pass


async def _carry_out(step: Step, stage: Stage) -> StepReport:
    started = time.monotonic()
    try:
        detail, state = await perform(step, stage), "passed"
    except LabError as problem:
        detail, state = problem.message, "failed"
    return StepReport(step.describe(), state, time.monotonic() - started, detail)
