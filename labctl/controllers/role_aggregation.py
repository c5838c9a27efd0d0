"""ClusterRoles that are the sum of others: kept equal to all that their selectors pick."""

from collections.abc import Iterable

from labctl.api.kinds.rbac import CLUSTERROLES
from labctl.api.objects import Obj, labels, name
from labctl.api.selectors import from_object
from labctl.client.reconciler import Reconciler
from labctl.controllers.controller import Desk
from labctl.controllers.writes import Patch, perform


def aggregated(role: Obj, roles: Iterable[Obj]) -> list[Obj]:
    """The rules that an aggregated role should have: those it picks, by name, each rule once."""
    selectors = [
        from_object(selector)
        for selector in (role.get("aggregationRule") or {}).get("clusterRoleSelectors") or ()
    ]
    picked = [
        one
        for one in roles
        if name(one) != name(role) and any(sel.matches(labels(one)) for sel in selectors)
    ]
    rules: list[Obj] = []
    for one in sorted(picked, key=name):
        rules += (rule for rule in one.get("rules") or () if rule not in rules)
    return rules


class RoleAggregationController:
    """One aggregated role at a time; any role's change may concern each of them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._roles = desk.caches.of(CLUSTERROLES)
        self._sums: set[str] = set()
        self._reconciler = Reconciler("clusterrole-aggregation", self._reconcile)
        self._roles.subscribe(self._role_changed)

    async def run(self) -> None:
        await self._desk.caches.synced()
        await self._reconciler.run()

    def _role_changed(self, old: Obj | None, new: Obj | None) -> None:
        if new is not None and new.get("aggregationRule"):
            self._sums.add(name(new))
        elif old is not None:
            self._sums.discard(name(old))
        for at in self._sums:
            self._reconciler.mark(at)

    async def _reconcile(self, at: str) -> float | None:
        role = self._roles.objects.get(at)
        if role is None or not role.get("aggregationRule"):
            return None
        rules = aggregated(role, self._roles.objects.values())
        if rules != (role.get("rules") or []):
            version = {"resourceVersion": role["metadata"]["resourceVersion"]}
            patch = {"metadata": version, "rules": rules}
            await perform(self._desk.client, Patch(CLUSTERROLES, role, patch))
        return None
