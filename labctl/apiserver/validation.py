"""Does it make sense: the sixth step of the chain, by the rules of labctl.api.

First the shape, before anything else looks into the object: a wrong type is a 400, as if it could
not be decoded. Then, once defaults and admission are through, the rules: a 422 with every cause.
"""

from collections.abc import Sequence

from labctl.api import status
from labctl.api.objects import Obj
from labctl.api.resource import Resource
from labctl.api.validation import shape_problems, validate
from labctl.apiserver.request import Request

_MODES = ("", "Ignore", "Warn", "Strict")


def check_shape(request: Request, obj: Obj) -> Sequence[str]:
    """Raises 400 for members of the wrong type, and for unknown ones if fieldValidation=Strict.

    Returns the warnings that the client shall see.
    """
    mode = request.query.get("fieldValidation", "")
    if mode not in _MODES:
        raise status.bad_request(
            f'invalid fieldValidation directive "{mode}": supported values: Ignore, Strict, Warn'
        )
    found = shape_problems(request.resource, obj)
    if found.types:
        raise _undecodable(request.resource, "; ".join(str(cause) for cause in found.types))
    unknown = [f'unknown field "{field}"' for field in found.unknown]
    if unknown and mode == "Strict":
        raise _undecodable(request.resource, f"strict decoding error: {', '.join(unknown)}")
    return () if mode == "Ignore" else unknown


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
