"""`labctl wait`: until objects are as one wishes."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import click

from labctl.api.objects import Obj
from labctl.cli.completion import complete_object
from labctl.cli.options import lab_option, namespace_option, output_option, selector_option
from labctl.cli.outcomes import print_outcomes
from labctl.cli.progress import Reporter
from labctl.cli.session import ask, kinds
from labctl.client.client import Client
from labctl.client.wait import Wish, wait_for
from labctl.errors import BadInput, LabError
from labctl.lab.apply import Outcome
from labctl.lab.readiness import PodCount
from labctl.lab.waiting import duration, wish
from labctl.lab.words import Target, targets

_EXAMPLES = (
    "Examples: labctl wait --for=condition=Available deployment/web · "
    "labctl wait --for=jsonpath='{.status.phase}'=Running pod/web · "
    "labctl wait --for=delete pod/web --timeout=30s"
)


@click.command(epilog=_EXAMPLES)
@click.argument("words", nargs=-1, metavar="KIND/NAME...", shell_complete=complete_object)
@click.option("--for", "condition", required=True, metavar="WHAT", help="See the examples.")
@click.option("--timeout", default="30s", metavar="TIME", help="30s, 2m; 30s by default.")
@click.option("--all", "everything", is_flag=True, help="All objects of the kind.")
@selector_option
@namespace_option
@output_option
@lab_option
def wait(
    words: tuple[str, ...],
    condition: str,
    timeout: str,
    everything: bool,
    selector: str,
    namespace: str,
    output: str,
    lab: str,
) -> None:
    """Wait for a condition, the value of a field, creation or deletion."""
    hope, seconds = wish(condition), duration(timeout)
    found = targets(words, kinds(lab, words))
    with Reporter(quiet=True) as progress:
        waiting = _Waiting(condition, hope, seconds, namespace, progress)

        async def waited(client: Client) -> AsyncGenerator[Outcome, None]:
            wanted = await _named(client, found, namespace, selector, everything, condition)
            async for outcome in waiting.until_all(client, wanted):
                yield outcome

        ask(lab, lambda client: print_outcomes(waited(client), output))


@dataclass(frozen=True)
class _Waiting:
    """What is waited for, how long, and where it is told how far it is."""

    condition: str
    hope: Wish
    seconds: float
    namespace: str
    progress: Reporter

    async def until_all(
        self, client: Client, wanted: list[Target]
    ) -> AsyncGenerator[Outcome, None]:
        """Each as it is done; LabError at the end when one was not."""
        problems: list[LabError] = []
        pods = PodCount(self.progress)
        for one in asyncio.as_completed([self._until(client, one, pods) for one in wanted]):
            try:
                outcome = await one
            except LabError as error:
                problems.append(error)
            else:
                self.progress.make_room()
                yield outcome
        said = {error.message: error for error in problems}
        if len(said) > 1:
            raise LabError("; ".join(sorted(said)))
        for problem in said.values():
            raise problem

    async def _until(self, client: Client, target: Target, pods: PodCount) -> Outcome:
        is_there = not self.condition.startswith(("delete", "create"))
        space = self.namespace if target.resource.namespaced else ""
        if is_there:
            await client.get(target.resource, target.name, space)  # NotFound is said at once

        def holds(obj: Obj | None) -> bool:
            if is_there:
                pods.see(target.label, obj)
            return self.hope(obj)

        try:
            obj = await wait_for(client, target.resource, target.name, space, holds, self.seconds)
        except LabError as error:
            if "timed out" not in error.message:
                raise
            where = f"{target.resource.plural}/{target.name}"
            raise LabError(f"timed out waiting for the condition on {where}") from error
        done = "deleted" if self.condition == "delete" else "condition met"
        return Outcome(target.label, done, obj or {})


async def _named(
    client: Client,
    found: list[Target],
    namespace: str,
    selector: str,
    everything: bool,
    condition: str,
) -> list[Target]:
    wanted = [target for target in found if target.name]
    for target in found:
        if target.name:
            continue
        if not (selector or everything):
            raise BadInput("which ones? give names, -l SELECTOR or --all")
        space = namespace if target.resource.namespaced else ""
        listed = await client.list(target.resource, space, labels=selector)
        wanted += [Target(target.resource, obj["metadata"]["name"]) for obj in listed.items]
    if not wanted and condition != "delete":
        raise LabError("no matching resources found")
    return wanted
