"""What a plan asks to be written, as values, and the one place that writes them.

Writes of one plan do not depend on one another, so many are in flight at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from labctl.api.objects import Obj, key, name, namespace, uid
from labctl.api.resource import Resource
from labctl.client.client import Client, PatchType
from labctl.errors import StatusError

IN_FLIGHT: Final = 50

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Create:
    resource: Resource
    obj: Obj

    def describe(self) -> str:
        return f"create {self.resource.singular} {key(self.obj)}"


@dataclass(frozen=True)
class Patch:
    """A merge patch (or another `type`) of an object, or of its `subresource`."""

    resource: Resource
    target: Obj
    patch: Obj | list[Any]
    subresource: str = ""
    type: PatchType = "merge"

    def describe(self) -> str:
        what = f"{self.subresource} of " if self.subresource else ""
        return f"patch {what}{self.resource.singular} {key(self.target)}: {self.patch}"


@dataclass(frozen=True)
class Delete:
    """A deletion of this very object: another of the same name is left alone."""

    resource: Resource
    target: Obj
    grace: int | None = None
    propagation: str | None = None

    def describe(self) -> str:
        return f"delete {self.resource.singular} {key(self.target)}"


Write = Create | Patch | Delete


async def perform(client: Client, write: Write) -> Obj:
    """Writes it and returns the answer; raises StatusError."""
    match write:
        case Create(resource, obj):
            return await client.create(resource, obj)
        case Patch(resource, target, patch, subresource, kind):
            return await client.patch(
                resource,
                name(target),
                patch,
                namespace(target),
                subresource=subresource,
                type=kind,
            )
        case Delete(resource, target, grace, propagation):
            return await client.delete(
                resource,
                name(target),
                namespace(target),
                grace=grace,
                propagation=propagation,
                uid=uid(target) or None,
            )


async def perform_new(client: Client, create: Create) -> None:
    """Creates what may be there already, in a namespace that may end at any moment."""
    try:
        await perform(client, create)
    except StatusError as error:
        causes = error.status.get("details", {}).get("causes") or ()
        ending = any(cause.get("reason") == "NamespaceTerminating" for cause in causes)
        if error.code not in (404, 409) and not ending:
            raise


async def perform_all(client: Client, writes: Sequence[Write]) -> list[Obj | Exception]:
    """Performs all writes, up to IN_FLIGHT at once; the answers or failures in their order."""
    return await at_once(lambda write: perform(client, write), writes)


async def perform_each(client: Client, writes: Sequence[Write]) -> None:
    """Performs all writes; then raises the first failure, if there was one."""
    for answer in await perform_all(client, writes):
        if isinstance(answer, Exception):
            raise answer


async def at_once(
    work: Callable[[T], Awaitable[R]], items: Iterable[T], limit: int = IN_FLIGHT
) -> list[R | Exception]:
    """`work(item)` for all items, `limit` of them at once; results or failures in their order."""
    todo = list(items)
    results: list[R | Exception] = [RuntimeError("not done")] * len(todo)
    pending = iter(enumerate(todo))

    async def worker() -> None:
        for at, item in pending:
            try:
                results[at] = await work(item)
            except Exception as error:
                results[at] = error

    async with asyncio.TaskGroup() as group:
        for _ in range(min(limit, len(todo))):
            group.create_task(worker())
    return results


def status_patch(old: Obj, new: Obj) -> Obj:
    """The merge patch of a status: what `new` leaves out is taken away."""
    gone = {field: None for field in old if field not in new}
    return {"status": {**new, **gone}}
