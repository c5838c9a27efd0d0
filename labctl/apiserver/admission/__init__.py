"""What the cluster adds to, or refuses of, a write: the fifth step of the chain, in this order.

A plugin is a function from the circumstances and the object to the object as it goes on. It raises
a StatusError to refuse, and builds something new where it changes anything. Admission takes the
objects, so it is also where a node's writes are held to what is its own.
"""

from collections.abc import Callable
from typing import NamedTuple

from labctl.api.objects import Obj
from labctl.api.resource import Resource
from labctl.apiserver.request import Identity
from labctl.apiserver.watchcache.cache import WatchCache


class Circumstances(NamedTuple):
    """What a plugin is told of a write. `old` is what is there now, None when it is created."""

    operation: str  # CREATE, UPDATE, DELETE
    resource: Resource
    subresource: str
    namespace: str
    name: str
    user: Identity
    old: Obj | None
    cache: WatchCache
    dry_run: bool = False


Plugin = Callable[[Circumstances, Obj], Obj]
