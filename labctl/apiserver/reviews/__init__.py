"""Reviews: questions to the API server itself, answered at once and never stored."""

from collections.abc import Awaitable, Callable

from labctl.api.kinds.authentication import SELFSUBJECTREVIEWS, TOKENREVIEWS
from labctl.api.kinds.authorization import (
    LOCALSUBJECTACCESSREVIEWS,
    SELFSUBJECTACCESSREVIEWS,
    SELFSUBJECTRULESREVIEWS,
    SUBJECTACCESSREVIEWS,
)
from labctl.api.resource import Resource
from labctl.apiserver.answers import Answer
from labctl.apiserver.registry.backend import Backend
from labctl.apiserver.request import Request
from labctl.apiserver.reviews.access import review_access, review_own_access
from labctl.apiserver.reviews.identity import review_self, review_token
from labctl.apiserver.reviews.rules import review_own_rules

REVIEWS: dict[Resource, Callable[[Backend, Request], Awaitable[Answer]]] = {
    SELFSUBJECTREVIEWS: review_self,
    TOKENREVIEWS: review_token,
    SELFSUBJECTACCESSREVIEWS: review_own_access,
    SELFSUBJECTRULESREVIEWS: review_own_rules,
    SUBJECTACCESSREVIEWS: review_access,
    LOCALSUBJECTACCESSREVIEWS: review_access,
}
