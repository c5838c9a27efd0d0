"""Trims Kubernetes' own definitions to what labctl serves: labctl/api/schema/definitions.json.

The package kubernetes-validate ships the OpenAPI definitions of every Kubernetes version (Apache-2.0,
1.4 MB each and 108 MB installed). Here one version of them is reduced, once, to the kinds of
labctl/api/kinds: no descriptions, no `null` in types (labctl drops nulls before it validates), and
no definition that none of the kinds leads to.

    pip install kubernetes-validate
    python tools/trim_schemas.py
"""

import json
import sys
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from labctl.api.kinds import authentication, authorization
from labctl.api.resources import KINDS

VERSION = "v1.33.0-local"
TARGET = Path(__file__).parent.parent / "labctl/api/schema/definitions.json"

Schema = dict[str, Any]

# Bodies that are sent, but never stored.
EXTRA_KINDS = (
    ("autoscaling", "v1", "Scale"),
    ("policy", "v1", "Eviction"),
    ("", "v1", "Binding"),
    *((one.group, one.version, one.kind) for one in authentication.RESOURCES),
    *((one.group, one.version, one.kind) for one in authorization.RESOURCES),
    ("authentication.k8s.io", "v1", "TokenRequest"),
)
KEPT = (
    "format",
    "required",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
    "x-kubernetes-map-type",
    "x-kubernetes-patch-merge-key",
    "x-kubernetes-patch-strategy",
)
# Required on paper, but Kubernetes fills them in or takes them to be empty.
RELAXED = {
    "io.k8s.api.core.v1.Event": ("metadata",),
    "io.k8s.api.core.v1.HTTPHeader": ("value",),
    "io.k8s.api.core.v1.Sysctl": ("value",),
    "io.k8s.api.discovery.v1.EndpointSlice": ("endpoints",),
    "io.k8s.api.networking.v1.NetworkPolicySpec": ("podSelector",),
    "io.k8s.api.rbac.v1.RoleRef": ("apiGroup",),
}
# What an item of a list-map is taken to say of a key that it leaves out; OpenAPI v3 has these.
KEY_DEFAULTS = {
    ("io.k8s.api.core.v1.ContainerPort", "protocol"): "TCP",
    ("io.k8s.api.core.v1.LocalObjectReference", "name"): "",
    ("io.k8s.api.core.v1.ServicePort", "protocol"): "TCP",
}
_INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
_SCHEMA = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"
# Go types that write their own JSON: OpenAPI does not say what they take.
OWN_FORMS: dict[str, Schema] = {
    _INT_OR_STRING: {"type": ["integer", "string"]},
    _QUANTITY: {"type": ["number", "string"], "format": "quantity"},
    f"{_SCHEMA}OrArray": {"$ref": f"#/definitions/{_SCHEMA}"},  # arrays are refused in v1
    f"{_SCHEMA}OrStringArray": {"$ref": f"#/definitions/{_SCHEMA}"},  # the same
}


def source() -> Path:
    """Where kubernetes-validate keeps the definitions of VERSION."""
    package = find_spec("kubernetes_validate")
    if package is None or package.origin is None:
        sys.exit(
            "error: kubernetes-validate is not installed\nhint: pip install kubernetes-validate"
        )
    root = Path(package.origin).parent / "kubernetes-json-schema"
    return root / VERSION / "_definitions.json"


def trimmed(schema: Schema) -> Schema:
    """A schema with only what validation and patches read."""
    result = {key: schema[key] for key in KEPT if key in schema}
    if "$ref" in schema:
        result["$ref"] = schema["$ref"].replace("#/$defs/", "#/definitions/")
    if "type" in schema:
        result["type"] = without_null(schema["type"])
    if "items" in schema:
        result["items"] = trimmed(schema["items"])
    if "properties" in schema:
        result["properties"] = {
            name: trimmed(inner) for name, inner in sorted(schema["properties"].items())
        }
    if isinstance(schema.get("additionalProperties"), dict):
        result["additionalProperties"] = trimmed(schema["additionalProperties"])
    return result


def without_null(types: str | list[str]) -> str | list[str]:
    if isinstance(types, str):
        return types
    kept = [one for one in types if one != "null"]
    return kept[0] if len(kept) == 1 else kept


def references(schema: Schema) -> Iterator[str]:
    """The definitions that a schema leads to in one step."""
    if "$ref" in schema:
        yield schema["$ref"].rpartition("/")[2]
    for inner in (schema.get("items"), schema.get("additionalProperties")):
        if isinstance(inner, dict):
            yield from references(inner)
    for inner in schema.get("properties", {}).values():
        yield from references(inner)


def reachable(definitions: dict[str, Schema], start: Iterable[str]) -> set[str]:
    found: set[str] = set()
    waiting = list(start)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(references(definitions[name]))
    return found


def kind_names(definitions: dict[str, Schema]) -> dict[str, str]:
    """`apps/v1/Deployment` → the name of its definition, for every kind that labctl serves."""
    served = {(one.group, one.version, one.kind) for one in KINDS} | set(EXTRA_KINDS)
    names = {}
    for name, schema in definitions.items():
        for gvk in schema.get("x-kubernetes-group-version-kind", ()):
            key = (gvk["group"], gvk["version"], gvk["kind"])
            if key in served:
                names["/".join(part for part in key if part)] = name
    named = {"/".join(part for part in key if part) for key in served - _older()}
    missing = named - names.keys()
    if missing:
        sys.exit(f"error: {', '.join(sorted(missing))} have no definition in {VERSION}")
    return dict(sorted(names.items()))


def _older() -> set[tuple[str, str, str]]:
    """Kinds in versions that may be gone from Kubernetes; their fields are those of the stored one."""
    return {(one.group, one.version, one.kind) for one in KINDS if one.stored is not None}


def relax_status(definitions: dict[str, Schema], kinds: Iterable[str]) -> None:
    """Fields of a status are not required: components write it, and Kubernetes does not insist."""
    roots = set(kinds)
    bodies = {
        name: {
            **schema,
            "properties": {
                field: inner
                for field, inner in schema.get("properties", {}).items()
                if not (name in roots and field == "status")
            },
        }
        for name, schema in definitions.items()
    }
    for name in set(definitions) - reachable(bodies, roots):
        definitions[name].pop("required", None)


def relax_defaulted(definitions: dict[str, Schema]) -> None:
    for name, fields in RELAXED.items():
        schema = definitions[name]
        schema["required"] = [one for one in schema["required"] if one not in fields]


def default_keys(definitions: dict[str, Schema]) -> None:
    for (name, key), value in KEY_DEFAULTS.items():
        definitions[name]["properties"][key]["default"] = value


def require_spec(definitions: dict[str, Schema], kinds: Iterable[str]) -> None:
    """A spec is required where something in it is; OpenAPI says so only one level below."""
    for name in kinds:
        spec = definitions[name].get("properties", {}).get("spec", {})
        if any(definitions[inner].get("required") for inner in references(spec)):
            definitions[name]["required"] = ["spec"]


def main() -> None:
    raw = json.loads(source().read_text())["$defs"]
    kinds = kind_names(raw)
    definitions = {name: OWN_FORMS.get(name) or trimmed(schema) for name, schema in raw.items()}
    definitions[f"{_SCHEMA}OrBool"] = {**definitions[_SCHEMA], "type": ["boolean", "object"]}
    kept = reachable(definitions, kinds.values())
    definitions = {name: definitions[name] for name in sorted(kept)}
    relax_status(definitions, kinds.values())
    relax_defaulted(definitions)
    require_spec(definitions, kinds.values())
    default_keys(definitions)
    text = json.dumps({"kinds": kinds, "definitions": definitions}, separators=(",", ":"))
    TARGET.write_text(text.replace('},"io.k8s', '},\n"io.k8s') + "\n")
    print(f"{TARGET}: {len(kinds)} kinds, {len(definitions)} definitions, {len(text)} bytes")


if __name__ == "__main__":
    main()
