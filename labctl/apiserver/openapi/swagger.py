"""OpenAPI v2 (Swagger): one document of everything that is served.

It is made and encoded piece by piece, since as a whole it is many megabytes of small objects.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from labctl.api.objects import Obj
from labctl.api.patches import JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH
from labctl.api.resource import Resource
from labctl.api.schema.definitions import Schema
from labctl.api.version import KUBERNETES_VERSION
from labctl.apiserver.openapi.definitions import Definitions, SchemaOf, gvk
from labctl.apiserver.openapi.operations import GroupVersionKind, Operation, paths
from labctl.apiserver.openapi.parameters import path_parameters
from labctl.apiserver.request import JSON, YAML

Named = tuple[str, Obj]

SWAGGER = "2.0"
APPLY_PATCH = "application/apply-patch+yaml"
INFO: Obj = {"title": "Kubernetes", "version": KUBERNETES_VERSION}

# What Swagger cannot say, and of what a kubectl that validates by Swagger must not be told.
_BEYOND_SWAGGER = frozenset({"allOf", "anyOf", "not", "nullable", "oneOf"})
_CONTENTS = frozenset({"type", "properties", "items", "additionalProperties", "required"})


def swagger(
    resources: Sequence[Resource], schema_of: SchemaOf
) -> tuple[Iterator[Named], Iterator[Named]]:
    """The paths and the definitions of the document, each with its name.

    `schema_of` tells the schemas of kinds that are not Kubernetes' own.
    """
    definitions = Definitions(resources, schema_of)
    items = (
        (path, _path_item(definitions, resource, path, operations))
        for resource in resources
        for path, operations in paths(resource)
        if operations
    )
    return items, ((name, _plain(schema)) for name, schema in definitions.schemas())


def as_json(items: Iterable[Named], schemas: Iterable[Named]) -> bytes:
    """The document in its usual form."""
    document = {
        "swagger": SWAGGER,
        "info": INFO,
        "paths": encoded(items),
        "definitions": encoded(schemas),
    }
    return msgspec.json.encode(document)


def encoded(members: Iterable[Named]) -> dict[str, msgspec.Raw]:
    """Members of an object, each as JSON already."""
    return {name: msgspec.Raw(msgspec.json.encode(member)) for name, member in members}


def consumed(definitions: Definitions, resource: Resource, operation: Operation) -> list[str]:
    """The media types of an operation's body; kinds that users define have no strategic patch."""
    if not operation.is_patch:
        return ["*/*"]
    strategic = [] if definitions.is_custom(resource) else [STRATEGIC_PATCH]
    return [APPLY_PATCH, JSON_PATCH, MERGE_PATCH, *strategic]


def _path_item(
    definitions: Definitions, resource: Resource, path: str, operations: Sequence[Operation]
) -> Obj:
    item: Obj = {one.method: _operation(definitions, resource, one) for one in operations}
    if names := path_parameters(path):
        item["parameters"] = [
            {"name": name, "in": "path", "required": True, "type": "string"} for name in names
        ]
    return item


def _operation(definitions: Definitions, resource: Resource, operation: Operation) -> Obj:
    parameters: list[Obj] = [
        {"name": one.name, "in": "query", "type": one.type} for one in operation.query
    ]
    if operation.takes is not None:
        schema = _reference(definitions, operation.takes)
        required = operation.method != "delete"
        body = {"name": "body", "in": "body", "schema": schema}
        parameters.insert(0, {**body, "required": True} if required else body)
    answer: Schema = {"type": "string"}
    if operation.gives is not None:
        answer = _reference(definitions, operation.gives)
    return {
        "operationId": operation.identifier,
        "tags": [tag(resource)],
        "consumes": consumed(definitions, resource, operation),
        "produces": [JSON, YAML] if operation.gives is not None else ["*/*"],
        "parameters": parameters,
        "responses": {"200": {"description": "OK", "schema": answer}},
        "x-kubernetes-action": operation.action,
        "x-kubernetes-group-version-kind": gvk(operation.kind),
    }


def tag(resource: Resource) -> str:
    """`apps_v1`: what groups the operations of a group and version."""
    group = (resource.group or "core").removesuffix(".k8s.io").replace(".", "")
    return f"{group}_{resource.version}"


def _reference(definitions: Definitions, kind: GroupVersionKind) -> Schema:
    name = definitions.name(kind)
    return {"type": "object"} if name is None else {"$ref": f"#/definitions/{name}"}


def _plain(schema: Schema) -> Schema:
    """A structural schema as far as Swagger goes; Kubernetes' own definitions stay as they are."""
    drop = set(_BEYOND_SWAGGER)
    if schema.get("nullable") or schema.get("x-kubernetes-int-or-string"):
        drop |= _CONTENTS
    elif schema.get("x-kubernetes-preserve-unknown-fields"):
        drop |= _CONTENTS - {"type"}
    return {key: _plain_member(key, value) for key, value in schema.items() if key not in drop}


def _plain_member(key: str, value: Any) -> Any:
    if key == "properties":
        return {name: _plain(inner) for name, inner in value.items()}
    if key in {"items", "additionalProperties"} and isinstance(value, dict):
        return _plain(value)
    return value
