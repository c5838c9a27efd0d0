"""A review on its way in and out: spec in, status out."""

from collections.abc import Iterable

from labctl.api import status
from labctl.api.causes import Cause
from labctl.api.objects import Obj
from labctl.apiserver.answers import Plain
from labctl.apiserver.decoding import decode_object
from labctl.apiserver.request import Request
from labctl.apiserver.validation import shaped


def read_review(request: Request) -> tuple[Obj, list[str]]:
    """The review in a request, of the right shape, and warnings; raises 400, 415."""
    sent, warnings = shaped(request, decode_object(request))
    return sent, list(warnings)


def answered(review: Obj, state: Obj, warnings: Iterable[str]) -> Plain:
    """201 with the review and its answer."""
    return Plain({**review, "status": state}, 201, tuple(warnings))


def refuse(request: Request, *causes: Cause) -> Exception:
    """422 for a review that asks nothing that can be answered."""
    return status.invalid(request.resource, "", causes)
