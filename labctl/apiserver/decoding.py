"""From the bytes of a request to an object that is at least of the right kind.

Everything that a client can get wrong here is a 400 or 415; whether the object makes sense is
validation's business. Callers in this process hand in objects, which are taken as they are.
"""

from typing import Any

import msgspec

from labctl.api import status
from labctl.api.bounds import MAX_VALUES, check_values
from labctl.api.objects import Obj, has_longer_name, is_deeper_than, without_nulls
from labctl.api.protobuf import MAGIC
from labctl.api.resource import Resource
from labctl.api.yaml_values import YamlProblem, load_documents
from labctl.apiserver.duplicates import duplicate_fields
from labctl.apiserver.request import JSON, PROTOBUF, YAML, Request

MAX_DEPTH = 200  # what follows goes through objects by recursion
_MAX_NAME = 16_384  # characters of a member's name; those of managed fields can hold values
_decode = msgspec.json.Decoder().decode


def decode_json(body: Any) -> Any:
    """The JSON value of a body; what is no bytes is one already. Raises 400, 413."""
    if not isinstance(body, bytes):
        return body
    try:
        value = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise status.bad_request(f"couldn't get version/kind; json parse error: {error}") from None
    check_values(body)
    _check_shape(body, value)
    return value


def decode_body(request: Request, resource: Resource) -> Any:
    """The value of a body in any of the forms in which objects come; raises 400, 415.

    `resource` tells the kind of a protobuf body that does not say it itself.
    """
    body = request.body
    if not isinstance(body, bytes):
        return body
    media_type = request.media_type
    # Several clients send none at all (kubectl 1.20, the official Python client).
    if media_type == PROTOBUF or (not media_type and body.startswith(MAGIC)):
        return _decode_protobuf(body, resource)
    if media_type in {"", JSON}:
        return decode_json(body)
    if media_type == YAML:
        return decode_yaml(body)
    raise status.unsupported_media_type((JSON, YAML, PROTOBUF))


def decode_yaml(body: bytes) -> Any:
    """The first document of a YAML body; raises 400."""
    try:
        documents = load_documents(body.decode(), MAX_VALUES)
        value = next((one.value for one in documents), None)
    except UnicodeDecodeError as error:
        raise status.bad_request(f"error converting YAML to JSON: yaml: {error}") from None
    except YamlProblem as error:
        raise status.bad_request(
            f"error converting YAML to JSON: yaml: line {error.line}: {error.problem}"
        ) from None
    _check_shape(body, value)
    return value


def _decode_protobuf(body: bytes, resource: Resource) -> Obj:
    from labctl.api.protobuf.envelope import NoSuchKind, decode
    from labctl.api.protobuf.wire import Malformed

    try:
        obj = decode(body, resource.api_version, resource.kind)
    except NoSuchKind as error:
        raise status.bad_request(str(error)) from None
    except Malformed as error:
        raise status.bad_request(f"protobuf: {error}") from None
    if len(body) > MAX_DEPTH:
        text = msgspec.json.encode(obj)  # JSON that was embedded counts, too
        check_values(text)
        _check_shape(text, obj)
    return obj


def _check_shape(text: bytes, value: Any) -> None:
    # Only a text with that many brackets can be that deep, and few have as many.
    if text.count(b"{") + text.count(b"[") > MAX_DEPTH and is_deeper_than(value, MAX_DEPTH):
        raise status.bad_request(f"json parse error: nested deeper than {MAX_DEPTH} levels")
    if len(text) > _MAX_NAME and has_longer_name(value, _MAX_NAME):
        raise status.bad_request(f"json parse error: a name of more than {_MAX_NAME} characters")


def decode_object(request: Request) -> Obj:
    """The object in a request, of its resource's kind, without nulls; raises 400, 415."""
    text = request.body if request.media_type == JSON else None
    obj = of_kind(request.resource, decode_body(request, request.resource), text)
    metadata = obj.get("metadata")
    if metadata is None:
        return {**obj, "metadata": {}}
    if not isinstance(metadata, dict):
        raise _not_handled(
            request.resource, f"metadata must be an object, not {type(metadata).__name__}"
        )
    return obj


def decode_configuration(request: Request) -> tuple[Obj, list[str]]:
    """The configuration of an apply patch, which is YAML or JSON, and what it says twice.

    Nulls stay in it: they are wishes. Raises 400.
    """
    body, repeated = request.body, list[str]()
    if isinstance(body, bytes) and not _is_json(body):
        value = decode_yaml(body)
    else:
        value = decode_json(body)
        repeated = [f'duplicate field "{field}"' for field in duplicate_fields(body)]
    if not isinstance(value, dict):
        raise status.bad_request("error decoding YAML: the body must be an object")
    return value, repeated


def _is_json(body: bytes) -> bool:
    try:
        _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def of_kind(resource: Resource, value: Any, text: Any = None) -> Obj:
    """An object with the apiVersion and kind of `resource`, filled in where absent; raises 400.

    Nulls are left out; where custom objects may have some is for their schema to say. `text` is the
    JSON from which all of them come, if they do.
    """
    if not isinstance(value, dict):
        raise status.bad_request(
            "couldn't get version/kind; json parse error: the body must be a JSON object"
        )
    if resource.custom is not None:
        obj = _custom(value)
    else:
        plain = isinstance(text, bytes) and b"null" not in text
        obj = value if plain else without_nulls(value)
    version = obj.get("apiVersion") or resource.api_version
    if version != resource.api_version:
        raise status.bad_request(
            f"the API version in the data ({version}) does not match "
            f"the expected API version ({resource.api_version})"
        )
    kind = obj.get("kind") or resource.kind
    if kind != resource.kind:
        raise status.bad_request(
            f'{kind} in version "{resource.version}" cannot be handled as a {resource.kind}'
        )
    return {"apiVersion": version, "kind": kind, **_without(obj, ("apiVersion", "kind"))}


def _custom(value: Obj) -> Obj:
    metadata = value.get("metadata")
    if metadata is None:
        return _without(value, ("metadata",))
    return {**value, "metadata": without_nulls(metadata)}


def _not_handled(resource: Resource, why: str) -> Exception:
    return status.bad_request(
        f'{resource.kind} in version "{resource.version}" cannot be handled as a '
        f"{resource.kind}: {why}"
    )


def _without(obj: Obj, fields: tuple[str, ...]) -> Obj:
    return {field: value for field, value in obj.items() if field not in fields}
