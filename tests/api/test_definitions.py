"""CustomResourceDefinitions themselves: defaults, rules, structural schemas, names, versions."""

from typing import Any

import pytest

from labctl.api.catalog import Catalog
from labctl.api.custom.definition import (
    defined_resources,
    served_resources,
    version_priority,
)
from labctl.api.custom.names import named_status, new_status
from labctl.api.defaults import set_defaults
from labctl.api.kinds.apiextensions import CUSTOMRESOURCEDEFINITIONS as CRDS
from labctl.api.kinds.core import PODS
from labctl.api.objects import Obj, condition, is_condition_true
from labctl.api.resources import BUILT_IN
from labctl.api.validation import validate
from tests.api.custom_samples import definition, version

AT = "spec.versions[0].schema.openAPIV3Schema"


def sentences(crd: Obj, old: Obj | None = None) -> list[str]:
    return [str(cause) for cause in validate(CRDS, set_defaults(CRDS, crd), old)]


def schema_sentences(schema: Obj) -> list[str]:
    """What is wrong with a schema, paths without what all of them begin with."""
    found = sentences(definition(version(schema=schema)))
    return [one.removeprefix(AT).removeprefix(".") for one in found]


def root(**properties: Any) -> Obj:
    return {"type": "object", "properties": properties}


def test_names_and_conversion_are_filled_in() -> None:
    spec = set_defaults(CRDS, definition())["spec"]
    assert spec["names"] == {
        "plural": "crontabs",
        "kind": "CronTab",
        "singular": "crontab",
        "listKind": "CronTabList",
    }
    assert spec["conversion"] == {"strategy": "None"}
    assert sentences(definition()) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"scope": "Global"}, 'spec.scope: Unsupported value: "Global": supported values: "Cluster", "Namespaced"'),
        ({"group": "example"}, 'spec.group: Invalid value: "example": should be a domain with at least one dot'),
        ({"names": {"plural": "crontabs", "kind": "CronTab", "listKind": "CronTab"}}, 'spec.names.listKind: Invalid value: "CronTab": kind and listKind may not be the same'),
        ({"versions": [version(), version()]}, "must contain unique version names"),
        ({"versions": [version(storage=False)]}, "must have exactly one version marked as storage version"),
        ({"versions": [version(), version("v2")]}, "must have exactly one version marked as storage version"),
        ({"versions": [{"name": "v1", "served": True, "storage": True}]}, f"{AT}: Required value: schemas are required"),
        ({"versions": []}, "must have exactly one version marked as storage version"),
        ({"preserveUnknownFields": True}, "spec.preserveUnknownFields: Invalid value: true: cannot set to true"),
        ({"conversion": {"strategy": "Webhook"}}, "spec.conversion.webhook: Required value"),
        ({"versions": [version(deprecationWarning="x")]}, "can only be set for deprecated versions"),
        ({"versions": [version(subresources={"scale": {"specReplicasPath": ".status.a", "statusReplicasPath": ""}})]}, "should be a json path under .spec"),
        ({"versions": [version(additionalPrinterColumns=[{"name": "a", "type": "text", "jsonPath": ".a"}])]}, "must be one of boolean,date,integer,number,string"),
        ({"versions": [version(additionalPrinterColumns=[{"name": "a", "type": "string", "jsonPath": "a"}])]}, "must be a simple json path starting with ."),
        ({"versions": [version(additionalPrinterColumns=[{"name": "a", "type": "string", "jsonPath": ".a[?(@.b==c)]"}])]}, "is an invalid path"),
        ({"names": {"plural": "crontabs", "kind": "Cron_Tab"}}, "may have mixed case, but should otherwise match: a DNS-1035 label"),
        ({"names": {"plural": "crontabs"}}, "spec.names.kind: Required value"),
    ],
)  # fmt: skip
def test_what_a_definition_must_not_be(change: Obj, sentence: str) -> None:
    found = sentences(definition(**change))
    assert any(sentence in one for one in found), found


def test_a_definition_is_named_by_what_it_defines() -> None:
    crd = {**definition(), "metadata": {"name": "crons.stable.example.com"}}
    (sentence,) = sentences(crd)
    assert sentence.startswith('metadata.name: Invalid value: "crons.stable.example.com"')
    assert sentence.endswith('must be spec.names.plural+"."+spec.group')


def test_protected_groups_need_an_approval() -> None:
    crd = definition(group="demo.k8s.io")
    crd["metadata"]["name"] = "crontabs.demo.k8s.io"
    (sentence,) = sentences(crd)
    assert sentence.startswith("metadata.annotations[api-approved.kubernetes.io]: Required value")
    crd["metadata"]["annotations"] = {"api-approved.kubernetes.io": "unapproved, an experiment"}
    assert sentences(crd) == []


@pytest.mark.parametrize(
    ("schema", "found"),
    [
        ({}, ["type: Required value: must not be empty at the root"]),
        ({"type": "array", "items": {"type": "string"}}, ['type: Invalid value: "array": must be object at the root']),
        (root(a={}), ["properties[a].type: Required value: must not be empty for specified object fields"]),
        (root(a={"type": "array"}), ["properties[a].items: Required value: must be specified"]),
        (root(a={"type": "array", "items": {}}), ["properties[a].items: Required value: must be specified"]),
        (root(a={"type": "text"}), ['properties[a].type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string"']),
        (root(a={"type": "string", "pattern": "("}), ["properties[a].pattern: Invalid value: \"(\": must be a valid regular expression, but isn't: error parsing regexp"]),
        (root(a={"type": "object", "$ref": "#/x"}), ["properties[a].$ref: Forbidden: ref is not supported"]),
        (root(a={"type": "object", "properties": {"b": {"type": "string"}}, "additionalProperties": {"type": "string"}}), ["properties[a].additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive"]),
        ({"type": "object", "additionalProperties": {"type": "string"}}, ["additionalProperties: Forbidden: must not be used at the root"]),
        (root(a={"type": "string", "anyOf": [{"type": "string"}]}), ["properties[a].anyOf[0].type: Forbidden: must be empty to be structural"]),
        (root(a={"type": "object", "anyOf": [{"required": ["b"]}, {"properties": {"b": {"minimum": 1}}}]}), [f"properties[a].properties[b]: Required value: because it is defined in {AT}.properties[a].anyOf[1].properties[b]"]),
        (root(a={"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]}), []),
        (root(a={"x-kubernetes-preserve-unknown-fields": True}), []),
        (root(a={"type": "object", "x-kubernetes-preserve-unknown-fields": False}), ["properties[a].x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined"]),
        (root(a={"type": "object", "x-kubernetes-embedded-resource": True}), ["properties[a].properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"]),
        (root(a={"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "bag"}), ['properties[a].x-kubernetes-list-type: Unsupported value: "bag": supported values: "atomic", "map", "set"']),
        (root(a={"type": "array", "items": {"type": "object"}, "x-kubernetes-list-type": "map"}), ["properties[a].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map"]),
        (root(a={"type": "array", "items": {"type": "object", "properties": {"k": {"type": "string"}}}, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"]}), ["properties[a].items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"]),
        (root(metadata={"type": "object", "properties": {"labels": {"type": "object"}}}), ["properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified"]),
        (root(metadata={"type": "object", "properties": {"name": {"type": "string", "maxLength": 5}}}), []),
        (root(a={"type": "integer", "default": "x"}), [f'properties[a].default: Invalid value: "string": {AT}.properties[a].default in body must be of type integer: "string"']),
        (root(a={"type": "object", "default": {"b": 1}}), ['properties[a].default: Invalid value: {"b":1}: must not have unknown fields']),
        (root(a={"type": "string", "uniqueItems": True}), ["properties[a].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic"]),
        (root(a={"type": "string", "minLength": -1}), None),
    ],
)  # fmt: skip
def test_schemas_must_be_structural(schema: Obj, found: list[str] | None) -> None:
    told = schema_sentences(schema)
    if found is None:
        assert told[0].startswith(': Invalid value: "": error building validator')
    else:
        assert told == found


def test_shape_comes_before_rules() -> None:
    crd = definition(version(schema={"type": "object", "properties": {"a": {"minimum": "x"}}}))
    (cause,) = validate(CRDS, crd)
    assert cause.field == f"{AT}.properties[a].minimum"
    crd = definition(version(schema={"type": "object", "additionalProperties": 1}))
    (cause,) = validate(CRDS, crd)
    assert cause.field == f"{AT}.additionalProperties"


def test_what_is_stored_under_a_definition_stays_what_it_is() -> None:
    old = set_defaults(CRDS, definition())
    old["status"] = named_status(old, [])
    new = {**definition(version("v2"), scope="Cluster"), "status": old["status"]}
    new["spec"]["names"] = {"plural": "crontabs", "kind": "Cron"}
    assert sentences(new, old) == [
        'spec.scope: Invalid value: "Cluster": field is immutable',
        'spec.names.kind: Invalid value: "Cron": field is immutable',
        'status.storedVersions[0]: Invalid value: "v1": must appear in spec.versions',
    ]


def accepted(crd: Obj, *others: Obj) -> Obj:
    made = set_defaults(CRDS, crd)
    return {**made, "status": named_status({**made, "status": new_status(made)}, others)}


def test_a_definition_alone_gets_its_names() -> None:
    crd = accepted(definition())
    assert crd["status"]["acceptedNames"] == crd["spec"]["names"]
    assert is_condition_true(crd, "NamesAccepted")
    assert is_condition_true(crd, "Established")
    assert crd["status"]["storedVersions"] == ["v1"]
    assert named_status(crd, []) == crd["status"]


def test_a_name_that_another_has_is_refused_until_it_is_free() -> None:
    first = accepted(
        definition(names={"plural": "crontabs", "kind": "CronTab", "shortNames": ["ct"]})
    )
    late = definition(plural="cents", kind="Cent")
    late["spec"]["names"]["shortNames"] = ["ct"]
    second = accepted(late, first)
    told = condition(second, "NamesAccepted") or {}
    assert (told["status"], told["reason"]) == ("False", "ShortNamesConflict")
    assert told["message"] == '"ct" is already in use'
    assert not is_condition_true(second, "Established")
    assert served_resources(second) == ()
    freed = {**second, "status": named_status(second, [])}
    assert [one.short_names for one in served_resources(freed)] == [("ct",)]


def test_a_name_of_a_built_in_kind_is_never_given() -> None:
    crd = definition(plural="networkpolicies", kind="Policy", group="networking.k8s.io")
    refused = accepted(crd)
    told = condition(refused, "NamesAccepted") or {}
    assert (told["reason"], told["message"]) == (
        "PluralConflict", '"networkpolicies" is already in use',
    )  # fmt: skip
    assert served_resources(refused) == ()


def test_what_was_established_stays_served_under_its_old_names() -> None:
    other = accepted(definition(plural="cents", kind="Cent"))
    mine = accepted(definition())
    mine["spec"]["names"] = {**mine["spec"]["names"], "singular": "cent"}
    mine["status"] = named_status(mine, [other])
    assert not is_condition_true(mine, "NamesAccepted")
    (served,) = served_resources(mine)
    assert served.singular == "crontab"


def test_versions_come_in_kubernetes_order() -> None:
    names = ["foo", "v1alpha1", "v10", "v2", "v1beta2", "v11alpha2", "v1", "v3beta1"]
    ordered = ["v10", "v2", "v1", "v3beta1", "v1beta2", "v11alpha2", "v1alpha1", "foo"]
    assert sorted(names, key=version_priority, reverse=True) == ordered


def test_a_resource_a_served_version() -> None:
    crd = definition(
        version("v1beta1", storage=False, deprecated=True),
        version("v1"),
        version("v2", storage=False, served=False),
        scope="Cluster",
    )
    found = defined_resources(set_defaults(CRDS, crd))
    assert [one.api_version for one in found] == [
        "stable.example.com/v1",
        "stable.example.com/v1beta1",
    ]
    assert {one.prefix() for one in found} == {"/stable.example.com/crontabs/"}
    assert not found[0].namespaced
    custom = [one.custom for one in found]
    assert [one.stored_as for one in custom if one] == ["stable.example.com/v1"] * 2
    assert [one.warning for one in custom if one] == [
        "",
        "stable.example.com/v1beta1 CronTab is deprecated",
    ]


def test_while_it_is_deleted_nothing_new_can_be_made() -> None:
    crd = accepted(definition(version(served=False)))
    assert served_resources(crd) == ()
    crd["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    (ending,) = served_resources(crd)
    assert "create" not in ending.verbs
    assert "delete" in ending.verbs


def test_a_catalog_finds_custom_kinds_behind_the_built_in_ones() -> None:
    crd = definition(names={"plural": "crontabs", "kind": "CronTab", "singular": "cron", "shortNames": ["ct", "po"], "categories": ["all"]})  # fmt: skip
    (crontabs,) = defined_resources(set_defaults(CRDS, crd))
    catalog = BUILT_IN.beside([crontabs])
    words = (
        "crontabs",
        "cron",
        "CronTab",
        "ct",
        "crontabs.stable.example.com",
        "ct.v1.stable.example.com",
    )
    assert {catalog.by_word(word) for word in words} == {crontabs}
    assert catalog.by_word("po") is PODS
    assert catalog.by_word("pox") is None
    assert catalog.find("stable.example.com", "v1", "crontabs") is crontabs
    assert catalog.by_kind("stable.example.com/v1", "CronTab") is crontabs
    assert crontabs in catalog.of_category("all")
    assert crontabs not in BUILT_IN.of_category("all")


def test_a_kind_in_several_versions_is_one_of_its_category() -> None:
    crd = definition(version("v1"), version("v2", storage=False))
    crd["spec"]["names"]["categories"] = ["all"]
    catalog = Catalog(defined_resources(crd))
    assert [one.version for one in catalog.of_category("all")] == ["v2"]
