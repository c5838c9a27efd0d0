"""The node authorizer: what a kubelet may do, and which objects of others it may read.

A node reads secrets, configmaps, claims and accounts only where a pod that is bound to it refers to
them, its own pods, Node and Lease. Of what it writes, NodeRestriction in admission holds it to its
own, since that takes the objects. As plugin/pkg/auth/authorizer/node, with its
AuthorizeNodeWithSelectors; its graph is here an index of pods by node and a look into them.
"""

from labctl.api.kinds.core import PODS
from labctl.api.objects import Obj, annotations, namespace
from labctl.apiserver.authorization.attributes import Attributes
from labctl.apiserver.authorization.references import references
from labctl.apiserver.request import Identity
from labctl.apiserver.watchcache.cache import WatchCache
from labctl.apiserver.watchcache.index import EntryIndex

NODES_GROUP = "system:nodes"
NODE_PREFIX = "system:node:"
LEASE_NAMESPACE = "kube-node-lease"
MIRROR = "kubernetes.io/config.mirror"

_READ = frozenset({"get", "list", "watch"})
_CHANGE = frozenset({"update", "patch"})
_CREATE = frozenset({"create"})
_REVIEWS = "authorization.k8s.io"

# What every node may do, by group and resource with subresource.
RULES: dict[tuple[str, str], frozenset[str]] = {
    ("", "services"): _READ,
    ("", "nodes"): _CREATE | _CHANGE,
    ("", "nodes/status"): _CHANGE,
    ("", "pods"): frozenset({"create", "delete"}),
    ("", "pods/status"): _CHANGE,
    ("", "pods/eviction"): _CREATE,
    ("", "events"): _CREATE | _CHANGE,
    ("events.k8s.io", "events"): _CREATE | _CHANGE,
    ("node.k8s.io", "runtimeclasses"): _READ,
    ("authentication.k8s.io", "tokenreviews"): _CREATE,
    (_REVIEWS, "subjectaccessreviews"): _CREATE,
    (_REVIEWS, "localsubjectaccessreviews"): _CREATE,
}

# What it may read where one of its pods refers to it.
_REFERRED: dict[tuple[str, str], frozenset[str]] = {
    ("", "secrets"): _READ,
    ("", "configmaps"): _READ,
    ("", "persistentvolumeclaims"): frozenset({"get"}),
    ("", "serviceaccounts"): frozenset({"get"}),
    ("", "serviceaccounts/token"): _CREATE,
}


def node_name(user: Identity) -> str:
    """The node that a user is, or "" for a user that is none."""
    if NODES_GROUP in user.groups and user.name.startswith(NODE_PREFIX):
        return user.name.removeprefix(NODE_PREFIX)
    return ""


class NodeAuthorizer:
    """Answers for the group system:nodes, by the pods that the cache holds."""

    def __init__(self, cache: WatchCache) -> None:
        self._pods = EntryIndex(cache, PODS, _node_of)
        self._own = {
            ("", "pods"): self._refuses_pod,
            ("", "nodes"): self._refuses_node,
            ("coordination.k8s.io", "leases"): self._refuses_lease,
        }

    def refuses(self, asked: Attributes, node: str) -> str | None:
        """Why a node may not do something, "" if that is plain; None if it may."""
        kind = (asked.group, asked.full_resource)
        if asked.verb in RULES.get(kind, ()):
            return None
        if asked.verb in _REFERRED.get(kind, ()):
            return self._refuses_reference(asked, node)
        check = self._own.get(kind)
        return check(asked, node) if check is not None else ""

    def _refuses_reference(self, asked: Attributes, node: str) -> str | None:
        if not asked.name or not asked.namespace:
            return f"can only {asked.verb} an object of one name that a pod of the node refers to"
        if any(_refers(entry.object, asked) for entry in self._pods.get(node)):
            return None
        return f"no relationship found between node '{node}' and this object"

    def _refuses_pod(self, asked: Attributes, node: str) -> str | None:
        if asked.verb == "get":
            for entry in self._pods.get(node):
                if (entry.namespace, entry.name) == (asked.namespace, asked.name):
                    return None
            return f"no relationship found between node '{node}' and this object"
        if asked.verb in {"list", "watch"} and asked.node == node:
            return None
        return "can only list/watch pods with spec.nodeName field selector"

    def _refuses_node(self, asked: Attributes, node: str) -> str | None:
        if asked.verb not in _READ:
            return ""
        if asked.name == node:
            return None
        return f"node '{node}' cannot read '{asked.name or '*'}', only its own Node object"

    def _refuses_lease(self, asked: Attributes, node: str) -> str | None:
        if asked.verb not in {"get", "create", "delete"} | _CHANGE:
            return "can only get, create, update, patch, or delete a node lease"
        if asked.namespace != LEASE_NAMESPACE:
            return f'can only access leases in the "{LEASE_NAMESPACE}" system namespace'
        if asked.verb != "create" and asked.name != node:
            return "can only access node lease with the same name as the requesting node"
        return None


def _node_of(pod: Obj) -> str:
    return (pod.get("spec") or {}).get("nodeName") or ""


def _refers(pod: Obj, asked: Attributes) -> bool:
    """Whether a pod needs the object; one that mirrors a file on its node needs nothing."""
    if namespace(pod) != asked.namespace or MIRROR in annotations(pod):
        return False
    return (asked.resource, asked.name) in references(pod)
