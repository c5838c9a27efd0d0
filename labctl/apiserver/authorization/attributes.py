"""What is asked of an authorizer: who would do what to which resource, or to which path."""

from dataclasses import dataclass

from labctl.api import status
from labctl.api.kinds.core import NAMESPACES
from labctl.api.resource import Resource
from labctl.api.selectors import parse_field_selector
from labctl.apiserver.request import Identity, Request
from labctl.errors import BadInput, StatusError


@dataclass(frozen=True, slots=True)
class Attributes:
    """One question, in words: reviews ask about resources that no lab has.

    With a `path` it is about that and no resource. `node` is the spec.nodeName that the field
    selector of a list or watch asks for.
    """

    user: Identity
    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""
    node: str = ""

    @property
    def full_resource(self) -> str:
        """`pods` or `pods/log`."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


def attributes_of(request: Request) -> Attributes:
    """The question that a request raises.

    A list or watch of one name is about that object, as RequestInfo has it.
    """
    resource, name, node = request.resource, request.name, ""
    selector = request.query.get("fieldSelector", "")
    if selector and not name:
        try:
            fields = parse_field_selector(selector)
        except BadInput as error:
            raise status.bad_request(error.message) from None
        name = fields.required("metadata.name") or ""
        node = fields.required("spec.nodeName") or ""
    return Attributes(
        request.user,
        request.verb,
        resource.group,
        resource.plural,
        request.subresource,
        scope(request),
        name,
        node=node,
    )


def scope(request: Request) -> str:
    """The namespace that a request is about; a namespace itself lies within itself."""
    return request.name if request.resource is NAMESPACES else request.namespace


def refusal(asked: Attributes, reason: str = "") -> StatusError:
    """403 as kube-apiserver words it."""
    why = f": {reason}" if reason else ""
    if asked.path:
        sentence = f'User "{asked.user.name}" cannot {asked.verb} path "{asked.path}"{why}'
        return status.failure(403, "Forbidden", f"forbidden: {sentence}", {})
    where = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
    sentence = (
        f'User "{asked.user.name}" cannot {asked.verb} resource "{asked.full_resource}"'
        f' in API group "{asked.group}" {where}{why}'
    )
    named = Resource(asked.group, "", "", asked.resource, namespaced=bool(asked.namespace))
    return status.forbidden(named, asked.name, sentence)
