"""The rules of a role, compiled: from group, resource and verb to the names that they allow.

The semantics are those of pkg/apis/rbac/v1/evaluation_helpers.go: `*` stands for any verb, group or
resource with its subresources, `*/scale` for that subresource of all, `pods/log` for itself alone.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from labctl.api.objects import Obj

ANY = "*"
EVERY_NAME = "/"  # stands for all names; no name has a slash in it
Names = frozenset[str]
NO_NAME: Names = frozenset()


@dataclass(frozen=True)
class Rules:
    """What a role allows. Names are held by (group, resource, verb), verbs by path."""

    names: dict[tuple[str, str, str], Names] = field(default_factory=dict)
    paths: tuple[tuple[str, frozenset[str]], ...] = ()

    def named(self, verb: str, group: str, resource: str) -> Names:
        """The names of a resource (`pods`, `pods/log`) with which the verb is allowed."""
        found: Names = NO_NAME
        for candidate in _resources(resource):
            for in_group in (group, ANY):
                for allowed in (verb, ANY):
                    found |= self.names.get((in_group, candidate, allowed), NO_NAME)
        return found

    def allows(self, verb: str, group: str, resource: str, name: str) -> bool:
        return is_among(name, self.named(verb, group, resource))

    def allows_path(self, verb: str, path: str) -> bool:
        return any(
            _matches_path(pattern, path) and (verb in verbs or ANY in verbs)
            for pattern, verbs in self.paths
        )


def is_among(name: str, names: Names) -> bool:
    return EVERY_NAME in names or name in names


def compile_rules(rules: Iterable[Obj]) -> Rules:
    names: dict[tuple[str, str, str], Names] = {}
    paths: list[tuple[str, frozenset[str]]] = []
    for rule in rules:
        verbs = frozenset(rule.get("verbs") or ())
        paths += ((pattern, verbs) for pattern in rule.get("nonResourceURLs") or ())
        for atom in _resource_atoms(rule):
            at = (atom.group, atom.resource, atom.verb)
            names[at] = names.get(at, NO_NAME) | {atom.name}
    return Rules(names, tuple(paths))


@dataclass(frozen=True, slots=True)
class Atom:
    """The smallest rule: one verb on one resource (of one name, or of any), or on one path."""

    verb: str
    group: str = ""
    resource: str = ""
    name: str = EVERY_NAME
    path: str = ""

    def __str__(self) -> str:
        if self.path:
            return f'{{NonResourceURLs:["{self.path}"], Verbs:["{self.verb}"]}}'
        named = "" if self.name == EVERY_NAME else f', ResourceNames:["{self.name}"]'
        return (
            f'{{APIGroups:["{self.group}"], Resources:["{self.resource}"]{named},'
            f' Verbs:["{self.verb}"]}}'
        )


def atoms(rules: Iterable[Obj]) -> Iterator[Atom]:
    """Rules taken apart."""
    for rule in rules:
        yield from _resource_atoms(rule)
        for path in rule.get("nonResourceURLs") or ():
            for verb in rule.get("verbs") or ():
                yield Atom(verb, path=path)


def _resource_atoms(rule: Obj) -> Iterator[Atom]:
    wanted: list[str] = rule.get("resourceNames") or []
    names = [name for name in wanted if name != EVERY_NAME] if wanted else [EVERY_NAME]
    for group in rule.get("apiGroups") or ():
        for resource in rule.get("resources") or ():
            for verb in rule.get("verbs") or ():
                for name in names:
                    yield Atom(verb, group, resource, name)


def _resources(resource: str) -> Iterator[str]:
    """The ways in which a rule can name a resource."""
    yield resource
    yield ANY
    _, slash, subresource = resource.partition("/")
    if slash:
        yield f"{ANY}/{subresource}"


def _matches_path(pattern: str, path: str) -> bool:
    if pattern.endswith(ANY):
        return path.startswith(pattern[:-1])
    return path == pattern
