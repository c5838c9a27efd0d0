"""ResourceQuota: nothing is written that a quota of its namespace does not allow.

What is used is counted from the cache, and with it what is on its way into the store: a charge is
made in one step with the check, so that two creations at once never share what is left, and is held
until the cache has the object, or the write has failed.
"""

from types import TracebackType
from typing import Self

from labctl.api import quota as rules
from labctl.api import status
from labctl.api.kinds.core import EVENTS, RESOURCEQUOTAS
from labctl.api.objects import Obj, uid
from labctl.api.pod_resources import add
from labctl.api.quota import Usage
from labctl.api.resource import Resource
from labctl.apiserver.admission import Circumstances
from labctl.apiserver.admission.tally import Tally
from labctl.apiserver.watchcache.cache import WatchCache

_Place = tuple[str, Resource]  # a kind in a namespace


class Pending:
    """A charge while its object is being written. Left without a revision, it is given back."""

    __slots__ = ("_ledger", "charge", "revision")

    def __init__(self, charge: rules.Charge | None, ledger: "list[Pending] | None" = None) -> None:
        self.charge = charge
        self.revision = 0
        self._ledger = ledger

    def written(self, revision: int) -> None:
        """The object is in the store: the charge stays until the cache has it as well."""
        self.revision = revision

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._ledger is not None and not self.revision:
            self._ledger.remove(self)


class Quotas:
    """What is used and promised, by kind and namespace, where there are quotas."""

    def __init__(self) -> None:
        self._pending: dict[_Place, list[Pending]] = {}
        self._tallies: dict[str, dict[Resource, Tally]] = {}  # by the quota's uid

    def __call__(self, circumstances: Circumstances, obj: Obj) -> Obj:
        """The plugin for changes, which rarely want more: raises 403. Nothing is promised."""
        changed = circumstances.operation == "UPDATE" and not circumstances.subresource
        if changed and circumstances.old is not None and _may_be_limited(circumstances):
            charge = rules.Charge.of(circumstances.resource, obj, circumstances.old)
            if charge.usage:
                self._check(circumstances, charge)
        return obj

    def charge(self, circumstances: Circumstances, obj: Obj) -> Pending:
        """Charges the quotas for an object that is to be created; raises 403."""
        if not _may_be_limited(circumstances):
            return Pending(None)
        charge = rules.Charge.of(circumstances.resource, obj)
        if not self._check(circumstances, charge) or circumstances.dry_run:
            return Pending(None)
        ledger = self._pending.setdefault((circumstances.namespace, circumstances.resource), [])
        pending = Pending(charge, ledger)
        ledger.append(pending)
        return pending

    def _check(self, circumstances: Circumstances, charge: rules.Charge) -> bool:
        """Whether any quota limits it; raises 403 if one does so by less than is wanted."""
        limiting = False
        quotas = circumstances.cache.entries(RESOURCEQUOTAS, circumstances.namespace)
        for quota in [entry.object for entry in quotas]:
            why = "" if circumstances.old else rules.unstated(quota, charge)
            if not why and rules.apply(quota, charge):
                limiting = True
                why = rules.refusal(quota, charge, self._used(circumstances, quota))
            if why:
                name = charge.obj["metadata"].get("name", "")
                raise status.forbidden(charge.resource, name, why)
        return limiting

    def _used(self, circumstances: Circumstances, quota: Obj) -> Usage:
        place = (circumstances.namespace, circumstances.resource)
        used = self._tally(quota, place, circumstances.cache).used(circumstances.cache)
        for pending in self._live(place, circumstances.cache):
            if pending.charge is not None:
                used = add(used, rules.apply(quota, pending.charge))
        return used

    def _tally(self, quota: Obj, place: _Place, cache: WatchCache) -> Tally:
        space, resource = place
        tally = self._tallies.get(uid(quota), {}).get(resource)
        if tally is None or tally.spec != quota["spec"]:
            self._forget_gone(cache)
            tally = Tally(quota, resource, space)
            self._tallies.setdefault(uid(quota), {})[resource] = tally
        return tally

    def _forget_gone(self, cache: WatchCache) -> None:
        present = {uid(entry.object) for entry in cache.entries(RESOURCEQUOTAS)}
        self._tallies = {at: one for at, one in self._tallies.items() if at in present}

    def _live(self, place: _Place, cache: WatchCache) -> list[Pending]:
        """The charges whose objects the cache does not have yet."""
        ledger = self._pending.get(place, [])
        ledger[:] = [one for one in ledger if not one.revision or one.revision > cache.revision]
        return ledger


def _may_be_limited(circumstances: Circumstances) -> bool:
    """Whether there is a quota at all; of Events none is kept, as in Kubernetes."""
    space = circumstances.namespace
    if not space or circumstances.resource is EVENTS:
        return False
    return next(circumstances.cache.entries(RESOURCEQUOTAS, space), None) is not None
