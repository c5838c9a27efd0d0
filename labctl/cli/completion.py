"""Shell completion, with the names of what lives right now.

The script that `labctl completion bash` prints has the shell ask labctl itself at every TAB;
a lab that does not answer completes nothing and says nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem, get_completion_class

from labctl.cli.forms import FORMS
from labctl.names import DEFAULT_LAB

if TYPE_CHECKING:
    from labctl.client.client import Client

Question = Callable[["Client", str], Awaitable[list[str]]]  # of a namespace

_SECONDS = 1.0
_VARIABLE = "_LABCTL_COMPLETE"


@click.command(epilog='Example: eval "$(labctl completion bash)"')
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell; put it into its start-up file.

    Names of what lives in a lab are completed for root, whom alone a lab answers.
    """
    program = click.get_current_context().find_root().command
    kind = get_completion_class(shell)
    if kind is not None:
        click.echo(kind(program, {}, "labctl", _VARIABLE).source())


def complete_namespace(
    ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    return _items(_live(ctx, "namespaces"), incomplete)


def complete_node(
    ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    return _items(_live(ctx, "nodes"), incomplete)


def complete_pod(
    ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    return _items(_live(ctx, "pods"), incomplete)


def complete_lab(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The labs of this machine; whoever is not root sees none."""
    from labctl.lab import state

    try:
        return _items(state.traces(), incomplete)
    except OSError:
        return []


def complete_image(
    ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The images of the lab's store; whoever is not root sees none."""
    from labctl.lab.images import stored_names

    try:
        return _items(stored_names(_lab(ctx)), incomplete)
    except Exception:  # as for what is asked of the API
        return []


def complete_container(
    ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The containers of the POD that was typed before."""
    pod = next(iter(ctx.args), "")  # a -c without its value leaves the words before it unparsed
    return _items(_ask(ctx, lambda client, space: _containers(client, pod, space)), incomplete)


def complete_form(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    return _items((*FORMS, "jsonpath="), incomplete)


def complete_protocol(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    from labctl.verify.plan import PROTOCOLS

    return _items(PROTOCOLS, incomplete)


def complete_claim(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    from labctl.verify.plan import CLAIMS

    return _items(CLAIMS, incomplete)


def complete_endpoint(
    ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Where a ping starts or ends."""
    nodes = [f"node/{name}" for name in _live(ctx, "nodes")]
    return _items([*_live(ctx, "pods"), *nodes, "outside"], incomplete)


def complete_cable(
    ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Whose cable is hurt."""
    return _items([*_live(ctx, "nodes"), *_live(ctx, "pods")], incomplete)


def complete_object(
    ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """A kind, then names of it; or KIND/NAME."""
    words = ctx.params.get("words") or ()
    kind, slash, _ = incomplete.partition("/")
    if slash:
        return _items([f"{kind}/{name}" for name in _live(ctx, kind)], incomplete)
    if words:
        return _items(_live(ctx, words[0]), incomplete)
    return _items(sorted(_kinds(ctx)), incomplete)


def _kinds(ctx: click.Context) -> set[str]:
    from labctl.api.resources import RESOURCES

    built_in = {resource.plural for resource in RESOURCES if resource.acted_upon}
    return {*built_in, *_ask(ctx, _custom_kinds), "all"}


async def _custom_kinds(client: "Client", _: str) -> list[str]:
    from labctl.client.discovery import discover

    return [resource.plural for resource in await discover(client)]


def _items(words: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(word) for word in words if word.startswith(incomplete)]


def _live(ctx: click.Context, kind: str) -> list[str]:
    return _ask(ctx, lambda client, space: _names(client, kind, space))


def _ask(ctx: click.Context, question: Question) -> list[str]:
    try:
        return asyncio.run(_in_time(_lab(ctx), question, ctx.params.get("namespace") or "default"))
    except Exception:  # whatever is wrong, the user is typing and must not be disturbed
        return []


def _lab(ctx: click.Context) -> str:
    return ctx.params.get("lab") or ctx.find_root().params.get("lab") or DEFAULT_LAB


async def _in_time(lab: str, question: Question, namespace: str) -> list[str]:
    from labctl.lab import connect

    async with asyncio.timeout(_SECONDS):
        return await question(connect.client(lab), namespace)


async def _names(client: "Client", kind: str, namespace: str) -> list[str]:
    from labctl.api.objects import name
    from labctl.lab.words import catalog_for, find_resource

    resource = find_resource(kind, await catalog_for(client, [kind]))
    found = await client.list(resource, namespace if resource.namespaced else "")
    return [name(obj) for obj in found.items]


async def _containers(client: "Client", pod: str, namespace: str) -> list[str]:
    from labctl.lab.containers import container_names
    from labctl.lab.places import find_pod

    return container_names(await find_pod(client, pod, namespace))
