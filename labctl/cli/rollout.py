"""`labctl rollout`: status, history, undo, restart."""

from collections.abc import AsyncGenerator

import click

from labctl.api.kinds.apps import DEPLOYMENTS
from labctl.api.objects import Obj
from labctl.api.objects import name as name_of
from labctl.api.objects import namespace as namespace_of
from labctl.cli.completion import complete_object
from labctl.cli.describe.tabular import aligned
from labctl.cli.listing import format_objects
from labctl.cli.options import lab_option, namespace_option, output_option
from labctl.cli.outcomes import print_outcomes
from labctl.cli.output import emit
from labctl.cli.progress import Reporter
from labctl.cli.session import ask
from labctl.client.client import Client
from labctl.client.wait import wait_for
from labctl.errors import BadInput, LabError
from labctl.lab import rollout as rollouts
from labctl.lab.apply import Outcome
from labctl.lab.readiness import PodCount
from labctl.lab.words import one_target, printed_name

_WORDS = click.argument(
    "words", nargs=-1, metavar="deployment/NAME", shell_complete=complete_object
)


@click.group(no_args_is_help=False, epilog="Example: labctl rollout status deployment/web")
def rollout() -> None:
    """Status, history, undo and restart of a Deployment's rollout."""


@rollout.command(epilog="Example: labctl rollout status deployment/web --timeout 60")
@_WORDS
@click.option("-w", "--watch", type=bool, is_flag=False, flag_value="true", default=True)
@click.option("--timeout", default="", metavar="TIME", help="Give up after: 30s, 2m.")
@namespace_option
@lab_option
def status(words: tuple[str, ...], watch: bool, timeout: str, namespace: str, lab: str) -> None:
    """Follow a rollout until it is done."""
    from labctl.lab.waiting import duration

    seconds = duration(timeout) if timeout else 600.0
    name = _deployment(words)
    seconds = seconds if watch else 0.0
    with Reporter(quiet=True) as progress:
        ask(lab, lambda client: _follow(client, name, namespace, seconds, progress))


async def _follow(
    client: Client, name: str, namespace: str, seconds: float, progress: Reporter
) -> None:
    said, pods = "", PodCount(progress)

    def is_done(obj: Obj | None) -> bool:
        nonlocal said
        if obj is None:
            raise LabError(f'deployments.apps "{name}" not found')
        sentence, done = rollouts.progress(obj)
        if sentence != said:
            said = sentence
            progress.make_room()
            click.echo(sentence)
        if not done:
            pods.see(name, obj)
        return done

    if seconds:
        await wait_for(client, DEPLOYMENTS, name, namespace, is_done, seconds)
    else:
        is_done(await client.get(DEPLOYMENTS, name, namespace))


@rollout.command(epilog="Example: labctl rollout history deployment/web --revision 2")
@_WORDS
@click.option("--revision", type=int, default=0, help="Show this revision's pod template.")
@namespace_option
@output_option
@lab_option
def history(words: tuple[str, ...], revision: int, namespace: str, output: str, lab: str) -> None:
    """The revisions of a Deployment; with -o json or yaml the ReplicaSets that are them."""
    name = _deployment(words)

    async def work(client: Client) -> None:
        deployment = await client.get(DEPLOYMENTS, name, namespace)
        found = await rollouts.revisions(client, deployment)
        if revision:
            found = [one for one in found if rollouts.revision(one) == revision]
            if not found:
                raise LabError(f"unable to find the specified revision {revision}")
        if output in ("", "wide"):
            emit(_history_text(name, found, revision))
        else:
            emit(format_objects(found, output))

    ask(lab, work)


def _history_text(name: str, found: list[Obj], revision: int) -> str:
    if not revision:
        rows = [f"{number}\t{cause}" for number, cause in rollouts.history(found)]
        table = aligned(["REVISION\tCHANGE-CAUSE", *rows])
        return f"deployment.apps/{name} \n{table}\n"
    from labctl.cli.describe.templates import template_lines

    table = aligned(template_lines(found[0]["spec"]["template"]))
    return f"deployment.apps/{name} with revision #{revision}\n{table}\n"


@rollout.command(epilog="Example: labctl rollout undo deployment/web --to-revision 1")
@_WORDS
@click.option("--to-revision", type=int, default=0, help="Which one; the one before by default.")
@namespace_option
@output_option
@lab_option
def undo(words: tuple[str, ...], to_revision: int, namespace: str, output: str, lab: str) -> None:
    """Go back to an earlier revision."""
    name = _deployment(words)

    async def undone(client: Client) -> AsyncGenerator[Outcome, None]:
        deployment = await client.get(DEPLOYMENTS, name, namespace)
        changed = await rollouts.undo(client, deployment, to_revision)
        same = "skipped rollback (current template already matches revision)"
        yield await _outcome(client, deployment, "rolled back" if changed else same)

    ask(lab, lambda client: print_outcomes(undone(client), output))


@rollout.command(epilog="Example: labctl rollout restart deployment/web")
@_WORDS
@namespace_option
@output_option
@lab_option
def restart(words: tuple[str, ...], namespace: str, output: str, lab: str) -> None:
    """Replace every pod by a new one of the same template."""
    name = _deployment(words)

    async def restarted(client: Client) -> AsyncGenerator[Outcome, None]:
        deployment = await client.get(DEPLOYMENTS, name, namespace)
        await rollouts.restart(client, deployment)
        yield await _outcome(client, deployment, "restarted")

    ask(lab, lambda client: print_outcomes(restarted(client), output))


async def _outcome(client: Client, before: Obj, verb: str) -> Outcome:
    """What was done to a Deployment, and how it is now."""
    now = await client.get(DEPLOYMENTS, name_of(before), namespace_of(before))
    return Outcome(printed_name(DEPLOYMENTS, name_of(before)), verb, now)


def _deployment(words: tuple[str, ...]) -> str:
    target = one_target(words)
    if target.resource != DEPLOYMENTS:
        raise BadInput(f"{target.label} has no rollouts", "only deployments have")
    return target.name
