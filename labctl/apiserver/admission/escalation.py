"""Nobody gives away more than they have: writers of roles and bindings must hold what they grant.

Unless they may `escalate` (roles) or `bind` (bindings) by name. As pkg/registry/rbac: a role whose
rules stay as they were is no grant, and an aggregation rule grants whatever there is.
"""

from labctl.api import status
from labctl.api.kinds.rbac import CLUSTERROLEBINDINGS, CLUSTERROLES, ROLEBINDINGS, ROLES
from labctl.api.objects import Obj, name
from labctl.apiserver.admission import Circumstances
from labctl.apiserver.authorization import Attributes, Authorizer
from labctl.apiserver.authorization.rules import Atom
from labctl.errors import StatusError

_EVERYTHING = [
    {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
    {"verbs": ["*"], "nonResourceURLs": ["*"]},
]
_ATOMS_SHOWN = 50


class Escalation:
    """The plugin; it asks the authorizer what the writer may do."""

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    def __call__(self, circumstances: Circumstances, obj: Obj) -> Obj:
        if circumstances.operation == "DELETE" or circumstances.subresource:
            return obj
        if circumstances.resource in (ROLES, CLUSTERROLES):
            self._check_role(circumstances, obj)
        elif circumstances.resource in (ROLEBINDINGS, CLUSTERROLEBINDINGS):
            self._check_binding(circumstances, obj)
        return obj

    def _check_role(self, circumstances: Circumstances, role: Obj) -> None:
        old = circumstances.old or {}
        granted = list(role.get("rules") or ())
        if role.get("aggregationRule") and not _is_same(role, old, "aggregationRule"):
            granted = _EVERYTHING
        elif circumstances.old is not None and _is_same(role, old, "rules"):
            return
        if not self._may(circumstances, "escalate", circumstances.resource.plural, name(role)):
            self._check_held(circumstances, role, granted)

    def _check_binding(self, circumstances: Circumstances, binding: Obj) -> None:
        old = circumstances.old or {}
        unchanged = _is_same(binding, old, "roleRef") and _is_same(binding, old, "subjects")
        if circumstances.old is not None and unchanged:
            return
        reference = binding.get("roleRef") or {}
        cluster = reference.get("kind") == CLUSTERROLES.kind
        resource = CLUSTERROLES if cluster else ROLES
        bound = reference.get("name") or ""
        if self._may(circumstances, "bind", resource.plural, bound):
            return
        # Its metadata is only made later where the binding is new.
        placed = {**binding, "metadata": {"namespace": circumstances.namespace}}
        role = self._authorizer.rbac.role_of(placed)
        if role is None:
            raise status.not_found(resource, bound)
        self._check_held(circumstances, binding, list(role.get("rules") or ()))

    def _may(self, circumstances: Circumstances, verb: str, plural: str, at: str) -> bool:
        asked = Attributes(
            circumstances.user,
            verb,
            ROLES.group,
            plural,
            namespace=circumstances.namespace,
            name=at,
        )
        return self._authorizer.decide(asked)[0]

    def _check_held(self, circumstances: Circumstances, obj: Obj, rules: list[Obj]) -> None:
        """Raises 403 if the writer does not hold all of the rules itself."""
        permissions = self._authorizer.rbac.permissions(circumstances.user)
        missing = permissions.lacks(rules, circumstances.namespace)
        if missing:
            raise _refused(circumstances, name(obj), missing)


def _is_same(new: Obj, old: Obj, member: str) -> bool:
    return (new.get(member) or None) == (old.get(member) or None)


def _refused(circumstances: Circumstances, at: str, missing: list[Atom]) -> StatusError:
    user = circumstances.user
    groups = " ".join(f'"{group}"' for group in user.groups)
    listed = "\n".join(str(atom) for atom in missing[:_ATOMS_SHOWN])
    why = (
        f'user "{user.name}" (groups=[{groups}]) is attempting to grant RBAC permissions '
        f"not currently held:\n{listed}"
    )
    return status.forbidden(circumstances.resource, at, why)
