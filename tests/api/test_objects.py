"""Reading objects, times, conditions, and leaving nulls out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.api import objects
from labctl.api.objects import Obj, set_condition, without_nulls

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=12,
)


def test_an_object_without_metadata_has_empty_names() -> None:
    assert (objects.name({}), objects.namespace({}), objects.uid({}), objects.key({})) == ("",) * 4
    assert objects.labels({"metadata": {"labels": None}}) == {}


def test_a_key_has_the_namespace_only_where_there_is_one() -> None:
    assert objects.key({"metadata": {"name": "n", "namespace": "s"}}) == "s/n"
    assert objects.key({"metadata": {"name": "n"}}) == "n"


def test_a_controller_is_found_again_among_the_owners() -> None:
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "r", "uid": "u"}}
    reference = objects.owner_reference(owner)
    plain = objects.owner_reference(owner, controller=False)
    dependent = {"metadata": {"ownerReferences": [plain, reference]}}
    assert objects.controller_of(dependent) == reference
    assert reference["blockOwnerDeletion"] is True
    assert "controller" not in plain


def test_times_are_written_and_read_alike() -> None:
    assert objects.parse_time("1970-01-01T00:01:00Z") == 60
    assert objects.parse_time("1970-01-01T01:00:00+01:00") == 0
    assert objects.parse_time("1970-01-01T00:00:00.250000Z") == 0.25
    assert objects.format_time(60.9) == "1970-01-01T00:01:00Z"
    assert objects.parse_time(objects.now_micro()) >= objects.parse_time(objects.now())


@pytest.mark.parametrize("text", ["", "yesterday", "2020-01-01", "2020-01-01T00:00:00"])
def test_a_time_that_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"RFC 3339|Invalid isoformat"):
        objects.parse_time(text)


def test_a_condition_keeps_its_transition_time_until_its_status_flips() -> None:
    old = [
        {"type": "Ready", "status": "True", "lastTransitionTime": "then"},
        {"type": "Other", "status": "True"},
    ]
    same = set_condition(old, "Ready", "True", "StillGood", "all is well")
    assert same[0] == {
        "type": "Ready",
        "status": "True",
        "lastTransitionTime": "then",
        "reason": "StillGood",
        "message": "all is well",
    }
    flipped = set_condition(old, "Ready", "False")
    assert flipped[0]["lastTransitionTime"] not in ("then", "")
    assert [one["type"] for one in flipped] == ["Ready", "Other"]
    assert [one["type"] for one in set_condition(old, "New", "True")] == ["Ready", "Other", "New"]
    assert old[0]["status"] == "True"


def test_nulls_are_left_out_and_the_rest_is_shared() -> None:
    kept = {"labels": {"a": "b"}}
    given_obj = {
        "metadata": {"creationTimestamp": None, "inner": kept},
        "list": [None, {"x": None}],
    }
    assert without_nulls(given_obj) == {"metadata": {"inner": kept}, "list": [None, {}]}
    assert without_nulls(given_obj)["metadata"]["inner"] is kept
    assert given_obj["metadata"] == {"creationTimestamp": None, "inner": kept}


@given(JSON)
def test_what_holds_no_null_members_is_returned_as_it_is(value: object) -> None:
    once = without_nulls(value)
    assert without_nulls(once) is once


def test_depth_is_measured_without_recursion() -> None:
    value: Obj = {}
    for _ in range(5000):
        value = {"a": [value]}
    assert objects.is_deeper_than(value, 9999)
    assert not objects.is_deeper_than({"a": [{}]}, 3)
    assert objects.is_deeper_than({"a": [{}]}, 1)


def test_a_copy_shares_nothing() -> None:
    original = {"a": {"b": [1]}}
    duplicate = objects.copy(original)
    assert duplicate == original
    assert duplicate["a"] is not original["a"]
