"""In which form a client wants its answer: whole objects, a Table, or metadata alone.

The Accept header says so, by the parameters of a media type: `as=Table`, `as=PartialObjectMetadata`
(k8s.io/apiserver/pkg/endpoints/handlers/negotiation). What cannot be met falls to the next choice.
"""

from enum import StrEnum
from functools import lru_cache

from labctl.apiserver.answers import Answer, Stream
from labctl.apiserver.partial import reduced
from labctl.apiserver.request import Request
from labctl.apiserver.tables import tabulated

_JSON = frozenset({"application/json", "application/*", "*/*"})


class Form(StrEnum):
    """What `as=` may name; nothing for whole objects."""

    WHOLE = ""
    TABLE = "Table"
    METADATA = "PartialObjectMetadata"
    METADATA_LIST = "PartialObjectMetadataList"


_FORMS = {form.value: form for form in Form}


def in_form(request: Request, answer: Answer | Stream) -> Answer | Stream:
    """The answer as the client wants it; raises 406 for metadata of one object and not of a list."""
    form = wanted_form(request.accept)
    if form is Form.WHOLE:
        return answer
    if form is Form.TABLE:
        return tabulated(request, answer)
    return reduced(answer, as_list=form is Form.METADATA_LIST)


@lru_cache(maxsize=64)  # clients send few different ones, each of them all the time
def wanted_form(accept: str) -> Form:
    """The first choice of an Accept header among what is served here."""
    for media_range in accept.split(","):
        media_type, *rest = (part.strip() for part in media_range.split(";"))
        parameters = dict(part.split("=", 1) for part in rest if "=" in part)
        if media_type not in _JSON:
            continue
        form = _FORMS.get(parameters.get("as", ""))
        if form is Form.WHOLE or (form is not None and parameters.get("v") == "v1"):
            return form
    return Form.WHOLE
