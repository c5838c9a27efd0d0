"""Applying and updating: examples in Kubernetes' terms, and the laws that hold for all objects."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from labctl.api.kinds.apps import DEPLOYMENTS
from labctl.api.managed import (
    Applied,
    Conflicts,
    Manager,
    Type,
    apply,
    created,
    fields_of,
    present_entries,
    same_but_for_times,
    type_of,
    updated,
)
from labctl.api.managed.compare import compare
from labctl.api.managed.fields import Fields, intersection, paths, union
from labctl.api.managed.merge import merge
from labctl.api.objects import Obj, without_nulls
from labctl.api.patches import LAST_APPLIED
from tests.api.managed.samples import SCHEMA, TYPE, applier, objects, updater

T1, T2 = "2026-01-01T00:00:00Z", "2026-01-01T00:00:09Z"
A, B, U = applier("a"), applier("b"), updater("u")
NONE = Applied({}, [])


def applied(
    state: Applied, config: Obj, who: Manager, *, force: bool = False, at: str = T1
) -> Applied:
    made = apply(TYPE, state.obj, state.entries, config, who, at, force)
    return Applied(without_nulls(made.obj), made.entries)


def changed(state: Applied, new: Obj, who: Manager = U) -> Applied:
    return Applied(new, updated(TYPE, state.entries, state.obj, new, who, T1))


def owned(state: Applied, who: Manager) -> Fields:
    found = [e["fieldsV1"] for e in state.entries if e["manager"] == who.name]
    return found[0] if found else {}


# Laws.


@given(objects, objects)
def test_applying_twice_changes_nothing(live: Obj, config: Obj) -> None:
    once = applied(changed(NONE, live), config, A, force=True)
    assert applied(once, config, A, at=T2) == once


@given(objects, objects)
def test_what_is_applied_is_there_and_owned(live: Obj, config: Obj) -> None:
    state = applied(changed(NONE, live), config, A, force=True)
    assert merge(TYPE, state.obj, config) == state.obj
    assert owned(state, A) == fields_of(TYPE, config)


@given(objects, objects)
def test_force_takes_what_differs_from_whoever_had_it(live: Obj, config: Obj) -> None:
    before = changed(NONE, live)
    after = applied(before, config, A, force=True)
    taken = compare(TYPE, live, after.obj).written
    assert intersection(owned(after, U), taken) == {}


@given(objects, objects)
def test_a_conflict_is_a_field_of_another_with_another_value(live: Obj, config: Obj) -> None:
    before = changed(NONE, live)
    differs = intersection(owned(before, U), compare(TYPE, live, merge(TYPE, live, config)).written)
    if not differs:
        applied(before, config, A)
        return
    with pytest.raises(Conflicts) as caught:
        applied(before, config, A)
    assert len(caught.value.conflicts) == len(list(paths(differs)))


@given(objects)
def test_two_can_own_the_same_values(config: Obj) -> None:
    both = applied(applied(NONE, config, A), config, B)
    assert both.obj == config
    assert owned(both, A) == owned(both, B) == fields_of(TYPE, config)


@given(objects, st.data())
def test_what_is_applied_no_longer_goes(config: Obj, data: st.DataObject) -> None:
    assume(config)
    gone = data.draw(st.sampled_from(sorted(config)))
    rest = {name: value for name, value in config.items() if name != gone}
    state = applied(applied(NONE, config, A), rest, A)
    assert state.obj == rest
    assert applied(state, {}, A) == NONE


@given(objects, objects)
def test_what_another_applies_too_stays(mine: Obj, theirs: Obj) -> None:
    both = applied(applied(NONE, theirs, B), mine, A, force=True)
    kept = owned(both, B)
    left = applied(both, {}, A)
    assert owned(left, B) == kept
    assert owned(left, A) == {}
    assert set(paths(kept)) <= set(paths(fields_of(TYPE, left.obj)))


@given(objects, objects)
def test_whoever_applies_takes_away_only_what_was_its_own(live: Obj, config: Obj) -> None:
    before = changed(NONE, live)
    through = applied(applied(before, config, A, force=True), {}, A)
    kept = set(paths(owned(through, U))) & set(paths(fields_of(TYPE, live)))
    assert kept <= set(paths(fields_of(TYPE, through.obj)))


@given(objects, objects, objects)
def test_an_update_leaves_every_field_to_its_last_writer(one: Obj, two: Obj, three: Obj) -> None:
    state = changed(changed(changed(NONE, one), two, updater("v")), three, updater("w"))
    wrote = compare(TYPE, two, three).written
    assert intersection(owned(state, updater("w")), wrote) == wrote
    everybody: Fields = {}
    for entry in state.entries:
        assert intersection(everybody, entry["fieldsV1"]) == {}
        everybody = union(everybody, entry["fieldsV1"])
    assert set(paths(everybody)) == set(paths(compare(TYPE, {}, three).added))


@given(objects)
def test_who_makes_an_object_has_all_of_it(obj: Obj) -> None:
    whole = Type(SCHEMA, embedded=True)
    assert created(whole, obj, U, T1) == updated(whole, [], {}, obj, U, T1)


@given(objects)
def test_an_update_of_nothing_is_nothing(obj: Obj) -> None:
    state = changed(NONE, obj)
    assert updated(TYPE, state.entries, obj, obj, updater("v"), T2) is state.entries
    shuffled: Obj = {**obj, **{k: obj[k][::-1] for k in ("set", "items") if k in obj}}
    assert updated(TYPE, state.entries, obj, shuffled, updater("v"), T2) is state.entries


# Examples.


def item(name: str, **more: str) -> Obj:
    return {"name": name, "port": 80, **more}


@pytest.mark.parametrize(
    ("live", "config", "order"),
    [
        ("abc", "xb", "axbc"),
        ("abc", "ca", "bca"),
        ("ab", "ba", "ba"),
        ("ab", "cd", "abcd"),
        ("", "ab", "ab"),
        ("abc", "", "abc"),
        ("abcd", "dxa", "bcdxa"),
    ],
)
def test_the_configurations_order_holds(live: str, config: str, order: str) -> None:
    merged = merge(TYPE, {"items": [item(n) for n in live]}, {"items": [item(n) for n in config]})
    assert "".join(one["name"] for one in merged["items"]) == order


def test_an_item_goes_with_the_last_who_applies_it() -> None:
    state = applied(NONE, {"items": [item("x", x="1"), item("y")]}, A)
    state = applied(state, {"items": [item("x")]}, B)
    state = applied(state, {"items": [item("y")]}, A)
    assert state.obj == {"items": [item("x"), item("y")]}
    assert applied(state, {}, B).obj == {"items": [item("y")]}


def test_an_updaters_field_is_a_conflict_until_it_is_forced() -> None:
    state = changed(applied(NONE, {"a": "1", "b": "1"}, A), {"a": "2", "b": "1"})
    with pytest.raises(Conflicts) as caught:
        applied(state, {"a": "1", "b": "1"}, A)
    (conflict,) = caught.value.conflicts
    assert (str(conflict.manager), conflict.field) == ('"u" using v1', ".a")
    state = applied(state, {"a": "1", "b": "1"}, A, force=True)
    assert owned(state, U) == {}
    state = changed(state, {"a": "2", "b": "1"})
    assert applied(state, {"b": "1"}, A).obj == {"a": "2", "b": "1"}  # given up, and left to it


def test_null_is_the_wish_that_a_field_be_absent() -> None:
    state = changed(NONE, {"a": "1", "map": {"x": "1", "y": "1"}})
    with pytest.raises(Conflicts):
        applied(state, {"map": {"x": None}}, A)
    assert applied(state, {"map": {"x": None}}, A, force=True).obj == {"a": "1", "map": {"y": "1"}}


def test_what_nobody_managed_before_is_filed_as_such() -> None:
    state = applied(Applied({"a": "1", "b": "1"}, []), {"a": "1"}, A)
    assert [entry["manager"] for entry in state.entries] == ["a", "before-first-apply"]
    with pytest.raises(Conflicts) as caught:
        applied(state, {"b": "2"}, A)
    assert str(caught.value.conflicts[0].manager) == '"before-first-apply" using v1'


def test_times_tell_when_something_was_changed() -> None:
    state = applied(NONE, {"a": "1"}, A)
    assert applied(state, {"a": "2"}, A, at=T2).entries[0]["time"] == T2
    entries = updated(TYPE, state.entries, {"a": "1"}, {"a": "1"}, U, T2)
    assert entries[0]["time"] == T1
    again = [{**state.entries[0], "time": T2}]
    assert same_but_for_times(state.entries, again)
    assert not same_but_for_times(state.entries, [])


def test_ten_who_update_are_remembered_by_name() -> None:
    state = NONE
    for number in range(13):
        name = f"u{number:02}"
        obj = {**state.obj, "map": {**state.obj.get("map", {}), name: "1"}}
        entries = updated(
            TYPE, state.entries, state.obj, obj, updater(name), f"2026-01-01T00:00:{number:02}Z"
        )
        state = Applied(obj, entries)
    names = [entry["manager"] for entry in state.entries]
    assert names == ["ancient-changes", *(f"u{n:02}" for n in range(4, 13))]
    assert set(state.entries[0]["fieldsV1"]["f:map"]) == {".", "f:u00", "f:u01", "f:u02", "f:u03"}


@pytest.mark.parametrize(
    "bad",
    [
        "x",
        7,
        [7],
        [{"operation": "Merge", "apiVersion": "v1", "fieldsType": "FieldsV1"}],
        [{"operation": "Update", "apiVersion": "", "fieldsType": "FieldsV1"}],
        [{"operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV2"}],
        [
            {
                "operation": "Update",
                "apiVersion": "v1",
                "fieldsType": "FieldsV1",
                "fieldsV1": {"x": {}},
            }
        ],
        [{"manager": "m"}],
    ],
)
def test_entries_that_cannot_be_read_are_passed_over(bad: object) -> None:
    live = applied(NONE, {"a": "1"}, A).entries
    assert present_entries(bad, live) is live


def test_entries_can_be_set_and_reset() -> None:
    live = applied(NONE, {"a": "1"}, A).entries
    assert present_entries(None, live) is live
    assert present_entries([], live) == present_entries([{}], live) == []
    sent = [{**live[0], "manager": "c"}, {**live[0], "manager": "d", "fieldsV1": {}}]
    assert [entry["manager"] for entry in present_entries(sent, live)] == ["c"]


def test_kubectl_takes_over_from_its_own_client_side_apply() -> None:
    kubectl, type_ = applier("kubectl")._replace(api_version="apps/v1"), type_of(DEPLOYMENTS)
    client_side = Manager("kubectl-client-side-apply", "Update", "apps/v1")
    text = '{"apiVersion":"apps/v1","kind":"Deployment","spec":{"replicas":1,"paused":true}}'
    live = {
        "metadata": {"name": "web", "annotations": {LAST_APPLIED: text}},
        "spec": {"replicas": 1, "paused": True, "minReadySeconds": 5},
    }
    entries = updated(type_, [], {}, live, client_side, T1)
    config = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"replicas": 2},
    }
    made = apply(type_, live, entries, config, kubectl, T2, force=False)
    assert made.obj["spec"] == {"replicas": 2, "paused": True, "minReadySeconds": 5}
    assert '"replicas":2' in made.obj["metadata"]["annotations"][LAST_APPLIED]
    others = {**config, "spec": {"minReadySeconds": 9}}
    with pytest.raises(Conflicts) as caught:
        apply(type_, live, entries, others, kubectl, T2, force=False)
    assert [one.field for one in caught.value.conflicts] == [".spec.minReadySeconds"]


def test_what_the_server_owns_is_nobodys() -> None:
    made = {
        "apiVersion": "apps/v1",
        "metadata": {"name": "w", "uid": "u", "generation": 1, "labels": {"a": "b"}},
        "spec": {"template": {"spec": {"containers": [{"name": "c"}]}}},
    }
    (entry,) = updated(type_of(DEPLOYMENTS), [], {}, made, U, T1)
    assert entry["fieldsV1"] == {
        "f:metadata": {"f:labels": {".": {}, "f:a": {}}},
        "f:spec": {
            "f:template": {"f:spec": {"f:containers": {'k:{"name":"c"}': {".": {}, "f:name": {}}}}}
        },
    }
