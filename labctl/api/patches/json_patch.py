"""JSON patch (RFC 6902), by the library jsonpatch, with the bounds that a server needs."""

from typing import Any

import jsonpatch
import msgspec
from jsonpointer import JsonPointer, JsonPointerException

from labctl.api import status
from labctl.api.bounds import MAX_VALUES, count_values, too_many_values
from labctl.api.objects import Obj, copy
from labctl.errors import StatusError

MAX_OPERATIONS = 10_000  # as kube-apiserver
MAX_COPIED = 3 * 1024 * 1024  # bytes, by all operations together, as there
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
        raise status.too_large(
            f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(patch)}"
        )
    if sum(map(_steps, patch)) > MAX_VALUES:
        raise too_many_values()
    result: Any = copy(obj)
    copies = _Copies()
    for operation in patch:
        result = _applied(result, operation, copies)
    if not isinstance(result, dict):
        raise status.bad_request("the patch leaves something that is not an object")
    return result


def _steps(operation: Obj) -> int:
    """How many steps its pointers go; each costs as much as a value."""
    return sum(str(operation.get(member, "")).count("/") for member in ("path", "from"))


class _Copies:
    """What the copy operations of a patch have made: copies of copies could fill the memory."""

    def __init__(self) -> None:
        self._bytes = 0
        self._values = 0

    def made(self, document: Any, operation: Obj) -> Obj:
        """A copy operation as one that adds; raises StatusError, and what a pointer raises."""
        text = msgspec.json.encode(JsonPointer(operation["from"]).resolve(document))
        self._bytes += len(text)
        self._values += count_values(text)
        if self._bytes > MAX_COPIED:
            raise status.body_too_large(MAX_COPIED)
        if self._values > MAX_VALUES:
            raise too_many_values()
        return {**operation, "op": "add", "value": msgspec.json.decode(text)}


def _applied(document: Any, operation: Obj, copies: _Copies) -> Any:
    """One operation on a document of our own."""
    try:
        step = copies.made(document, operation) if operation.get("op") == "copy" else operation
        return jsonpatch.JsonPatch([step]).apply(document, in_place=True)
    except _FAILURES as error:
        raise _rejected(operation, error) from None


def _rejected(operation: Obj, error: Exception) -> StatusError:
    sentence = "the server rejected our request due to an error in our request"
    what = f"{operation.get('op')} {operation.get('path')}: {error}"[:300]
    return status.failure(422, "Invalid", f"{sentence}: {what}")


def json_diff(old: Obj, new: Obj) -> list[Obj]:
    """Operations that make `new` of `old`."""
    operations: list[Obj] = jsonpatch.make_patch(old, new).patch
    return operations
