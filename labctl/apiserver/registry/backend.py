"""Reading and writing one object: the cache in front, the store behind, compare-and-swap between."""

from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter

from labctl.api import status
from labctl.api.bounds import check_values
from labctl.api.custom.forms import with_version
from labctl.api.objects import Obj
from labctl.api.resource import Resource
from labctl.apiserver.admission import Circumstances
from labctl.apiserver.admission.chain import AdmissionChain
from labctl.apiserver.authentication import ServiceAccountTokens
from labctl.apiserver.authorization import Authorizer
from labctl.apiserver.measures import Measures
from labctl.apiserver.metrics.source import UsageSource
from labctl.apiserver.request import Request
from labctl.apiserver.turns import Turns
from labctl.apiserver.watchcache.cache import WatchCache
from labctl.apiserver.watchcache.entry import Entry, stored_form, versioned
from labctl.errors import StatusError
from labctl.store import OutcomeUnknown, Store, StoreError, TooLarge


@dataclass(frozen=True, slots=True)
class Backend:
    """What the verbs work on."""

    store: Store
    cache: WatchCache
    tokens: ServiceAccountTokens
    authorizer: Authorizer
    admission: AdmissionChain
    usage: UsageSource
    measures: Measures
    turns: Turns

    async def read(self, resource: Resource, namespace: str, name: str) -> Entry:
        """The newest version of an object; raises 404."""
        await self.cache.fresh()
        entry = self.cache.get(resource, namespace, name)
        if entry is None:
            raise status.not_found(resource, name)
        return entry

    async def commit(
        self, resource: Resource, key: str, expect: int, obj: Obj, ttl: float
    ) -> Entry:
        """Writes an object over revision `expect` (0: a new one); the entry is as it was sent.

        Raises Conflict; 400 for what JSON cannot hold, 413 for what the store does not take, 503
        when it cannot be written, 504 when nobody knows whether it was.
        """
        if resource.custom is not None:
            obj = with_version(obj, resource.custom.stored_as)
        try:
            value = stored_form(obj)
        except (OverflowError, UnicodeEncodeError, RecursionError) as error:
            raise status.bad_request(f"the object cannot be encoded as JSON: {error}") from None
        check_values(value)  # of many small changes, too: whoever reads it can send it back
        with self.cache.expecting(value, obj):
            revision = await self._write(key, expect, value, ttl)
        entry = self.cache.at(key)
        if entry is None or entry.revision != revision:  # another write came after this one
            entry = Entry(key, value, revision, versioned(obj, revision))
        return entry.seen_as(resource)

    async def remove(self, entry: Entry) -> Entry:
        """Deletes a version of an object; returns it as the deletion's event shows it."""
        return entry.at(await self._write(entry.key, entry.revision, None, 0))

    def circumstances(
        self, request: Request, operation: str, old: Obj | None = None
    ) -> Circumstances:
        """What admission is told of a request."""
        return Circumstances(
            operation=operation,
            resource=request.resource,
            subresource=request.subresource,
            namespace=request.namespace,
            name=request.name,
            user=request.user,
            old=old,
            cache=self.cache,
            dry_run=request.dry_run,
        )

    async def _write(self, key: str, expect: int, value: bytes | None, ttl: float) -> int:
        began = perf_counter()
        try:
            revision = await self.store.txn(key, expect, value, ttl)
        except TooLarge as error:
            raise status.too_large(str(error)) from error
        except OutcomeUnknown as error:
            # No retryAfterSeconds: client-go would send it again, and be told of its own write.
            raise status.timeout(f"the write may have been made, or not: {error}") from error
        except StoreError as error:
            raise status.service_unavailable(f"the store cannot be written: {error}") from error
        operation = "delete" if value is None else "update" if expect else "create"
        self.measures.written(operation, key, perf_counter() - began)
        # Told only when it is in the cache, so that admission of the next request knows of it.
        with suppress(StatusError):
            await self.cache.reached(revision)
        return revision
