"""NodeRestriction: a node writes its own Node, Lease and pods, Events about them, and no other.

Authorization lets a node write nodes, leases, events and pods' status; here, where the objects are
known, it is held to those that are its own. Sentences are those of Kubernetes' plugin, which lets
a node tell of anything: what it says of others' pods would be believed there.
"""

from labctl.api import status
from labctl.api.kinds.coordination import LEASES
from labctl.api.kinds.core import EVENTS, NODES, PODS, SERVICEACCOUNTS
from labctl.api.objects import Obj, uid
from labctl.apiserver.admission import Circumstances
from labctl.apiserver.authorization import node_name
from labctl.errors import StatusError

_LEASE_NAMESPACE = "kube-node-lease"
_MIRROR = "kubernetes.io/config.mirror"


def restrict_node(circumstances: Circumstances, obj: Obj) -> Obj:
    """Raises 403 where a node would write what is not its own."""
    node = node_name(circumstances.user)
    if node:
        check = _CHECKS.get(circumstances.resource)
        if check is not None:
            check(circumstances, obj, node)
    return obj


def _check_node(circumstances: Circumstances, obj: Obj, node: str) -> None:
    name = circumstances.name or obj["metadata"].get("name", "")
    if name != node:
        raise _forbidden(circumstances, name, f'is not allowed to modify node "{name}"')
    if circumstances.operation == "DELETE":
        raise _forbidden(circumstances, name, f'is not allowed to delete node "{name}"')
    old = circumstances.old
    if old is not None and _taints(old) != _taints(obj):
        raise _forbidden(circumstances, name, "is not allowed to modify taints")


def _taints(node: Obj) -> list[Obj]:
    return (node.get("spec") or {}).get("taints") or []


def _check_lease(circumstances: Circumstances, obj: Obj, node: str) -> None:
    name = circumstances.name or obj["metadata"].get("name", "")
    if circumstances.namespace != _LEASE_NAMESPACE:
        why = f"can only access leases in the {_LEASE_NAMESPACE!r} namespace"
        raise _forbidden(circumstances, name, why.replace("'", '"'))
    if name != node:
        raise _forbidden(
            circumstances, name, "can only access node lease with the same name as the node"
        )


def _check_pod(circumstances: Circumstances, obj: Obj, node: str) -> None:
    name = circumstances.name or obj["metadata"].get("name", "")
    if circumstances.operation == "CREATE" and not circumstances.subresource:
        _check_mirror_pod(circumstances, obj, node)
        return
    pod = circumstances.old or obj
    if (pod.get("spec") or {}).get("nodeName") != node:
        what = {
            "UPDATE": "update pod status for",
            "DELETE": "delete",
        }.get(circumstances.operation, "evict")
        why = f"can only {what} pods with spec.nodeName set to itself"
        raise _forbidden(circumstances, name, why)


def _check_mirror_pod(circumstances: Circumstances, obj: Obj, node: str) -> None:
    name = obj["metadata"].get("name", "")
    if _MIRROR not in (obj["metadata"].get("annotations") or {}):
        raise _forbidden(
            circumstances,
            name,
            f'pod does not have "{_MIRROR}" annotation, node "{node}" can only create mirror pods',
            said=True,
        )
    if (obj.get("spec") or {}).get("nodeName") != node:
        raise _forbidden(
            circumstances, name, "can only create pods with spec.nodeName set to itself"
        )


def _check_event(circumstances: Circumstances, obj: Obj, node: str) -> None:
    for event in (circumstances.old, obj):
        subject = (event or {}).get("involvedObject") or {}
        if event is not None and not _is_about(circumstances, subject, node):
            name = circumstances.name or event["metadata"].get("name", "")
            why = "can only write events about itself and pods with spec.nodeName set to itself"
            raise _forbidden(circumstances, name, why)


def _is_about(circumstances: Circumstances, subject: Obj, node: str) -> bool:
    """Whether an Event's subject is the node, or a pod of it; of one that is gone, any may tell."""
    name = subject.get("name", "")
    if subject.get("kind") == NODES.kind:
        return bool(name == node)
    if subject.get("kind") != PODS.kind:
        return False
    entry = circumstances.cache.get(PODS, subject.get("namespace", ""), name)
    if entry is None or subject.get("uid") not in (None, "", uid(entry.object)):
        return True
    return bool((entry.object.get("spec") or {}).get("nodeName") == node)


def _check_token(circumstances: Circumstances, obj: Obj, node: str) -> None:
    """A node asks for tokens of its own pods' accounts, bound to those pods."""
    if circumstances.subresource != "token":
        return
    bound = (obj.get("spec") or {}).get("boundObjectRef") or {}
    name = circumstances.name
    if bound.get("kind") != PODS.kind or not bound.get("name"):
        raise _forbidden(circumstances, name, "node requested token not bound to a pod", said=True)
    if not bound.get("uid"):
        why = "node requested token with a pod binding without a uid"
        raise _forbidden(circumstances, name, why, said=True)
    entry = circumstances.cache.get(PODS, circumstances.namespace, bound["name"])
    if entry is not None and (entry.object.get("spec") or {}).get("nodeName") != node:
        why = "node requested token bound to a pod scheduled on a different node"
        raise _forbidden(circumstances, name, why, said=True)


def _forbidden(
    circumstances: Circumstances, name: str, why: str, *, said: bool = False
) -> StatusError:
    subject = "" if said else f'node "{node_name(circumstances.user)}" '
    return status.forbidden(circumstances.resource, name, subject + why)


_CHECKS = {
    EVENTS: _check_event,
    NODES: _check_node,
    LEASES: _check_lease,
    PODS: _check_pod,
    SERVICEACCOUNTS: _check_token,
}
