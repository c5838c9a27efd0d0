"""Who am I, and whose token is this: SelfSubjectReview and TokenReview."""

from labctl.api import causes
from labctl.api.objects import Obj
from labctl.apiserver.answers import Plain
from labctl.apiserver.authentication.tokens import AUDIENCES
from labctl.apiserver.registry.backend import Backend
from labctl.apiserver.request import Identity, Request
from labctl.apiserver.reviews.body import answered, read_review, refuse
from labctl.errors import StatusError


async def review_self(_: Backend, request: Request) -> Plain:
    """Whoever asks, as the server knows it."""
    review, warnings = read_review(request)
    return answered(review, {"userInfo": _user_info(request.user)}, warnings)


async def review_token(backend: Backend, request: Request) -> Plain:
    """Whose token the review holds, if it is good for one of the audiences; raises 400, 422."""
    review, warnings = read_review(request)
    spec = review.get("spec") or {}
    token = spec.get("token") or ""
    if not token:
        raise refuse(request, causes.required("spec.token", "token is required for TokenReview"))
    audiences = tuple(spec.get("audiences") or AUDIENCES)
    return answered(review, await _reviewed(backend, token, audiences), warnings)


async def _reviewed(backend: Backend, token: str, audiences: tuple[str, ...]) -> Obj:
    try:
        user = await backend.tokens.identify(token, audiences)
        meant = [one for one in backend.tokens.audiences(token) if one in audiences]
    except StatusError:
        return {"user": {}, "error": "invalid bearer token"}
    return {"authenticated": True, "user": _user_info(user), "audiences": meant}


def _user_info(user: Identity) -> Obj:
    info: Obj = {
        "username": user.name,
        "uid": user.uid,
        "groups": list(user.groups),
        "extra": {key: list(values) for key, values in user.extra},
    }
    return {member: value for member, value in info.items() if value}
