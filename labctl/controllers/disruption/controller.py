"""Keeps the status of disruption budgets, which the API server asks before it evicts a pod."""

import time
from collections.abc import Sequence
from typing import Final

from labctl.api.disruption import PERMISSION, covering
from labctl.api.kinds.core import PODS
from labctl.api.kinds.policy import PODDISRUPTIONBUDGETS
from labctl.api.objects import Obj, condition, controller_of, key, namespace, set_condition
from labctl.api.selectors import from_object
from labctl.client.index import Index
from labctl.client.reconciler import Reconciler
from labctl.controllers.controller import Desk
from labctl.controllers.disruption.budget import (
    count,
    counts_scale,
    next_look,
    status_of,
    still_disrupted,
)
from labctl.controllers.disruption.scale import NoScale, Scales

_WORKERS: Final = 5
_LOOK_AGAIN: Final = 5.0
_FAILED: Final = "SyncFailed"
_UNMANAGED: Final = (
    "Some of the pods that this budget selects have no controller, so that a share of them cannot "
    'be calculated. Give ".spec.minAvailable" as a number to count them.'
)


class DisruptionController:
    """Looks at a budget when it, or a pod that it selects, changes."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._client = desk.client
        self._budgets = desk.caches.of(PODDISRUPTIONBUDGETS)
        self._in_namespace = Index(self._budgets, _namespace)
        self._scales = Scales(desk.caches)
        self._reconciler = Reconciler("disruption", self._reconcile, _WORKERS)
        self._budgets.subscribe(self._budget_changed)
        self._pods = Index(desk.caches.of(PODS), _namespace)
        desk.caches.of(PODS).subscribe(self._pod_changed)

    async def run(self) -> None:
        await self._desk.caches.synced()
        await self._reconciler.run()

    def _budget_changed(self, _: Obj | None, new: Obj | None) -> None:
        if new is not None:
            self._reconciler.mark(key(new))

    def _pod_changed(self, old: Obj | None, new: Obj | None) -> None:
        """Most namespaces have no budget, and most pods change where there is none."""
        budgets = self._in_namespace.get(namespace(new or old or {})).values()
        for pod in (old, new) if budgets else ():
            for budget in covering(budgets, pod) if pod is not None else ():
                self._reconciler.mark(key(budget))

    async def _reconcile(self, at: str) -> float | None:
        budget = self._budgets.objects.get(at)
        if budget is None:
            return None
        now = time.time()
        pods = self._selected(budget)
        self._tell_of_pods(budget, pods)
        disrupted = still_disrupted(budget, pods, now)
        try:
            scale = self._scales.total(pods) if counts_scale(budget) else 0
        except NoScale as error:
            await self._cannot_count(budget, error)
            return _LOOK_AGAIN
        counts = count(budget, pods, scale, disrupted)
        await self._write(budget, status_of(budget, counts, disrupted))
        return next_look(disrupted, now)

    def _selected(self, budget: Obj) -> list[Obj]:
        selector = from_object((budget.get("spec") or {}).get("selector"))
        found = self._pods.get(namespace(budget)).values()
        return [pod for pod in found if selector.matches(pod["metadata"].get("labels"))]

    async def _write(self, budget: Obj, status: Obj) -> None:
        """Over the version that was looked at: the API server writes too, with each eviction."""
        if status != (budget.get("status") or {}):
            await self._client.replace(PODDISRUPTIONBUDGETS, {**budget, "status": status}, "status")

    async def _cannot_count(self, budget: Obj, error: NoScale) -> None:
        """Nothing may be evicted then. A cache may only be late, so it is looked at again."""
        status = budget.get("status") or {}
        if (condition(budget, PERMISSION) or {}).get("reason") != _FAILED:
            text = f"Failed to calculate the number of expected pods: {error.message}"
            self._tell(budget, "Warning", "CalculateExpectedPodCountFailed", text)
        conditions = set_condition(
            status.get("conditions") or (), PERMISSION, "False", _FAILED, error.message
        )
        counted = {"currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0, **status}
        await self._write(budget, {**counted, "disruptionsAllowed": 0, "conditions": conditions})

    def _tell_of_pods(self, budget: Obj, pods: Sequence[Obj]) -> None:
        if not pods:
            self._tell(budget, "Normal", "NoPods", "No matching pods found")
        if counts_scale(budget) and any(controller_of(pod) is None for pod in pods):
            self._tell(budget, "Warning", "UnmanagedPods", _UNMANAGED)

    def _tell(self, budget: Obj, type_: str, reason: str, message: str) -> None:
        self._desk.recorder.event(budget, type_, reason, message)


def _namespace(obj: Obj) -> tuple[str]:
    return (namespace(obj),)
