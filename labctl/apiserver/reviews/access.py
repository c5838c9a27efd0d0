"""May somebody do something: SelfSubjectAccessReview, SubjectAccessReview and the local one."""

from labctl.api import causes
from labctl.api.kinds.authorization import LOCALSUBJECTACCESSREVIEWS
from labctl.api.objects import Obj
from labctl.apiserver.answers import Plain
from labctl.apiserver.authorization import Attributes
from labctl.apiserver.registry.backend import Backend
from labctl.apiserver.request import Identity, Request
from labctl.apiserver.reviews.body import answered, read_review, refuse


async def review_own_access(backend: Backend, request: Request) -> Plain:
    """Whether whoever asks may do what the review says; raises 400, 422."""
    review, warnings = read_review(request)
    asked = _attributes(request, review.get("spec") or {}, request.user)
    return answered(review, await _decided(backend, asked), warnings)


async def review_access(backend: Backend, request: Request) -> Plain:
    """Whether the user in the review may; raises 400, 422."""
    review, warnings = read_review(request)
    spec = review.get("spec") or {}
    user, groups = spec.get("user") or "", spec.get("groups") or ()
    if not user and not groups:
        cause = causes.invalid("spec.user", user, "at least one of user or group must be specified")
        raise refuse(request, cause)
    extra = tuple((key, tuple(values)) for key, values in (spec.get("extra") or {}).items())
    identity = Identity(user, tuple(groups), spec.get("uid") or "", extra)
    asked = _attributes(request, spec, identity)
    if request.resource is LOCALSUBJECTACCESSREVIEWS:
        _check_namespace(request, spec)
    return answered(review, await _decided(backend, asked), warnings)


async def _decided(backend: Backend, asked: Attributes) -> Obj:
    await backend.cache.fresh()
    allowed, reason = backend.authorizer.decide(asked)
    return {"allowed": allowed, "reason": reason} if reason else {"allowed": allowed}


def _attributes(request: Request, spec: Obj, user: Identity) -> Attributes:
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if (resource is None) == (path is None):
        field = "spec.resourceAttributes"
        sentence = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        raise refuse(request, causes.invalid(field, resource, sentence))
    if path is not None:
        return Attributes(user, path.get("verb") or "", path=path.get("path") or "/")
    resource = resource or {}
    return Attributes(
        user,
        resource.get("verb") or "",
        resource.get("group") or "",
        resource.get("resource") or "",
        resource.get("subresource") or "",
        resource.get("namespace") or "",
        resource.get("name") or "",
        node=_node(resource),
    )


def _node(resource: Obj) -> str:
    """The spec.nodeName that a field selector of the review asks for."""
    for one in (resource.get("fieldSelector") or {}).get("requirements") or ():
        if one.get("key") == "spec.nodeName" and one.get("operator") == "In":
            values: list[str] = one.get("values") or []
            return values[0] if len(values) == 1 else ""
    return ""


def _check_namespace(request: Request, spec: Obj) -> None:
    """A local review asks about its own namespace."""
    resource = spec.get("resourceAttributes")
    if resource is None:
        sentence = "disallowed on this kind of request"
        raise refuse(request, causes.invalid("spec.nonResourceAttributes", {}, sentence))
    if resource.get("namespace") != request.namespace:
        raise refuse(
            request,
            causes.invalid(
                "spec.resourceAttributes.namespace",
                resource.get("namespace") or "",
                "must match metadata.namespace",
            ),
        )
