"""What a structural schema makes of objects: pruned, defaulted, validated in Kubernetes' words."""

from typing import Any

import pytest

from labctl.api.custom.forms import settled, shown
from labctl.api.custom.prune import prune
from labctl.api.custom.type import CustomType
from labctl.api.defaults import set_defaults
from labctl.api.objects import Obj
from labctl.api.validation import shape_problems, unknown_fields, validate
from tests.api.custom_samples import crontab, resource

CRONTABS = resource()
ANYTHING: Obj = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def of(**properties: Obj) -> Obj:
    """A schema of an object with these members in its spec."""
    spec = {"type": "object", "properties": properties}
    return {"type": "object", "properties": {"spec": spec}}


def spec_of(schema: Obj, **spec: Any) -> Obj:
    """The spec as it is settled."""
    made: Obj = settled(CustomType("x", "g/v1", schema), {**crontab(), "spec": spec})["spec"]
    return made


def sentences(schema: Obj, old: Obj | None = None, **spec: Any) -> list[str]:
    before = None if old is None else {**crontab(), "spec": old}
    causes = validate(resource(schema), {**crontab(), "spec": spec}, before)
    return [str(cause) for cause in causes]


def test_unknown_fields_are_named_and_dropped() -> None:
    obj = crontab(colour="red", replicas=2)
    obj["metadata"]["zone"] = 1
    obj["extra"] = {}
    assert unknown_fields(CRONTABS, obj) == ["metadata.zone", "spec.colour", "extra"]
    assert set_defaults(CRONTABS, obj) == crontab(replicas=2, image="cron:1")


def test_what_is_settled_already_is_the_same_object() -> None:
    made = set_defaults(CRONTABS, crontab())
    assert set_defaults(CRONTABS, made) is made
    assert CRONTABS.custom is not None
    assert shown(CRONTABS, CRONTABS.custom, made) is made


def test_defaults_are_filled_at_every_depth_and_are_nobodys_own() -> None:
    schema = of(
        probe={
            "type": "object",
            "default": {},
            "properties": {"path": {"type": "string", "default": "/"}, "tags": {"type": "array", "items": {"type": "string"}, "default": ["a"]}},
        },
        rules={
            "type": "array",
            "items": {"type": "object", "properties": {"on": {"type": "boolean", "default": True}}},
        },
        by={
            "type": "object",
            "additionalProperties": {"type": "object", "properties": {"n": {"type": "integer", "default": 3}}},
        },
    )  # fmt: skip
    made = spec_of(schema, rules=[{}, {"on": False}], by={"x": {}})
    assert made == {
        "rules": [{"on": True}, {"on": False}],
        "by": {"x": {"n": 3}},
        "probe": {"path": "/", "tags": ["a"]},
    }
    made["probe"]["tags"].append("b")
    assert spec_of(schema)["probe"]["tags"] == ["a"]


def test_nulls_stay_only_where_they_may_be() -> None:
    schema = of(
        may={"type": "string", "nullable": True},
        mayNot={"type": "string"},
        filled={"type": "string", "default": "x"},
        open=ANYTHING,
    )
    made = spec_of(schema, may=None, mayNot=None, filled=None, open={"a": None})
    assert made == {"may": None, "filled": "x", "open": {"a": None}}
    assert sentences(schema, may=None) == []


def test_preserved_regions_keep_what_nobody_specified() -> None:
    inner = {**ANYTHING, "properties": {"known": {"type": "object", "properties": {}}}}
    pruned = prune(of(free=inner), {"spec": {"free": {"x": {"y": 1}, "known": {"z": 1}}, "w": 1}})
    assert pruned.value == {"spec": {"free": {"x": {"y": 1}, "known": {}}}}
    assert pruned.unknown == ("spec.free.known.z", "spec.w")


def test_embedded_objects_have_kind_and_metadata() -> None:
    schema = of(template={"type": "object", "x-kubernetes-embedded-resource": True, "properties": {"spec": {"type": "object"}}})  # fmt: skip
    inner = {"kind": "Pod", "metadata": {"name": "a", "zone": 1, "labels": None}, "other": 1}
    pruned = prune(schema, {"spec": {"template": inner}})
    assert pruned.value == {"spec": {"template": {"kind": "Pod", "metadata": {"name": "a"}}}}
    assert pruned.unknown == ("spec.template.metadata.zone", "spec.template.other")
    assert sentences(schema, template={"kind": "Pod"}) == [
        "spec.template.apiVersion: Required value: must not be empty"
    ]


_S = {"type": "string"}


@pytest.mark.parametrize(
    ("schema", "value", "sentence"),
    [
        ({"type": "integer"}, "x", 'Invalid value: "string": spec.a in body must be of type integer: "string"'),
        ({"type": "string", "nullable": True}, 1, 'Invalid value: "integer": spec.a in body must be of type string: "integer"'),
        ({"x-kubernetes-int-or-string": True}, True, 'Invalid value: "boolean": spec.a in body must be of type integer,string: "boolean"'),
        ({**_S, "enum": ["a", "b"]}, "c", 'Unsupported value: "c": supported values: "a", "b"'),
        ({**_S, "pattern": "^a+$"}, "b", "Invalid value: \"b\": spec.a in body should match '^a+$'"),
        ({"type": "integer", "minimum": 1}, 0, "Invalid value: 0: spec.a in body should be greater than or equal to 1"),
        ({"type": "integer", "maximum": 1}, 2, "Invalid value: 2: spec.a in body should be less than or equal to 1"),
        ({"type": "integer", "minimum": 1, "exclusiveMinimum": True}, 1, "Invalid value: 1: spec.a in body should be greater than 1"),
        ({"type": "integer", "maximum": 1, "exclusiveMaximum": True}, 1, "Invalid value: 1: spec.a in body should be less than 1"),
        ({"type": "integer", "multipleOf": 2}, 3, "Invalid value: 3: spec.a in body should be a multiple of 2"),
        ({**_S, "minLength": 2}, "x", 'Invalid value: "x": spec.a in body should be at least 2 chars long'),
        ({**_S, "maxLength": 2}, "xxx", "Too long: may not be more than 2 bytes"),
        ({**_S, "format": "date-time"}, "x", 'Invalid value: "x": spec.a in body must be of type date-time: "x"'),
        ({**_S, "format": "cidr"}, "x/1", 'Invalid value: "x/1": spec.a in body must be of type cidr: "x/1"'),
        ({"type": "array", "items": _S, "minItems": 1}, [], "Invalid value: 0: spec.a in body should have at least 1 items"),
        ({"type": "array", "items": _S, "maxItems": 1}, ["a", "b"], "Too many: 2: must have at most 1 items"),
        ({"type": "object", "additionalProperties": _S, "minProperties": 1}, {}, "Invalid value: 0: spec.a in body should have at least 1 properties"),
        ({"type": "object", "additionalProperties": _S, "maxProperties": 1}, {"a": "1", "b": "2"}, "Too many: 2: must have at most 1 items"),
        ({"type": "integer", "anyOf": [{"minimum": 5}, {"maximum": 1}]}, 3, 'Invalid value: "": "spec.a" must validate at least one schema (anyOf)'),
        ({"type": "integer", "oneOf": [{"minimum": 1}, {"minimum": 2}]}, 3, 'Invalid value: "": "spec.a" must validate one and only one schema (oneOf)'),
        ({"type": "integer", "not": {"minimum": 1}}, 3, 'Invalid value: "": "spec.a" must not validate the schema (not)'),
    ],
)  # fmt: skip
def test_each_rule_is_broken_in_kubernetes_words(schema: Obj, value: Any, sentence: str) -> None:
    assert sentences(of(a=schema), a=value) == [f"spec.a: {sentence}"]


def test_good_values_are_good() -> None:
    schema = of(
        port={"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
        whole={"type": "integer"},
        mac={"type": "string", "format": "mac"},
        odd={"type": "string", "format": "no-such-format"},
        every={"type": "string", "format": "duration"},
    )  # fmt: skip
    good: Obj = {"whole": 1.0, "mac": "0A:00:27:00:00:01", "odd": "?", "every": "1h30m"}
    assert sentences(schema, port=80, **good) == []
    assert sentences(schema, port="http") == []


def test_what_is_missing_is_named_by_its_own_path() -> None:
    (cause,) = validate(CRONTABS, {**crontab(), "spec": {}})
    assert (cause.field, cause.reason) == ("spec.cronSpec", "FieldValueRequired")
    (cause,) = validate(CRONTABS, {**crontab(), "spec": 1})
    assert cause.field == "spec"
    assert cause.reason == "FieldValueTypeInvalid"


def test_metadata_is_held_to_its_own_rules() -> None:
    bad = {**crontab(), "metadata": {"name": "A_b", "namespace": "default", "labels": {"a": 1}}}
    assert [one.field for one in shape_problems(CRONTABS, bad).types] == ["metadata.labels[a]"]
    bad["metadata"]["labels"] = {}
    assert [one.field for one in validate(CRONTABS, bad)] == ["metadata.name"]


def test_items_of_sets_and_maps_are_there_once() -> None:
    schema = of(
        tags={"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
        ports={
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": {"type": "object", "properties": {"name": {"type": "string"}}},
        },
    )
    assert sentences(
        schema, tags=["a", "b", "a"], ports=[{"name": "x"}, {"name": "x", "n": 1}]
    ) == [
        'spec.tags[2]: Duplicate value: "a"',
        'spec.ports[1]: Duplicate value: {"name":"x"}',
    ]


def test_what_was_wrong_before_may_stay_wrong() -> None:
    schema = of(
        a={"type": "integer", "maximum": 1}, b={"type": "array", "items": {"type": "integer"}}
    )
    old = {"a": 5, "b": ["x"]}
    assert sentences(schema, old, a=5, b=["x"]) == []
    assert len(sentences(schema, old, a=6, b=["x"])) == 1
    assert len(sentences(schema, old, a=5, b=["x", 1])) == 1


def test_what_json_cannot_carry_is_refused_in_words() -> None:
    deep: Any = 1
    for _ in range(300):
        deep = {"a": deep}
    (sentence,) = sentences(of(a={"type": "object", "enum": [{}]}), a=deep)
    assert "cannot be carried by JSON" in sentence


def test_a_pattern_costs_linear_time() -> None:
    schema = of(a={"type": "string", "pattern": "^(a+)+$"})
    assert len(sentences(schema, a="a" * 50_000 + "b")) == 1
