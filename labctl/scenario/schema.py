"""The published JSON Schema of a Scenario document, for editors: `labctl schema scenario`.

The steps' part is made from the structs with which scenario files are read, so the two cannot
disagree.
"""

from typing import Any

import msgspec

from labctl.api.lab.spec import LAB_API_VERSION
from labctl.api.objects import Obj
from labctl.scenario.steps import VERBS


def scenario_schema() -> Obj:
    """JSON Schema (draft 2020-12) of the Scenario object."""
    _, definitions = msgspec.json.schema_components(VERBS.values())
    definitions["Flood"]["properties"]["during"]["items"] = _reference("Step")
    steps = {"type": "array", "minItems": 1, "items": _reference("Step")}
    name = _mapping({"name": {"type": "string", "minLength": 1}}, required=["name"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Scenario",
        **_mapping(
            {
                "apiVersion": {"const": LAB_API_VERSION},
                "kind": {"const": "Scenario"},
                "metadata": {**name, "additionalProperties": True},
                "spec": _mapping({"teaches": {"type": "string"}, "steps": steps}, ["steps"]),
            },
            ["apiVersion", "kind", "metadata", "spec"],
        ),
        "$defs": {"Step": _step(), **definitions},
    }


def _step() -> Obj:
    """One verb, and maybe a sentence."""
    verbs = {word: _reference(verb.__name__) for word, verb in VERBS.items()}
    one = {"oneOf": [{"required": [word]} for word in VERBS]}
    return {**_mapping({"say": {"type": "string"}, **verbs}), **one}


def _reference(name: str) -> Obj:
    return {"$ref": f"#/$defs/{name}"}


def _mapping(properties: dict[str, Any], required: list[str] | None = None) -> Obj:
    schema: Obj = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**schema, "required": required} if required else schema
