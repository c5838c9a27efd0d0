"""NamespaceLifecycle: nothing is created in a namespace that is absent or going away."""

from labctl.api import status
from labctl.api.kinds.core import NAMESPACES
from labctl.api.objects import Obj, is_deleting
from labctl.apiserver.admission import Circumstances

DEFAULT_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
# kube-node-lease may be deleted in Kubernetes; it would come back at the next start.
_IMMORTAL = frozenset(DEFAULT_NAMESPACES[:3])


def check_namespace(circumstances: Circumstances, obj: Obj) -> Obj:
    """404 for a namespace that does not exist, 403 for one that is terminating or must stay."""
    if circumstances.operation == "DELETE":
        _check_mortal(circumstances)
    elif circumstances.operation == "CREATE" and circumstances.resource.namespaced:
        _check_open(circumstances, obj)
    return obj


def _check_mortal(circumstances: Circumstances) -> None:
    if circumstances.resource is NAMESPACES and circumstances.name in _IMMORTAL:
        raise status.forbidden(NAMESPACES, circumstances.name, "this namespace may not be deleted")


def _check_open(circumstances: Circumstances, obj: Obj) -> None:
    namespace = circumstances.namespace
    entry = circumstances.cache.get(NAMESPACES, "", namespace)
    if entry is None:
        raise status.not_found(NAMESPACES, namespace)
    if is_deleting(entry.object):
        why = (
            f"unable to create new content in namespace {namespace} because it is being terminated"
        )
        error = status.forbidden(circumstances.resource, obj["metadata"].get("name", ""), why)
        cause = {
            "reason": "NamespaceTerminating",
            "message": f"namespace {namespace} is being terminated",
            "field": "metadata.namespace",
        }
        error.status.setdefault("details", {})["causes"] = [cause]
        raise error
