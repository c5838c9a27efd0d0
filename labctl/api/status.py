"""Kubernetes' `Status` objects: each way to fail as a function that makes the error to raise.

Reasons, codes and sentences are those of k8s.io/apimachinery/pkg/api/errors; kubectl and the client
libraries decide by them what to print and what to retry.
"""

from collections.abc import Iterable
from typing import Any

from labctl.api.causes import Cause, listed
from labctl.api.objects import Obj
from labctl.api.resource import Resource
from labctl.errors import StatusError


def success(details: Obj | None = None) -> Obj:
    """The Status that answers a request which has nothing better to return."""
    status: Obj = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    return {**status, "details": details} if details else status


def failure(code: int, reason: str, message: str, details: Obj | None = None) -> StatusError:
    """Any failure; `reason` and `code` must belong together as in metav1.StatusReason."""
    status: Obj = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }
    return StatusError({**status, "details": details} if details else status)


def _details(resource: Resource, name: str, **more: Any) -> Obj:
    details: Obj = {"name": name, "group": resource.group, "kind": resource.plural, **more}
    return {field: value for field, value in details.items() if value}


def bad_request(message: str) -> StatusError:
    """400: the request cannot be understood, whatever the state of the server."""
    return failure(400, "BadRequest", message)


def unauthorized() -> StatusError:
    return failure(401, "Unauthorized", "Unauthorized")


def forbidden(resource: Resource, name: str, why: str) -> StatusError:
    """403: `why` follows the object's name, as in `User "u" cannot get resource …`."""
    quoted = f' "{name}"' if name else ""
    message = f"{resource.qualified}{quoted} is forbidden: {why}"
    return failure(403, "Forbidden", message, _details(resource, name))


def not_found(resource: Resource, name: str) -> StatusError:
    message = f'{resource.qualified} "{name}" not found'
    return failure(404, "NotFound", message, _details(resource, name))


def no_such_path() -> StatusError:
    """404 for a path that leads nowhere."""
    return failure(404, "NotFound", "the server could not find the requested resource", {})


def method_not_allowed() -> StatusError:
    message = "the server does not allow this method on the requested resource"
    return failure(405, "MethodNotAllowed", message, {})


def not_acceptable(accepted: Iterable[str]) -> StatusError:
    message = f"only the following media types are accepted: {', '.join(accepted)}"
    return failure(406, "NotAcceptable", message)


def already_exists(resource: Resource, name: str) -> StatusError:
    message = f'{resource.qualified} "{name}" already exists'
    return failure(409, "AlreadyExists", message, _details(resource, name))


_MODIFIED = (
    "the object has been modified; please apply your changes to the latest version and try again"
)


def conflict(resource: Resource, name: str, why: str = _MODIFIED) -> StatusError:
    """409: a precondition (resourceVersion, uid) does not hold."""
    message = f'Operation cannot be fulfilled on {resource.qualified} "{name}": {why}'
    return failure(409, "Conflict", message, _details(resource, name))


def apply_conflict(message: str, causes: Iterable[Cause]) -> StatusError:
    """409: others manage what a configuration would change; a cause for each field."""
    return failure(409, "Conflict", message, {"causes": listed(causes)})


def gone(message: str) -> StatusError:
    return failure(410, "Gone", message)


def expired(message: str) -> StatusError:
    """410: the revision asked for is no longer kept; the client lists again."""
    return failure(410, "Expired", message)


def too_old(wanted: int | str, oldest: int | str) -> StatusError:
    """410 for a watch from before what is kept, worded as the watch cache does."""
    return expired(f"too old resource version: {wanted} ({oldest})")


def body_too_large(limit: int) -> StatusError:
    return too_large(f"Request entity too large: limit is {limit}")


def too_large(message: str) -> StatusError:
    """413: more than the server takes."""
    return failure(413, "RequestEntityTooLarge", message)


def unsupported_media_type(supported: Iterable[str]) -> StatusError:
    message = (
        "the body of the request was in an unknown format - "
        f"accepted media types include: {', '.join(supported)}"
    )
    return failure(415, "UnsupportedMediaType", message)


def invalid(resource: Resource, name: str, causes: Iterable[Cause]) -> StatusError:
    """422: the object breaks rules; every cause is listed with its field."""
    found = list(causes)
    sentences = [str(cause) for cause in found]
    what = sentences[0] if len(sentences) == 1 else f"[{', '.join(sentences)}]"
    details = {
        **_details(resource, name),
        "kind": resource.kind,
        "causes": listed(found),
    }
    message = f'{resource.qualified_kind} "{name}" is invalid: {what}'
    return failure(422, "Invalid", message, details)


def invalid_request(causes: Iterable[Cause]) -> StatusError:
    """422 for a request, of which it cannot be said which object it is about."""
    found = list(causes)
    message = f' "" is invalid: {"; ".join(map(str, found))}'
    return failure(422, "Invalid", message, {"causes": listed(found)})


def too_many_requests(
    message: str, retry_after: int = 0, causes: Iterable[Cause] = ()
) -> StatusError:
    """429: over a limit, or an eviction that a disruption budget does not allow."""
    details: Obj = {
        "retryAfterSeconds": retry_after,
        "causes": [{"reason": one.reason, "message": one.message} for one in causes],
    }
    return failure(
        429, "TooManyRequests", message, {key: value for key, value in details.items() if value}
    )


def internal_error(message: str) -> StatusError:
    text = f"Internal error occurred: {message}"
    return failure(500, "InternalError", text, {"causes": [{"message": message}]})


def service_unavailable(message: str) -> StatusError:
    return failure(503, "ServiceUnavailable", message)


def timeout(message: str, retry_after: int = 0) -> StatusError:
    """504: the server gave up waiting; the request may be sent again."""
    details = {"retryAfterSeconds": retry_after} if retry_after else None
    return failure(504, "Timeout", message, details)


def too_large_version(wanted: int | str, current: int | str) -> StatusError:
    """504 for a revision that has not happened yet, with the cause that clients look for."""
    message = f"Too large resource version: {wanted}, current: {current}"
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    return failure(504, "Timeout", message, {"retryAfterSeconds": 1, "causes": [cause]})
