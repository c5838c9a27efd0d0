"""Sets of fields: their algebra against that of plain sets of paths, and their form on the wire."""

import json
from typing import Any

import pytest
from hypothesis import given

from labctl.api.kinds.apps import DEPLOYMENTS
from labctl.api.kinds.core import PODS, SERVICES
from labctl.api.managed import NoElement, fields_of, first_problem, type_of
from labctl.api.managed.compare import compare
from labctl.api.managed.fields import (
    Fields,
    difference,
    format_path,
    intersection,
    paths,
    read_fields,
    union,
)
from labctl.api.objects import Obj
from tests.api.managed.samples import TYPE, UNKNOWN, objects


def fields(obj: Obj) -> Fields:
    return fields_of(TYPE, obj)


def whole(obj: Obj) -> Fields:
    return compare(TYPE, {}, obj).added


@given(objects, objects)
def test_the_algebra_is_that_of_sets_of_paths(one: Obj, other: Obj) -> None:
    for a, b in ((fields(one), whole(other)), (whole(one), fields(other)), (fields(one), {})):
        mine, theirs = set(paths(a)), set(paths(b))
        assert set(paths(union(a, b))) == mine | theirs
        assert set(paths(difference(a, b))) == mine - theirs
        assert set(paths(intersection(a, b))) == mine & theirs


@given(objects, objects)
def test_sets_are_read_back_as_they_were_written(one: Obj, other: Obj) -> None:
    for one_set in (
        fields(one),
        difference(fields(one), fields(other)),
        union(fields(one), fields(other)),
    ):
        assert read_fields(json.loads(json.dumps(one_set))) == one_set


@given(objects)
def test_nothing_is_taken_from_a_set_that_is_not_in_it(obj: Obj) -> None:
    own = fields(obj)
    assert difference(own, {"f:other": {}}) is own
    assert difference(own, own) == {}
    assert intersection(own, own) == own
    assert union(own, own) == own


def test_a_pods_fields_are_named_as_kubernetes_names_them() -> None:
    pod = {
        "metadata": {"labels": {"app": "web"}, "finalizers": ["a.example/b"]},
        "spec": {
            "nodeSelector": {"a": "b"},
            "containers": [{"name": "c", "ports": [{"containerPort": 80}], "args": ["x"]}],
            "tolerations": [{"key": "a"}],
        },
    }
    assert fields_of(type_of(PODS), pod) == {
        "f:metadata": {
            "f:labels": {"f:app": {}},
            "f:finalizers": {'v:"a.example/b"': {}},
        },
        "f:spec": {
            "f:nodeSelector": {},
            "f:containers": {
                'k:{"name":"c"}': {
                    ".": {},
                    "f:name": {},
                    "f:ports": {
                        'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}
                    },
                    "f:args": {},
                }
            },
            "f:tolerations": {},
        },
    }


def test_without_a_schema_maps_are_granular_and_lists_atomic() -> None:
    thing = {
        "metadata": {"labels": {"a": "b"}},
        "spec": {"list": [{"name": "a"}], "map": {"x": {}}},
    }
    assert fields_of(UNKNOWN, thing) == {
        "f:metadata": {"f:labels": {"f:a": {}}},
        "f:spec": {".": {}, "f:list": {}, "f:map": {".": {}, "f:x": {}}},
    }


def test_items_that_cannot_be_told_apart_are_one_field() -> None:
    twice = {"items": [{"name": "x", "x": "1"}, {"name": "x", "x": "2"}]}
    assert fields(twice) == {"f:items": {'k:{"name":"x","port":80}': {}}}


def test_a_field_is_named_to_people() -> None:
    path = ("f:spec", "f:ports", 'k:{"port":80,"protocol":"TCP"}', "f:nodePort")
    assert format_path(path) == '.spec.ports[port=80,protocol="TCP"].nodePort'
    assert format_path(("f:metadata", "f:finalizers", 'v:"a"')) == '.metadata.finalizers[="a"]'


@pytest.mark.parametrize(
    "value",
    [
        "x",
        [],
        {"x": {}},
        {"f:a": 1},
        {"k:x": {}},
        {"k:[1]": {}},
        {"i:x": {}},
        {"v:": {}},
        {"z:a": {}},
    ],
)
def test_what_is_no_set_is_not_read(value: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        read_fields(value)


def test_keys_are_read_in_one_form() -> None:
    assert read_fields({'k:{"b": 1, "a": "x"}': {".": {}}}) == {'k:{"a":"x","b":1}': {}}


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"spec": {"foo": 1}}, ".spec.foo: field not declared in schema"),
        (
            {"spec": {"template": {"spec": {"containers": [{"image": "a"}]}}}},
            (
                ".spec.template.spec.containers: element 0: associative list with keys has an "
                'element that omits key field "name" (and doesn\'t have default value)'
            ),
        ),
        (
            {"spec": {"template": {"spec": {"containers": [{"name": "a"}, {"name": "a"}]}}}},
            '.spec.template.spec.containers: duplicate entries for key {"name":"a"}',
        ),
        ({"spec": {"replicas": 1, "selector": {"matchLabels": {"anything": "goes"}}}}, ""),
    ],
)
def test_what_cannot_be_applied_is_named(config: Obj, says: str) -> None:
    assert first_problem(type_of(DEPLOYMENTS), config) == says


def test_an_item_of_no_kind_has_no_element() -> None:
    several: list[Obj] = [{"set": [{}]}, {"items": ["x"]}, {"items": [{}]}]
    for bad in several:
        with pytest.raises(NoElement):
            fields(bad)
    service = {"spec": {"ports": [{"port": 80}]}}
    (key,) = fields_of(type_of(SERVICES), service)["f:spec"]["f:ports"]
    assert key == 'k:{"port":80,"protocol":"TCP"}'
