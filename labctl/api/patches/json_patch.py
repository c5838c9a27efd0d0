"""JSON patch (RFC 6902), by the library jsonpatch, with the bounds that a server needs."""

from typing import Any

import jsonpatch
import msgspec
from jsonpointer import JsonPointerException

from labctl.api import status
from labctl.api.objects import Obj, copy
from labctl.errors import StatusError

MAX_OPERATIONS = 10_000  # as kube-apiserver
MAX_BYTES = 3 * 1024 * 1024
_FAILURES = (
    jsonpatch.JsonPatchException,
    JsonPointerException,
    AttributeError,
    IndexError,
    KeyError,
    TypeError,
    ValueError,
)


def json_patch(obj: Obj, patch: Any) -> Obj:
    """The object after all operations; none of them is kept when one fails (StatusError)."""
    if not isinstance(patch, list) or not all(isinstance(one, dict) for one in patch):
        raise status.bad_request("a JSON patch must be a list of operations")
    if len(patch) > MAX_OPERATIONS:
        raise status.failure(
            413,
            "RequestEntityTooLarge",
            f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(patch)}",
        )
    result: Any = copy(obj)
    for operation in patch:
        result = _applied(result, operation)
    if not isinstance(result, dict):
        raise status.bad_request("the patch leaves something that is not an object")
    return result


def _applied(document: Any, operation: Obj) -> Any:
    """One operation on a document of our own; a few copies of copies could fill the memory."""
    try:
        result = jsonpatch.JsonPatch([operation]).apply(document, in_place=True)
    except _FAILURES as error:
        raise _rejected(operation, error) from None
    if operation.get("op") == "copy" and len(msgspec.json.encode(result)) > MAX_BYTES:
        raise status.body_too_large(MAX_BYTES)
    return result


def _rejected(operation: Obj, error: Exception) -> StatusError:
    sentence = "the server rejected our request due to an error in our request"
    what = f"{operation.get('op')} {operation.get('path')}: {error}"[:300]
    return status.failure(422, "Invalid", f"{sentence}: {what}")


def json_diff(old: Obj, new: Obj) -> list[Obj]:
    """Operations that make `new` of `old`."""
    operations: list[Obj] = jsonpatch.make_patch(old, new).patch
    return operations
