"""Patches: their semantics by example, and the laws that hold for all of them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.api import patches
from labctl.api.kinds.apps import DEPLOYMENTS
from labctl.api.kinds.core import NODES, PODS, SERVICES
from labctl.api.objects import Obj, copy
from labctl.api.patches import JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, apply_patch
from labctl.api.resource import Resource
from labctl.errors import StatusError
from tests.api.manifest_samples import deployment, pod


def strategic(resource: Resource, obj: Obj, patch: Obj) -> Obj:
    return apply_patch(STRATEGIC_PATCH, resource, obj, patch)


def containers(*items: Obj) -> Obj:
    return {"spec": {"containers": list(items)}}


A, B, C = {"name": "a", "image": "1"}, {"name": "b", "image": "1"}, {"name": "c", "image": "1"}


@pytest.mark.parametrize(
    ("old", "patch", "new"),
    [
        (
            containers(A, B),
            containers({"name": "b", "image": "2"}),
            containers(A, {**B, "image": "2"}),
        ),
        (containers(A), containers(B), containers(B, A)),
        (containers(A, B), containers({"$patch": "delete", "name": "a"}), containers(B)),
        (containers(A, B), containers({"$patch": "replace"}, C), containers(C)),
        (
            containers(A),
            {"spec": {"$patch": "replace", "nodeName": "n"}},
            {"spec": {"nodeName": "n"}},
        ),
        (containers(A), {"spec": {"$patch": "delete"}}, {"spec": {}}),
        (containers(A), {"spec": {"containers": None}}, {"spec": {}}),
        (
            containers(A, B, C),
            {"spec": {"$setElementOrder/containers": [{"name": "c"}, {"name": "a"}]}},
            containers(B, C, A),
        ),
        (
            containers(A, B),
            {
                "spec": {
                    "$setElementOrder/containers": [{"name": "c"}, {"name": "a"}],
                    "containers": [C],
                }
            },
            containers(C, A, B),
        ),
        (
            {"metadata": {"finalizers": ["a", "b"]}},
            {"metadata": {"finalizers": ["c", "a"]}},
            {"metadata": {"finalizers": ["c", "a", "b"]}},
        ),
        (
            {"metadata": {"finalizers": ["a", "b"]}},
            {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}},
            {"metadata": {"finalizers": ["b"]}},
        ),
        (
            {"spec": {"tolerations": [{"key": "a"}]}},
            {"spec": {"tolerations": [{"key": "b"}]}},
            {"spec": {"tolerations": [{"key": "b"}]}},
        ),
        (
            {"metadata": {"labels": {"a": "1", "b": "2"}}},
            {"metadata": {"labels": {"a": None, "c": "3"}}},
            {"metadata": {"labels": {"b": "2", "c": "3"}}},
        ),
        (
            {},
            containers({**A, "env": [{"$patch": "delete", "name": "x"}], "args": None}),
            containers({**A, "env": []}),
        ),
        (
            {"spec": {"volumes": [{"name": "v", "emptyDir": {}}]}},
            {
                "spec": {
                    "volumes": [
                        {
                            "name": "v",
                            "hostPath": {"path": "/"},
                            "$retainKeys": ["name", "hostPath"],
                        }
                    ]
                }
            },
            {"spec": {"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}},
        ),
    ],
)
def test_a_strategic_patch_knows_which_lists_are_maps(old: Obj, patch: Obj, new: Obj) -> None:
    before = copy(old), copy(patch)
    assert strategic(PODS, old, patch) == new
    assert (old, patch) == before


def test_a_kind_that_kubernetes_does_not_define_takes_no_strategic_patch() -> None:
    thing = Resource("example.org", "v1", "Thing", "things", namespaced=True)
    assert apply_patch(MERGE_PATCH, thing, {"a": 1}, {"a": 2}) == {"a": 2}
    with pytest.raises(StatusError) as caught:
        strategic(thing, {}, {})
    assert (caught.value.code, STRATEGIC_PATCH in caught.value.message) == (415, False)


def test_merge_keys_are_those_of_the_kind() -> None:
    ports = {"spec": {"ports": [{"port": 80, "targetPort": 1}, {"port": 81}]}}
    patched = strategic(SERVICES, ports, {"spec": {"ports": [{"port": 80, "targetPort": 2}]}})
    assert patched == {"spec": {"ports": [{"port": 80, "targetPort": 2}, {"port": 81}]}}
    taints = {"spec": {"taints": [{"key": "a", "effect": "NoExecute"}]}}
    assert strategic(NODES, taints, {"spec": {"taints": []}}) == {"spec": {"taints": []}}


def test_kubectls_own_patch_of_an_environment_is_applied() -> None:
    inner = {
        "$setElementOrder/env": [{"name": "B"}],
        "env": [{"name": "B", "value": "2"}, {"$patch": "delete", "name": "A"}],
        "image": "nginx:2",
        "name": "nginx",
    }
    template = {"spec": {"$setElementOrder/containers": [{"name": "nginx"}], "containers": [inner]}}
    old = deployment()
    old["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "A", "value": "1"}]
    new = strategic(DEPLOYMENTS, old, {"spec": {"replicas": 3, "template": template}})
    (container,) = new["spec"]["template"]["spec"]["containers"]
    assert container["env"] == [{"name": "B", "value": "2"}]
    assert (container["image"], container["ports"]) == ("nginx:2", [{"containerPort": 80}])


@pytest.mark.parametrize(
    "patch",
    [
        [],
        "x",
        containers({"image": "2"}),
        {"spec": {"containers": ["x"]}},
        {"spec": {"$patch": "explode"}},
        {"spec": {"$retainKeys": 1}},
        {"spec": {"containers": [], "$setElementOrder/containers": 1}},
        {"metadata": {"$deleteFromPrimitiveList/finalizers": "a"}},
    ],
)
def test_a_malformed_strategic_patch_is_a_bad_request(patch: Any) -> None:
    with pytest.raises(StatusError) as caught:
        strategic(PODS, {**containers(A), "metadata": {"finalizers": ["a"]}}, patch)
    assert caught.value.code == 400


def test_a_json_patch_is_applied_whole_or_not_at_all() -> None:
    old = pod()
    operations = [
        {"op": "test", "path": "/metadata/name", "value": "web"},
        {"op": "add", "path": "/metadata/labels", "value": {"a": "b"}},
        {"op": "replace", "path": "/spec/containers/0/image", "value": "nginx:2"},
        {"op": "copy", "from": "/metadata/name", "path": "/spec/hostname"},
    ]
    new = apply_patch(JSON_PATCH, PODS, old, operations)
    assert new["metadata"]["labels"] == {"a": "b"}
    assert new["spec"] == {"hostname": "web", "containers": [{"name": "web", "image": "nginx:2"}]}
    assert old == pod()


@pytest.mark.parametrize(
    ("patch", "code"),
    [
        ({}, 400),
        ([1], 400),
        ([{"op": "replace", "path": "", "value": []}], 400),
        ([{"op": "remove", "path": "/metadata/nothing"}], 422),
        ([{"op": "test", "path": "/metadata/name", "value": "other"}], 422),
        ([{"op": "add", "path": "/spec/containers/9", "value": 1}], 422),
        ([{"op": "jump", "path": "/spec"}], 422),
        ([{"op": "add", "path": "/a"}], 422),
        ([{}], 422),
        ([{"op": "add", "path": 7, "value": 1}], 422),
        ([{"op": "move", "from": "/x", "path": "/y"}], 422),
        ([{"op": "copy", "from": "/spec", "path": f"/spec/x{n}"} for n in range(40)], 413),
        ([{"op": "test", "path": "", "value": 1}] * 10_001, 413),
    ],
)
def test_a_json_patch_that_cannot_be_applied_is_refused(patch: Any, code: int) -> None:
    with pytest.raises(StatusError) as caught:
        apply_patch(JSON_PATCH, PODS, pod(), patch)
    assert caught.value.code == code


def test_an_unknown_type_of_patch_is_refused() -> None:
    with pytest.raises(StatusError) as caught:
        apply_patch("text/plain", PODS, pod(), {})
    assert caught.value.code == 415
    unknown = Resource("example.com", "v1", "Thing", "things", namespaced=True)
    with pytest.raises(StatusError):
        apply_patch(STRATEGIC_PATCH, unknown, {}, {})
    with pytest.raises(StatusError):
        apply_patch(MERGE_PATCH, PODS, pod(), [])


def test_the_examples_of_rfc_7386_hold() -> None:
    examples: list[tuple[Any, Any, Any]] = [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ]
    for target, patch, result in examples:
        assert patches.merge_patch(target, patch) == result


WORDS = st.sampled_from(("a", "b", "c", "d"))
VALUES = st.recursive(
    st.booleans() | st.integers(0, 3) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=10,
)
OBJECTS = st.dictionaries(WORDS, VALUES, max_size=4)


@given(OBJECTS, OBJECTS)
def test_a_merge_diff_makes_the_new_of_the_old(old: Obj, new: Obj) -> None:
    patch = patches.merge_diff(old, new)
    assert patches.merge_patch(old, patch) == new
    assert patches.merge_diff(new, new) == {}


@given(OBJECTS, OBJECTS)
def test_a_json_diff_makes_the_new_of_the_old(old: Obj, new: Obj) -> None:
    before = copy(old)
    assert patches.json_patch(old, patches.json_diff(old, new)) == new
    assert old == before


def keyed(key: str, **members: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Obj]]:
    """Lists of objects that differ in `key` and may have the other members."""
    item = st.fixed_dictionaries({key: WORDS}, optional=members)
    return st.lists(item, max_size=4, unique_by=lambda one: str(one[key]))


STRINGS = st.dictionaries(WORDS, WORDS, max_size=3)
PORTS = st.lists(
    st.fixed_dictionaries({"containerPort": st.integers(1, 4)}, optional={"protocol": WORDS}),
    max_size=3,
    unique_by=lambda port: port["containerPort"],
)
CONTAINERS = keyed(
    "name",
    image=WORDS,
    env=keyed("name", value=WORDS),
    ports=PORTS,
    args=st.lists(WORDS, max_size=3),
    resources=st.fixed_dictionaries({}, optional={"limits": STRINGS}),
)
SPECS = st.fixed_dictionaries(
    {},
    optional={
        "containers": CONTAINERS,
        "volumes": keyed("name", emptyDir=st.just({}), hostPath=st.just({"path": "/"})),
        "tolerations": st.lists(st.fixed_dictionaries({"key": WORDS}), max_size=3),
        "nodeSelector": STRINGS,
        "hostNetwork": st.booleans(),
    },
)
METADATA = st.fixed_dictionaries(
    {},
    optional={"labels": STRINGS, "finalizers": st.lists(WORDS, max_size=3, unique=True)},
)
PODS_LIKE = st.fixed_dictionaries({"metadata": METADATA, "spec": SPECS})


@given(PODS_LIKE, PODS_LIKE)
def test_a_strategic_diff_makes_the_new_of_the_old(old: Obj, new: Obj) -> None:
    before = copy(old), copy(new)
    patch = patches.strategic_diff(PODS, old, new)
    assert strategic(PODS, old, patch) == new
    assert strategic(PODS, new, patches.strategic_diff(PODS, new, new)) == new
    assert patches.strategic_diff(PODS, new, new) == {}
    assert (old, new) == before


@given(PODS_LIKE, PODS_LIKE)
def test_a_patch_applied_twice_changes_nothing_more(old: Obj, new: Obj) -> None:
    patch = patches.strategic_diff(PODS, old, new)
    assert strategic(PODS, strategic(PODS, old, patch), patch) == new


@given(PODS_LIKE, PODS_LIKE)
def test_applying_again_what_was_applied_keeps_what_others_added(mine: Obj, others: Obj) -> None:
    current = strategic(PODS, others, patches.three_way_patch(PODS, {}, mine, others))
    assert patches.three_way_patch(PODS, mine, mine, current) == {}


@given(PODS_LIKE, PODS_LIKE, PODS_LIKE)
def test_applying_is_done_once_it_is_done(original: Obj, modified: Obj, current: Obj) -> None:
    patch = patches.three_way_patch(PODS, original, modified, current)
    after = strategic(PODS, current, patch)
    assert patches.three_way_patch(PODS, modified, modified, after) == {}


def test_apply_removes_what_is_no_longer_said_and_keeps_what_others_said() -> None:
    original, modified = deployment(paused=True), deployment(minReadySeconds=5)
    current = copy(deployment(paused=True, revisionHistoryLimit=10))
    current["spec"]["replicas"] = 9
    current["spec"]["template"]["spec"]["containers"].append({"name": "injected", "image": "x"})
    patch = patches.three_way_patch(DEPLOYMENTS, original, modified, current)
    assert patch == {"spec": {"paused": None, "replicas": 3, "minReadySeconds": 5}}


def test_a_changed_strategy_drops_what_belonged_to_the_old_one() -> None:
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}}
    original, modified = deployment(), deployment(strategy={"type": "Recreate"})
    current = deployment(strategy=rolling)
    patch = patches.three_way_patch(DEPLOYMENTS, original, modified, current)
    after = strategic(DEPLOYMENTS, current, patch)
    assert after["spec"]["strategy"] == {"type": "Recreate"}


def test_lists_that_the_merge_key_cannot_tell_apart_are_replaced() -> None:
    both = [{"port": 53, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]
    old: Obj = {"spec": {"ports": [{"port": 80}]}}
    new: Obj = {"spec": {"ports": both}}
    patch = patches.strategic_diff(SERVICES, old, new)
    assert strategic(SERVICES, old, patch) == new
    assert strategic(SERVICES, {}, new) == new
