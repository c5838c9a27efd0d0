"""The group rbac.authorization.k8s.io, v1: the API server authorizes by them."""

from labctl.api.resource import NameRule, Resource

_GROUP = "rbac.authorization.k8s.io"

ROLES = Resource(
    _GROUP, "v1", "Role", "roles", namespaced=True, acted_upon=True, name_rule=NameRule.PATH
)

ROLEBINDINGS = Resource(
    _GROUP,
    "v1",
    "RoleBinding",
    "rolebindings",
    namespaced=True,
    acted_upon=True,
    name_rule=NameRule.PATH,
)

CLUSTERROLES = Resource(
    _GROUP,
    "v1",
    "ClusterRole",
    "clusterroles",
    namespaced=False,
    acted_upon=True,
    name_rule=NameRule.PATH,
)

CLUSTERROLEBINDINGS = Resource(
    _GROUP,
    "v1",
    "ClusterRoleBinding",
    "clusterrolebindings",
    namespaced=False,
    acted_upon=True,
    name_rule=NameRule.PATH,
)

RESOURCES = (ROLES, ROLEBINDINGS, CLUSTERROLES, CLUSTERROLEBINDINGS)
