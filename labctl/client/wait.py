"""Waiting for an object to be as one wishes: watched, never polled.

What `labctl wait`, `up`, `delete` and scenarios share. The wish is a pure function of the object,
or of None where there is none.
"""

import asyncio
import contextlib
from collections.abc import Callable

from labctl.api.objects import Obj
from labctl.api.resource import Resource
from labctl.client.client import Client
from labctl.errors import LabError, StatusError

Wish = Callable[[Obj | None], bool]


async def wait_for(
    client: Client, resource: Resource, name: str, namespace: str, wish: Wish, seconds: float
) -> Obj | None:
    """The object (None: there is none) as soon as `wish` holds of it.

    Raises LabError after `seconds`. A watch that ends is opened again.
    """
    try:
        async with asyncio.timeout(seconds):
            while True:
                with contextlib.suppress(_TooOld):
                    return await _watch_one(client, resource, name, namespace, wish)
    except TimeoutError:
        what = f"{resource.qualified} {name!r}"
        raise LabError(f"timed out after {seconds:g} s waiting for {what}") from None


class _TooOld(Exception):
    """The watch ended before the wish came true."""


async def _watch_one(
    client: Client, resource: Resource, name: str, namespace: str, wish: Wish
) -> Obj | None:
    selector = f"metadata.name={name}"
    found = await client.list(resource, namespace, fields=selector)
    obj = found.items[0] if found.items else None
    if wish(obj):
        return obj
    events = client.watch(
        resource, namespace, fields=selector, resource_version=found.resource_version
    )
    async with contextlib.aclosing(events):
        try:
            async for event in events:
                obj = None if event.type == "DELETED" else event.object
                if event.type != "BOOKMARK" and wish(obj):
                    return obj
        except StatusError as error:
            if error.code != 410:
                raise
    raise _TooOld
