"""Does it make sense: the sixth step of the chain, by the rules of labctl.api.

First the shape, before anything else looks into the object: a wrong type is a 400, as if it could
not be decoded. Then, once defaults and admission are through, the rules: a 422 with every cause.
"""

from collections.abc import Sequence

from labctl.api import status
from labctl.api.objects import Obj
from labctl.api.resource import Resource
from labctl.api.schema import without_unknown
from labctl.api.validation import shape_problems, validate
from labctl.apiserver.directives import validation_mode
from labctl.apiserver.duplicates import duplicate_fields
from labctl.apiserver.request import Request


def shaped(
    request: Request, obj: Obj, resource: Resource | None = None
) -> tuple[Obj, Sequence[str]]:
    """The object with what its kind knows, and the warnings that the client shall see.

    Raises 400 for members of the wrong type, and for unknown ones and those that are there twice if
    fieldValidation=Strict. `resource` is what `obj` is where it is not what the request is for.
    """
    kind, mode = resource or request.resource, validation_mode(request)
    found = shape_problems(kind, obj)
    if found.types:
        raise _undecodable(kind, "; ".join(str(cause) for cause in found.types))
    if found.unknown and kind.custom is None:  # setting defaults prunes custom ones
        obj = without_unknown(kind, obj)
    if mode == "Ignore":
        return obj, ()
    doubts = [f'duplicate field "{field}"' for field in duplicate_fields(request.body)]
    doubts += [f'unknown field "{field}"' for field in found.unknown]
    if doubts and mode == "Strict":
        raise _undecodable(kind, f"strict decoding error: {', '.join(doubts)}")
    return obj, doubts


def check_rules(resource: Resource, obj: Obj, old: Obj | None) -> None:
    """Raises 422 if the object breaks the rules of its kind, or those of changing `old`."""
    causes = validate(resource, obj, old)
    if causes:
        raise status.invalid(resource, obj["metadata"].get("name", ""), causes)


def _undecodable(resource: Resource, why: str) -> Exception:
    return status.bad_request(
        f'{resource.kind} in version "{resource.version}" cannot be handled as a '
        f"{resource.kind}: {why}"
    )
