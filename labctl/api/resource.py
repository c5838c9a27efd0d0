"""What the API server serves: a `Resource` is one kind and the paths, keys and words for it."""

from dataclasses import dataclass
from enum import StrEnum

from labctl.api.custom.type import CustomType

ALL_VERBS = (
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
)


class NameRule(StrEnum):
    """Which names a kind's objects may have; see validation/names.py for the rules themselves."""

    SUBDOMAIN = "subdomain"  # RFC 1123 subdomain: most kinds
    LABEL = "label"  # RFC 1123 label: namespaces
    SERVICE = "service"  # RFC 1035 label: services become DNS names
    PATH = "path"  # anything that can stand in a URL path: roles and bindings


@dataclass(frozen=True, eq=False)
class Resource:
    """One kind as it is served; made once, so that identity is equality: in `kinds/`, or for each
    served version and generation of a CustomResourceDefinition.

    It is a dictionary's key on every request, and hashing thirteen fields would show there.
    """

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    stored: "Resource | None" = None
    """The resource whose objects this one shows in another version or group; see conversion/."""
    acted_upon: bool = False
    """Whether anything in a lab acts on it; otherwise it is stored, watched and printed only."""
    name_rule: NameRule = NameRule.SUBDOMAIN
    field_selectors: tuple[str, ...] = ()
    """Fields that field selectors may name, besides metadata.name and metadata.namespace."""
    singular_name: str = ""
    """Where the singular is another word than the kind in small letters."""
    list_name: str = ""
    """Where the kind of lists is another word than the kind with List behind it."""
    custom: CustomType | None = None
    """What is known of a kind that a CustomResourceDefinition defines; None for a built-in one."""

    @property
    def api_version(self) -> str:
        """`v1` or `apps/v1`, as an object's apiVersion has it."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def singular(self) -> str:
        return self.singular_name or self.kind.lower()

    @property
    def list_kind(self) -> str:
        return self.list_name or f"{self.kind}List"

    @property
    def qualified(self) -> str:
        """`pods` or `deployments.apps`, as Kubernetes' messages name a resource."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified_kind(self) -> str:
        """`Pod` or `Deployment.apps`, as Kubernetes' messages name a kind."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    @property
    def has_status(self) -> bool:
        """Whether status is written by a subresource of its own and ignored in other writes."""
        return "status" in self.subresources

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The REST path of the collection, or of one object or subresource."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        if self.namespaced and namespace:
            root += f"/namespaces/{namespace}"
        return "/".join(part for part in (root, self.plural, name, subresource) if part)

    def prefix(self, namespace: str = "") -> str:
        """What the store's keys of these objects begin with; ends in a slash.

        Keys hold no version: one stored object is served in every version of its group.
        """
        root = f"/{self.group or 'core'}/{self.plural}/"
        return f"{root}{namespace}/" if self.namespaced and namespace else root

    def key(self, namespace: str, name: str) -> str:
        """The store's key: `/core/pods/NAMESPACE/NAME`, `/core/nodes/NAME`."""
        return self.prefix(namespace) + name
