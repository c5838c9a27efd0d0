"""`labctl wait`: until objects are as one wishes."""

import asyncio
from collections.abc import AsyncGenerator

import click

from labctl.cli.completion import complete_object
from labctl.cli.options import lab_option, namespace_option, output_option, selector_option
from labctl.cli.outcomes import print_outcomes
from labctl.cli.session import ask, kinds
from labctl.client.client import Client
from labctl.client.wait import wait_for
from labctl.errors import BadInput, LabError
from labctl.lab.apply import Outcome
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
    done = "deleted" if condition == "delete" else "condition met"

    async def wait_one(client: Client, target: Target) -> Outcome:
        space = namespace if target.resource.namespaced else ""
        if not condition.startswith(("delete", "create")):
            await client.get(target.resource, target.name, space)  # NotFound is said at once
        try:
            obj = await wait_for(client, target.resource, target.name, space, hope, seconds)
        except LabError as error:
            if "timed out" not in error.message:
                raise
            where = f"{target.resource.plural}/{target.name}"
            raise LabError(f"timed out waiting for the condition on {where}") from error
        return Outcome(target.label, done, obj or {})

    async def waited(client: Client) -> AsyncGenerator[Outcome, None]:
        wanted = await _named(client, found, namespace, selector, everything, condition)
        problems: list[LabError] = []
        for one in asyncio.as_completed([wait_one(client, target) for target in wanted]):
            try:
                yield await one
            except LabError as error:
                problems.append(error)
        said = {error.message: error for error in problems}
        if len(said) > 1:
            raise LabError("; ".join(sorted(said)))
        for problem in said.values():
            raise problem

    ask(lab, lambda client: print_outcomes(waited(client), output))


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
