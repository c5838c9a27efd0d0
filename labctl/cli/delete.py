"""`labctl delete`: by file, by name, by label; waits until they are gone."""

import click

from labctl.api.objects import name
from labctl.api.objects import namespace as namespace_of
from labctl.cli.completion import complete_object
from labctl.cli.options import files_option, lab_option, namespace_option, selector_option
from labctl.cli.session import ask, kinds
from labctl.client.client import Client
from labctl.errors import BadInput, LabError
from labctl.lab.deletion import (
    WAIT_SECONDS,
    Doomed,
    Manner,
    delete_all,
    doomed_object,
    wait_gone,
)
from labctl.lab.waiting import duration
from labctl.lab.words import Target, targets

_CASCADES = {"background": "Background", "foreground": "Foreground", "orphan": "Orphan"}


@click.command(epilog="Examples: labctl delete deployment web · labctl delete -f web.yaml")
@click.argument("words", nargs=-1, metavar="KIND NAME...", shell_complete=complete_object)
@files_option
@namespace_option
@selector_option
@click.option("--all", "everything", is_flag=True, help="All objects of the kind.")
@click.option("-A", "--all-namespaces", is_flag=True, help="Of all namespaces (with --all or -l).")
@click.option(
    "--wait", type=bool, is_flag=False, flag_value="true", default=True, help="Until they are gone."
)
@click.option("--grace-period", "grace", type=int, metavar="SECONDS", help="For pods to end.")
@click.option("--now", is_flag=True, help="The same as --grace-period 1.")
@click.option("--force", is_flag=True, help="With --grace-period 0: do not ask the node.")
@click.option("--cascade", type=click.Choice(list(_CASCADES)), help="What of their dependents.")
@click.option("--ignore-not-found", is_flag=True, help="What is not there is no error.")
@click.option("--timeout", default=f"{WAIT_SECONDS:g}s", metavar="TIME", help="30s, 2m.")
@click.option("-o", "--output", type=click.Choice(["name"]), help="name: only KIND/NAME.")
@lab_option
def delete(
    words: tuple[str, ...],
    filenames: tuple[str, ...],
    namespace: str,
    selector: str,
    everything: bool,
    all_namespaces: bool,
    wait: bool,
    grace: int | None,
    now: bool,
    force: bool,
    cascade: str | None,
    ignore_not_found: bool,
    timeout: str,
    output: str | None,
    lab: str,
) -> None:
    """Delete objects by KIND NAME, KIND/NAME, KIND -l SELECTOR or -f FILE, and wait for it."""
    lenient = ignore_not_found or everything or bool(selector)  # an owner may take them along
    manner = Manner(_grace(grace, now=now, force=force), _CASCADES.get(cascade or ""), lenient)
    space = "" if all_namespaces else namespace
    seconds = duration(timeout) if wait else 0.0
    named = [] if filenames else targets(words, kinds(lab, words))
    doomed = _from_files(filenames, namespace, lab) if filenames else _named(named, namespace)
    whole = [one for one in named if not one.name]
    if whole and not (selector or everything):
        raise BadInput("which ones? give names, -l SELECTOR or --all")

    async def work(client: Client) -> None:
        found = [*doomed]
        for target in whole:
            at = space if target.resource.namespaced else ""
            listed = await client.list(target.resource, at, labels=selector)
            found += [doomed_object(target.resource, obj) for obj in listed.items]
        await _delete(client, found, manner, seconds, output)

    ask(lab, work)


async def _delete(
    client: Client, doomed: list[Doomed], manner: Manner, seconds: float, output: str | None
) -> None:
    if not doomed:
        click.echo("No resources found", err=True)
    asked: list[Doomed] = []
    problem: LabError | None = None
    try:
        async for one in delete_all(client, doomed, manner):
            click.echo(one.label if output == "name" else one.sentence)
            asked.append(one)
    except LabError as error:
        problem = error
    for one in asked if seconds else ():
        await wait_gone(client, one, seconds)
    if problem is not None:
        raise problem


def _grace(grace: int | None, *, now: bool, force: bool) -> int | None:
    if now:
        return 1
    return 0 if force and grace is None else grace


def _named(named: list[Target], space: str) -> list[Doomed]:
    return [
        Doomed(one.resource, one.name, space if one.resource.namespaced else "")
        for one in named
        if one.name
    ]


def _from_files(filenames: tuple[str, ...], space: str, lab: str) -> list[Doomed]:
    """What the files name, in the reverse of the order in which it is created."""
    from labctl.cli.documents import given

    found = given(filenames, space, lab)
    return [Doomed(one.resource, name(one.obj), namespace_of(one.obj)) for one in reversed(found)]
