"""How users name objects on the command line: `pods`, `po,deploy`, `pod web`, `deploy/web`."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from labctl.api.catalog import Catalog
from labctl.api.fields import nearest
from labctl.api.resource import Resource
from labctl.api.resources import BUILT_IN
from labctl.client.client import Client
from labctl.client.discovery import discover
from labctl.errors import BadInput


class Target(NamedTuple):
    """A kind, and one object of it or (with an empty name) all."""

    resource: Resource
    name: str = ""

    @property
    def label(self) -> str:
        """`pod/web`, `deployment.apps/web`: what `-o name` and the verbs print."""
        return printed_name(self.resource, self.name)


def printed_name(resource: Resource, name: str) -> str:
    """`pod/web`, `deployment.apps/web`."""
    return f"{printed_kind(resource)}/{name}"


def printed_kind(resource: Resource) -> str:
    """`pod`, `deployment.apps`: the kind itself, whatever its singular is."""
    group = f".{resource.group}" if resource.group else ""
    return f"{resource.kind.lower()}{group}"


async def catalog_for(client: Client, words: Sequence[str]) -> Catalog:
    """Where the kinds of words are looked up: a kind that is not built in asks the server."""
    return BUILT_IN if are_built_in(words) else BUILT_IN.beside(await discover(client))


def are_built_in(words: Sequence[str]) -> bool:
    """Whether all kinds that the words name are known without asking a server."""
    return all(BUILT_IN.by_word(kind) for kind in _kinds_of(words))


def _kinds_of(words: Sequence[str]) -> list[str]:
    if any("/" in word for word in words):
        return [word.partition("/")[0] for word in words]
    return words[0].split(",") if words else []


def find_resource(word: str, catalog: Catalog = BUILT_IN) -> Resource:
    """The kind that a word means; BadInput when there is none of it."""
    resource = catalog.by_word(word)
    if resource is None:
        plurals = (one.plural for one in catalog.stored)
        some = "try pods, deployments, replicasets, nodes, events, services, configmaps, …"
        problem = f'the server doesn\'t have a resource type "{word}"'
        raise BadInput(problem, nearest(word, plurals, cutoff=0.8) or some)
    return resource


def find_resources(words: str, catalog: Catalog = BUILT_IN) -> list[Resource]:
    """The kinds of `pods,deploy`; a category such as `all` is what kubectl means by it."""
    found: list[Resource] = []
    for word in words.split(","):
        found += catalog.of_category(word) or [find_resource(word, catalog)]
    return list(dict.fromkeys(found))


def targets(words: Sequence[str], catalog: Catalog = BUILT_IN) -> list[Target]:
    """What `KIND[,KIND] [NAME…]` or `KIND/NAME…` names; BadInput when it names nothing."""
    if not words:
        raise BadInput("no kind given", "KIND, KIND NAME or KIND/NAME: pods, pod web, deploy/web")
    if any("/" in word for word in words):
        return [_slashed(word, catalog) for word in words]
    kinds = find_resources(words[0], catalog)
    return [Target(kind, name) for kind in kinds for name in (words[1:] or [""])]


def one_target(words: Sequence[str], catalog: Catalog = BUILT_IN) -> Target:
    """The one object that `KIND NAME` or `KIND/NAME` names."""
    found = targets(words, catalog)
    if len(found) != 1 or not found[0].name:
        raise BadInput("exactly one object is wanted", "KIND NAME or KIND/NAME")
    return found[0]


def _slashed(word: str, catalog: Catalog) -> Target:
    kind, slash, name = word.partition("/")
    if not slash or not name or "/" in name:
        raise BadInput(f"{word!r}: write all as KIND/NAME, or none", "pod/web deploy/api")
    return Target(find_resource(kind, catalog), name)


def check_scope(found: Iterable[Target], *, all_namespaces: bool) -> None:
    """A name is looked for in one namespace."""
    for target in found:
        if all_namespaces and target.name:
            raise BadInput("a resource cannot be retrieved by name across all namespaces")
