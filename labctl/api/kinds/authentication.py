"""The group authentication.k8s.io, v1: who somebody is, asked and answered, never stored."""

from labctl.api.resource import Resource

_GROUP = "authentication.k8s.io"

SELFSUBJECTREVIEWS = Resource(
    _GROUP, "v1", "SelfSubjectReview", "selfsubjectreviews", namespaced=False, verbs=("create",)
)

TOKENREVIEWS = Resource(
    _GROUP, "v1", "TokenReview", "tokenreviews", namespaced=False, verbs=("create",)
)

# The body of the subresource serviceaccounts/token; it has no path of its own.
TOKENREQUESTS = Resource(
    _GROUP, "v1", "TokenRequest", "tokenrequests", namespaced=True, verbs=("create",)
)

RESOURCES = (SELFSUBJECTREVIEWS, TOKENREVIEWS)
