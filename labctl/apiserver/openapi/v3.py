"""OpenAPI v3: a document for each group and version."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from labctl.api.objects import Obj
from labctl.api.resource import Resource
from labctl.api.schema.definitions import Schema
from labctl.apiserver.openapi.definitions import Definitions, SchemaOf, gvk
from labctl.apiserver.openapi.operations import GroupVersionKind, Operation, paths
from labctl.apiserver.openapi.parameters import path_parameters
from labctl.apiserver.openapi.swagger import INFO, consumed, encoded, tag
from labctl.apiserver.request import JSON, YAML

_SCHEMAS = "#/components/schemas/"
_DEFINITIONS = "#/definitions/"
# Types that come in two forms, which Swagger cannot say.
_EITHER: dict[str, Schema] = {
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {
        "oneOf": [{"type": "integer"}, {"type": "string"}],
    },
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {
        "oneOf": [{"type": "string"}, {"type": "number"}],
    },
}


def group_document(resources: Sequence[Resource], schema_of: SchemaOf) -> bytes:
    """The document of the resources of one group and version, as JSON."""
    definitions = Definitions(resources, schema_of)
    items = (
        (path, _path_item(definitions, resource, path, operations))
        for resource in resources
        for path, operations in paths(resource)
        if operations
    )
    schemas = ((name, _component(name, schema)) for name, schema in definitions.schemas())
    document = {
        "openapi": "3.0.0",
        "info": INFO,
        "paths": encoded(items),
        "components": {"schemas": encoded(schemas)},
    }
    return msgspec.json.encode(document)


def group_path(resource: Resource) -> str:
    """`api/v1` or `apis/apps/v1`: by which the index knows a group and version."""
    return f"apis/{resource.api_version}" if resource.group else f"api/{resource.version}"


def _path_item(
    definitions: Definitions, resource: Resource, path: str, operations: Sequence[Operation]
) -> Obj:
    item: Obj = {one.method: _operation(definitions, resource, one) for one in operations}
    if names := path_parameters(path):
        item["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in names
        ]
    return item


def _operation(definitions: Definitions, resource: Resource, operation: Operation) -> Obj:
    result: Obj = {
        "operationId": operation.identifier,
        "tags": [tag(resource)],
        "parameters": [
            {"name": one.name, "in": "query", "schema": {"type": one.type}}
            for one in operation.query
        ],
        "responses": {"200": {"description": "OK", "content": _answer(definitions, operation)}},
        "x-kubernetes-action": operation.action,
        "x-kubernetes-group-version-kind": gvk(operation.kind),
    }
    if operation.takes is not None:
        types = consumed(definitions, resource, operation)
        schema = _reference(definitions, operation.takes)
        result["requestBody"] = {"content": _content(types, schema)}
    return result


def _answer(definitions: Definitions, operation: Operation) -> Obj:
    if operation.gives is None:
        return _content(["*/*"], {"type": "string"})
    return _content([JSON, YAML], _reference(definitions, operation.gives))


def _content(media_types: Sequence[str], schema: Schema) -> Obj:
    return {media_type: {"schema": schema} for media_type in media_types}


def _reference(definitions: Definitions, kind: GroupVersionKind) -> Schema:
    name = definitions.name(kind)
    return {"type": "object"} if name is None else {"$ref": _SCHEMAS + name}


def _component(name: str, schema: Schema) -> Schema:
    either = _EITHER.get(name)
    if either is None:
        return _converted(schema)
    return {key: value for key, value in schema.items() if key != "type"} | either


def _converted(schema: Schema) -> Schema:
    """A definition in the words of version 3, in which nothing may stand beside a `$ref`."""
    result = dict(_converted_members(schema))
    reference = result.pop("$ref", None)
    if reference is None:
        return result
    pointer = {"$ref": reference.replace(_DEFINITIONS, _SCHEMAS, 1)}
    return {**result, "allOf": [pointer]} if result else pointer


def _converted_members(schema: Schema) -> Iterator[tuple[str, Any]]:
    for key, value in schema.items():
        if key == "properties":
            yield key, {name: _converted(inner) for name, inner in value.items()}
        elif key in {"items", "additionalProperties"} and isinstance(value, dict):
            yield key, _converted(value)
        else:
            yield key, value
