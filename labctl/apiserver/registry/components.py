"""ComponentStatuses: how the parts of the control plane are. Computed when asked for, never stored.

Controllers and scheduler run in the API server's process, which ends when one of them fails; so
whoever gets an answer has them too. The store is asked.
"""

from labctl.api import status
from labctl.api.kinds.core import COMPONENTSTATUSES
from labctl.api.objects import Obj
from labctl.apiserver.answers import Listing, Stored
from labctl.apiserver.registry.backend import Backend
from labctl.apiserver.request import Request
from labctl.apiserver.watchcache.entry import Entry, stored_form
from labctl.store import StoreError

_STORE = "etcd-0"  # by this name it is known to clients, whatever it is
_NAMES = ("controller-manager", _STORE, "scheduler")
_DEPRECATED = ("v1 ComponentStatus is deprecated in v1.19+",)


async def get_component(backend: Backend, request: Request) -> Stored:
    """200 with one component; raises 404."""
    if request.name not in _NAMES:
        raise status.not_found(COMPONENTSTATUSES, request.name)
    return Stored(await _component(backend, request.name), warnings=_DEPRECATED)


async def list_components(backend: Backend, request: Request) -> Listing:
    entries = [await _component(backend, name) for name in _NAMES]
    return Listing(request.resource, backend.cache.revision, entries, warnings=_DEPRECATED)


async def _component(backend: Backend, name: str) -> Entry:
    error = await _store_error(backend) if name == _STORE else ""
    obj: Obj = {
        "apiVersion": COMPONENTSTATUSES.api_version,
        "kind": COMPONENTSTATUSES.kind,
        "metadata": {"name": name},
        "conditions": [_healthy(error)],
    }
    return Entry(COMPONENTSTATUSES.key("", name), stored_form(obj), 0, obj)


def _healthy(error: str) -> Obj:
    if error:
        return {"type": "Healthy", "status": "False", "error": error}
    return {"type": "Healthy", "status": "True", "message": "ok"}


async def _store_error(backend: Backend) -> str:
    try:
        await backend.store.revision()
    except StoreError as error:
        return str(error)
    return ""
