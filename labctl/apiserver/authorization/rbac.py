"""RBAC: what roles allow to those whom bindings name.

Bindings are indexed by subject and roles compiled when somebody first needs them; what came of it
is kept for each user until a role or a binding changes. So an answer costs two look-ups.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from labctl.api.kinds.rbac import CLUSTERROLEBINDINGS, CLUSTERROLES, ROLEBINDINGS, ROLES
from labctl.api.objects import Obj, name, namespace
from labctl.api.resource import Resource
from labctl.api.tokens import account_user
from labctl.apiserver.authorization.attributes import Attributes, scope
from labctl.apiserver.authorization.rules import (
    NO_NAME,
    Atom,
    Names,
    Rules,
    atoms,
    compile_rules,
    is_among,
)
from labctl.apiserver.request import Identity, Request
from labctl.apiserver.watchcache.cache import WatchCache
from labctl.apiserver.watchcache.entry import Entry

_USERS_KEPT, _ANSWERS_KEPT = 1_000, 10_000

Subject = tuple[str, str]  # a kind (User, Group) and a name; a ServiceAccount is its user
Question = tuple[str, Resource, str, str]  # verb, resource, subresource, namespace


@dataclass(frozen=True, slots=True)
class Grant:
    """A binding as it concerns one subject; without a namespace it holds everywhere."""

    namespace: str
    role: Obj | None  # None if it does not exist
    rules: Rules
    reference: str
    words: str

    def holds_in(self, namespace: str) -> bool:
        return not self.namespace or self.namespace == namespace

    def allows(self, asked: Attributes) -> bool:
        if asked.path:
            return not self.namespace and self.rules.allows_path(asked.verb, asked.path)
        return self.holds_in(asked.namespace) and self.rules.allows(
            asked.verb, asked.group, asked.full_resource, asked.name
        )


@dataclass(slots=True)
class Permissions:
    """Everything that is granted to one user, and the answers given so far."""

    grants: tuple[Grant, ...]
    _answers: dict[Question, Names] = field(default_factory=dict)

    def named(self, verb: str, group: str, resource: str, namespace: str) -> Names:
        """The names with which the verb is allowed there."""
        found: Names = NO_NAME
        for grant in self.grants:
            if grant.holds_in(namespace):
                found |= grant.rules.named(verb, group, resource)
        return found

    def named_in(self, request: Request) -> Names:
        """The same for a request, remembered."""
        target = request.target
        question = (request.verb, target.resource, target.subresource, scope(request))
        found = self._answers.get(question)
        if found is None:
            resource, subresource = target.resource, target.subresource
            full = f"{resource.plural}/{subresource}" if subresource else resource.plural
            found = self.named(request.verb, resource.group, full, question[3])
            if len(self._answers) >= _ANSWERS_KEPT:
                self._answers.clear()
            self._answers[question] = found
        return found

    def allows_path(self, verb: str, path: str) -> bool:
        return any(
            grant.rules.allows_path(verb, path) for grant in self.grants if not grant.namespace
        )

    def why(self, asked: Attributes) -> str:
        """By which grant something is allowed; "" if it is not."""
        for grant in self.grants:
            if grant.allows(asked):
                return f"RBAC: allowed by {grant.words}"
        return ""

    def lacks(self, rules: Iterable[Obj], namespace: str) -> list[Atom]:
        """The parts of some rules that this user may not do itself."""
        return [atom for atom in atoms(rules) if not self._covers(atom, namespace)]

    def rules_in(self, namespace: str) -> list[Obj]:
        """The rules that hold in a namespace, as they stand in their roles."""
        holding = (one.role for one in self.grants if one.role and one.holds_in(namespace))
        return [rule for role in holding for rule in role.get("rules") or ()]

    @property
    def missing_roles(self) -> list[str]:
        """The roles that bindings name and nobody has made."""
        return [grant.reference for grant in self.grants if grant.role is None]

    def _covers(self, atom: Atom, namespace: str) -> bool:
        if atom.path:
            return self.allows_path(atom.verb, atom.path)
        return is_among(atom.name, self.named(atom.verb, atom.group, atom.resource, namespace))


class Rbac:
    """Answers from the roles and bindings that the cache holds."""

    def __init__(self, cache: WatchCache) -> None:
        self._cache = cache
        self._users: dict[tuple[str, tuple[str, ...]], Permissions] = {}
        self._bindings: dict[Subject, list[Obj]] | None = None
        self._rules: dict[tuple[str, str, str], Rules] = {}
        for resource in (ROLES, CLUSTERROLES, ROLEBINDINGS, CLUSTERROLEBINDINGS):
            cache.observe(resource, self._forget)

    def allows(self, request: Request) -> bool:
        """Whether a request of no particular name is allowed: quick, for nearly all of them."""
        return is_among(request.name, self.permissions(request.user).named_in(request))

    def why(self, asked: Attributes) -> str:
        """By what it is allowed; "" if it is not."""
        return self.permissions(asked.user).why(asked)

    def permissions(self, user: Identity) -> Permissions:
        """What a user may do, as of now."""
        key = (user.name, user.groups)
        found = self._users.get(key)
        if found is None:
            if len(self._users) >= _USERS_KEPT:
                self._users.clear()
            found = self._users[key] = Permissions(tuple(self._grants(user)))
        return found

    def role_of(self, binding: Obj) -> Obj | None:
        """The role to which a binding refers, if it exists."""
        reference = binding.get("roleRef") or {}
        cluster = reference.get("kind") == CLUSTERROLES.kind
        resource = CLUSTERROLES if cluster else ROLES
        space = "" if cluster else namespace(binding)
        entry = self._cache.get(resource, space, reference.get("name") or "")
        return entry.object if entry else None

    def _grants(self, user: Identity) -> Iterator[Grant]:
        if self._bindings is None:
            self._bindings = self._indexed()
        subjects = [("User", user.name), *(("Group", group) for group in user.groups)]
        for subject in subjects:
            for binding in self._bindings.get(subject, ()):
                yield self._grant(binding, subject)

    def _grant(self, binding: Obj, subject: Subject) -> Grant:
        role, reference = self.role_of(binding), binding["roleRef"]
        space, kind, bound = namespace(binding), reference["kind"], reference["name"]
        own = f"{name(binding)}/{space}" if space else name(binding)
        referred = f'{kind.lower()}.{ROLES.group} "{bound}"'
        words = f'{binding["kind"]} "{own}" of {kind} "{bound}" to {subject[0]} "{subject[1]}"'
        return Grant(space, role, self._compiled(role) if role else Rules(), referred, words)

    def _compiled(self, role: Obj) -> Rules:
        key = (role["kind"], namespace(role), name(role))
        if key not in self._rules:
            self._rules[key] = compile_rules(role.get("rules") or ())
        return self._rules[key]

    def _indexed(self) -> dict[Subject, list[Obj]]:
        bindings: defaultdict[Subject, list[Obj]] = defaultdict(list)
        for resource in (CLUSTERROLEBINDINGS, ROLEBINDINGS):
            for entry in self._cache.entries(resource):
                for subject in entry.object.get("subjects") or ():
                    bindings[_subject(subject, entry.object)].append(entry.object)
        return bindings

    def _forget(self, _: Entry | None, __: Entry | None) -> None:
        self._users.clear()
        self._rules.clear()
        self._bindings = None


def _subject(subject: Obj, binding: Obj) -> Subject:
    if subject["kind"] == "ServiceAccount":
        space = subject.get("namespace") or namespace(binding)
        return ("User", account_user(space, subject["name"]))
    return (subject["kind"], subject["name"])
