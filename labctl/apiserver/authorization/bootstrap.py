"""Makes the default roles and bindings where they are missing, and repairs what was taken from them.

What somebody added stays, and so does what is annotated autoupdate=false; rules and subjects that
are gone come back (pkg/registry/rbac/reconciliation). The API server does this at every start.
"""

import asyncio
from collections.abc import Iterable, Iterator

from labctl.api.kinds.rbac import CLUSTERROLEBINDINGS, CLUSTERROLES, ROLEBINDINGS, ROLES
from labctl.api.objects import Obj, annotations, labels, name, namespace
from labctl.api.resource import Resource
from labctl.apiserver.authorization import default_roles as defaults
from labctl.apiserver.authorization.default_roles import VERBS
from labctl.apiserver.authorization.rules import Atom, atoms, compile_rules
from labctl.apiserver.watchcache.cache import WatchCache
from labctl.client.client import Client
from labctl.errors import StatusError

AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"
_AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate"
_CONTROLLER = "system:controller:"


async def ensure_defaults(client: Client, cache: WatchCache) -> None:
    """Makes them right, by a client that may do everything."""
    await asyncio.gather(*(_ensure(client, cache, *one) for one in default_objects()))


async def _ensure(client: Client, cache: WatchCache, resource: Resource, wanted: Obj) -> None:
    entry = cache.get(resource, namespace(wanted), name(wanted))
    if entry is None:
        await _create(client, resource, wanted)
    elif annotations(entry.object).get(_AUTOUPDATE) != "false":
        repaired = repair(entry.object, wanted)
        if repaired != entry.object:
            await _replace(client, resource, entry.object, repaired)


async def _create(client: Client, resource: Resource, wanted: Obj) -> None:
    try:
        await client.create(resource, wanted)
    except StatusError as error:
        if error.reason != "AlreadyExists":  # by another server of the same store
            raise


async def _replace(client: Client, resource: Resource, found: Obj, repaired: Obj) -> None:
    """A binding to another role is another binding: it cannot be changed, only made again."""
    if found.get("roleRef") != repaired.get("roleRef"):
        await client.delete(resource, name(found), namespace(found))
        await _create(client, resource, repaired)
    else:
        await client.replace(resource, repaired)


def repair(found: Obj, wanted: Obj) -> Obj:
    """A default object as found, with all that it should have."""
    metadata = {
        **found["metadata"],
        "labels": {**labels(found), **labels(wanted)},
        "annotations": {**annotations(found), **annotations(wanted)},
    }
    repaired = {**found, "metadata": metadata}
    if "roleRef" in wanted:
        subjects = list(found.get("subjects") or ())
        missing = [one for one in wanted.get("subjects") or () if one not in subjects]
        if missing:
            repaired["subjects"] = subjects + missing
        if found.get("roleRef") != wanted["roleRef"]:
            del metadata["resourceVersion"], metadata["uid"]
            repaired["roleRef"] = wanted["roleRef"]
    elif "aggregationRule" in wanted:
        repaired["aggregationRule"] = wanted["aggregationRule"]
    elif found.get("rules") != wanted["rules"]:
        repaired["rules"] = [*(found.get("rules") or ()), *_missing_rules(found, wanted)]
    return repaired


def _missing_rules(found: Obj, wanted: Obj) -> list[Obj]:
    has = compile_rules(found.get("rules") or ())

    def is_covered(atom: Atom) -> bool:
        if atom.path:
            return has.allows_path(atom.verb, atom.path)
        return has.allows(atom.verb, atom.group, atom.resource, atom.name)

    return [rule for rule in wanted["rules"] if not all(is_covered(one) for one in atoms([rule]))]


def default_objects() -> Iterator[tuple[Resource, Obj]]:
    """All of them, roles before the bindings that refer to them."""
    for role, text in defaults.CLUSTER_ROLES.items():
        yield CLUSTERROLES, _role(CLUSTERROLES, role, text)
    for role, into in defaults.AGGREGATED.items():
        yield CLUSTERROLES, _sum(role, into)
    for controller, text in defaults.CONTROLLER_ROLES.items():
        rules = f"{text}\n{defaults.EVERY_CONTROLLER}"
        yield CLUSTERROLES, _role(CLUSTERROLES, _CONTROLLER + controller, rules)
    for at, text in defaults.ROLES.items():
        yield ROLES, _role(ROLES, at[1], text, at[0])
    for role, subjects in defaults.CLUSTER_BINDINGS.items():
        yield CLUSTERROLEBINDINGS, _binding(role, subjects)
    for controller in defaults.CONTROLLER_ROLES:
        yield CLUSTERROLEBINDINGS, _binding(_CONTROLLER + controller, (f"account {controller}",))
    for at, subjects in defaults.BINDINGS.items():
        yield ROLEBINDINGS, _binding(at[1], subjects, at[0])


def _role(resource: Resource, name: str, text: str, space: str = "") -> Obj:
    into = name.removeprefix("system:aggregate-to-") if "aggregate-to" in name else ""
    return {**_head(resource, name, space, into), "rules": list(parse_rules(text))}


def _sum(role: str, into: str) -> Obj:
    """A role that adds up others, with what it comes to: nobody need wait for its controller."""
    parts = [
        f"system:aggregate-to-{role}",
        *(r for r, to in defaults.AGGREGATED.items() if to == role),
    ]
    selector = {"matchLabels": {AGGREGATE + role: "true"}}
    return {
        **_head(CLUSTERROLES, role, "", into),
        "aggregationRule": {"clusterRoleSelectors": [selector]},
        "rules": [rule for part in sorted(parts) for rule in _rules_of(part)],
    }


def _rules_of(role: str) -> Iterable[Obj]:
    if role in defaults.AGGREGATED:
        rules: list[Obj] = _sum(role, "")["rules"]
        return rules
    return parse_rules(defaults.CLUSTER_ROLES[role])


def _binding(role: str, subjects: Iterable[str], space: str = "") -> Obj:
    resource = ROLEBINDINGS if space else CLUSTERROLEBINDINGS
    kind = "Role" if space else "ClusterRole"
    return {
        **_head(resource, role, space),
        "roleRef": {"apiGroup": CLUSTERROLES.group, "kind": kind, "name": role},
        "subjects": [_subject(*one.split(" ")) for one in subjects],
    }


def _subject(kind: str, name: str) -> Obj:
    if kind == "account":
        return {"kind": "ServiceAccount", "name": name, "namespace": "kube-system"}
    return {"kind": kind.capitalize(), "name": name, "apiGroup": CLUSTERROLES.group}


def _head(resource: Resource, name: str, space: str, into: str = "") -> Obj:
    labelled = {"kubernetes.io/bootstrapping": "rbac-defaults"}
    if into:
        labelled[AGGREGATE + into] = "true"
    metadata: Obj = {"name": name, "labels": labelled, "annotations": {_AUTOUPDATE: "true"}}
    if space:
        metadata["namespace"] = space
    return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata}


def parse_rules(text: str) -> Iterator[Obj]:
    """The rules of a role in the notation of `default_roles`."""
    for line in filter(None, map(str.strip, text.splitlines())):
        verbs, _, what = line.partition(":")
        resources, _, named = what.partition("=")
        yield from _rules(_verbs(verbs), resources.split(), named.strip())


def _verbs(text: str) -> list[str]:
    return [verb for word in text.split() for verb in VERBS.get(word, word).split()]


def _rules(verbs: list[str], words: list[str], named: str) -> Iterator[Obj]:
    paths = [word for word in words if word.startswith("/")]
    if paths:
        yield {"nonResourceURLs": ["*" if path == "/*" else path for path in paths], "verbs": verbs}
    by_group: dict[str, list[str]] = {}
    for word in words:
        if not word.startswith("/"):
            resource, _, group = word.partition(".")
            by_group.setdefault(group, []).append(resource)
    for group, resources in by_group.items():
        rule: Obj = {"apiGroups": [group], "resources": resources, "verbs": verbs}
        yield {**rule, "resourceNames": [named]} if named else rule
