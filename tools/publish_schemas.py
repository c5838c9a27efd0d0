"""Kubernetes' definitions as its API server publishes them: labctl/api/schema/published.json.gz.

What trim_schemas.py leaves out, since validation reads it on every start, is here: descriptions,
enumerations (from enums.json), extensions, lists. All stable kinds are in it, whether labctl serves
them already or not; documents take what they need. It is read only when somebody asks for OpenAPI.

    pip install kubernetes-validate
    python -m tools.publish_schemas
"""

import gzip
import json
import re
from pathlib import Path
from typing import Any

from tools.trim_schemas import Schema, reachable, source, without_null

TARGET = Path(__file__).parent.parent / "labctl/api/schema/published.json.gz"
ENUMS = Path(__file__).parent / "enums.json"

_META = "io.k8s.apimachinery.pkg.apis.meta.v1"
_ALWAYS = (f"{_META}.Status", f"{_META}.DeleteOptions", f"{_META}.Patch")
_STABLE = re.compile(r"v\d+")
# Types that write their own JSON; what the source says of them is a choice that Swagger cannot tell.
_OWN_FORMS: dict[str, Schema] = {
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {
        "description": "A number or a string, such as the number or the name of a port.",
        "type": "string",
        "format": "int-or-string",
    },
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {
        "description": "An amount with an optional suffix: 1.5, 500m, 2k, 64Mi, 1e3.",
        "type": "string",
    },
}


def published(schema: Schema) -> Schema:
    """A schema in the words of Swagger: no null, references into `definitions`."""
    result: Schema = {}
    for key, value in schema.items():
        if key in {"description", "format", "required"} or key.startswith("x-kubernetes-"):
            result[key] = value
        elif key == "$ref":
            result[key] = value.replace("#/$defs/", "#/definitions/")
        elif key == "type":
            result[key] = without_null(value)
        elif key == "properties":
            result[key] = {name: published(inner) for name, inner in value.items()}
        elif key in {"items", "additionalProperties"} and isinstance(value, dict):
            result[key] = published(value)
    return result


def with_enums(schema: Schema, fields: dict[str, str], values: dict[str, dict[str, str]]) -> Schema:
    """The definition with the values of its enumerated fields, in the form of Kubernetes' own."""
    properties = dict(schema["properties"])
    for field, enumeration in fields.items():
        told = sorted(
            f' - `"{value}"` {said}'.rstrip() for value, said in values[enumeration].items()
        )
        inner = properties[field]
        listed: Schema = {"enum": sorted(values[enumeration])}
        if "items" in inner:
            listed = {"items": {**inner["items"], **listed}}
        text = "\n".join((inner.get("description", ""), "", "Possible enum values:", *told))
        properties[field] = {**inner, **listed, "description": text.lstrip()}
    return {**schema, "properties": properties}


def kinds_of(name: str, schema: Schema) -> list[dict[str, str]]:
    """The kinds that a definition defines; those of all groups (DeleteOptions) for the core only."""
    kinds = schema.get("x-kubernetes-group-version-kind", [])
    return [one for one in kinds if not name.startswith(_META) or not one["group"]]


def main() -> None:
    raw: dict[str, Schema] = json.loads(source().read_text())["$defs"]
    enums: dict[str, Any] = json.loads(ENUMS.read_text())
    definitions = {name: _OWN_FORMS.get(name) or published(one) for name, one in raw.items()}
    for name, fields in enums["fields"].items():
        if name in definitions:  # what is inlined in others has no definition of its own
            definitions[name] = with_enums(definitions[name], fields, enums["values"])
    definitions[f"{_META}.Patch"]["type"] = "object"
    kinds = {}
    for name, schema in definitions.items():
        if gvks := kinds_of(name, schema):
            schema["x-kubernetes-group-version-kind"] = gvks
        for gvk in gvks:
            if _STABLE.fullmatch(gvk["version"]):
                key = "/".join(part for part in (gvk["group"], gvk["version"], gvk["kind"]) if part)
                kinds[key] = name
    kept = sorted(reachable(definitions, [*kinds.values(), *_ALWAYS]))
    content = {
        "kinds": dict(sorted(kinds.items())),
        "definitions": {n: definitions[n] for n in kept},
    }
    data = json.dumps(content, separators=(",", ":")).encode()
    TARGET.write_bytes(gzip.compress(data, 9, mtime=0))
    print(
        f"{TARGET}: {len(kept)} definitions, {len(data)} bytes, {TARGET.stat().st_size} compressed"
    )


if __name__ == "__main__":
    main()
