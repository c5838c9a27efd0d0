"""The group authorization.k8s.io, v1: what somebody may do, asked and answered, never stored."""

from labctl.api.resource import Resource

_GROUP = "authorization.k8s.io"

SELFSUBJECTACCESSREVIEWS = Resource(
    _GROUP,
    "v1",
    "SelfSubjectAccessReview",
    "selfsubjectaccessreviews",
    namespaced=False,
    verbs=("create",),
)

SELFSUBJECTRULESREVIEWS = Resource(
    _GROUP,
    "v1",
    "SelfSubjectRulesReview",
    "selfsubjectrulesreviews",
    namespaced=False,
    verbs=("create",),
)

SUBJECTACCESSREVIEWS = Resource(
    _GROUP, "v1", "SubjectAccessReview", "subjectaccessreviews", namespaced=False, verbs=("create",)
)

LOCALSUBJECTACCESSREVIEWS = Resource(
    _GROUP,
    "v1",
    "LocalSubjectAccessReview",
    "localsubjectaccessreviews",
    namespaced=True,
    verbs=("create",),
)

RESOURCES = (
    SELFSUBJECTACCESSREVIEWS,
    SELFSUBJECTRULESREVIEWS,
    SUBJECTACCESSREVIEWS,
    LOCALSUBJECTACCESSREVIEWS,
)
