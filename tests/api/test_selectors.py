"""Selectors: text to test and back, and the mistakes in between."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.api.kinds.core import EVENTS
from labctl.api.objects import Obj
from labctl.api.selectors import (
    EVERYTHING,
    NOTHING,
    LabelSelector,
    Requirement,
    from_labels,
    from_object,
    parse_field_selector,
    parse_label_selector,
)
from labctl.errors import BadInput

LABELS = {"app": "web", "tier": "front", "size": "5", "empty": ""}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("app=web", True),
        ("app==web", True),
        ("app = web , tier=front", True),
        ("app=db", False),
        ("app!=db", True),
        ("missing!=x", True),
        ("app in (db, web)", True),
        ("app in (db)", False),
        ("app notin (db)", True),
        ("missing notin (db)", True),
        ("missing in (db)", False),
        ("app", True),
        ("!app", False),
        ("!missing", True),
        ("size>4", True),
        ("size<5", False),
        ("app>1", False),
        ("empty=", True),
        ("empty in (,x)", True),
        ("app=web,!tier", False),
    ],
)
def test_a_label_selector_matches_as_in_kubernetes(text: str, matches: bool) -> None:
    assert parse_label_selector(text).matches(LABELS) is matches


@pytest.mark.parametrize(
    "text",
    [
        "=",
        "a=b=c",
        "a b",
        "a in",
        "a in b",
        "a in (b",
        "a in (b c)",
        ",",
        "a,",
        "!",
        "a>x",
        "a=b!",
        "-a=b",
        "a=-b",
        "a/b/c=d",
        "UPPER/a=b",
        "a=" + "b" * 64,
        "é=a",
        "a=(b)",
    ],
)
def test_a_label_selector_with_a_mistake_is_bad_input(text: str) -> None:
    with pytest.raises(BadInput, match="unable to parse label selector"):
        parse_label_selector(text)


NAMES = st.from_regex(r"\A[a-z]([a-z0-9.-]{0,5}[a-z0-9])?\Z").filter(
    lambda name: name not in ("in", "notin")
)
VALUES = st.frozensets(NAMES, min_size=1, max_size=3)
REQUIREMENTS = (
    st.builds(Requirement, NAMES, st.sampled_from(("In", "NotIn")), VALUES)
    | st.builds(Requirement, NAMES, st.sampled_from(("Exists", "DoesNotExist")))
    | st.builds(
        Requirement,
        NAMES,
        st.sampled_from(("Gt", "Lt")),
        st.integers(0, 99).map(lambda number: frozenset((str(number),))),
    )
)
SELECTORS = st.lists(REQUIREMENTS, min_size=1, max_size=4).map(
    lambda some: LabelSelector(tuple(some))
)


@given(SELECTORS)
def test_a_selectors_text_reads_back_as_the_selector(selector: LabelSelector) -> None:
    assert parse_label_selector(str(selector)) == selector


@given(SELECTORS, SELECTORS, st.dictionaries(NAMES, NAMES))
def test_a_comma_means_and(one: LabelSelector, two: LabelSelector, labels: dict[str, str]) -> None:
    both = parse_label_selector(f"{one},{two}")
    assert both.matches(labels) == (one.matches(labels) and two.matches(labels))


@given(st.text(max_size=20))
def test_no_text_does_more_harm_than_bad_input(text: str) -> None:
    with contextlib.suppress(BadInput):
        selector = parse_label_selector(text)
        assert parse_label_selector(str(selector)) == selector
    with contextlib.suppress(BadInput):
        parse_field_selector(text).matches({"a": {"b": 1}})


@given(NAMES, VALUES, st.dictionaries(NAMES, NAMES))
def test_opposite_operators_never_agree(
    key: str, values: frozenset[str], labels: dict[str, str]
) -> None:
    inside, outside = Requirement(key, "In", values), Requirement(key, "NotIn", values)
    assert inside.matches(labels) is not outside.matches(labels)
    there, absent = Requirement(key, "Exists"), Requirement(key, "DoesNotExist")
    assert there.matches(labels) is not absent.matches(labels)


def test_an_objects_selector_holds_all_its_parts() -> None:
    selector = from_object(
        {
            "matchLabels": {"app": "web"},
            "matchExpressions": [{"key": "tier", "operator": "In", "values": ["front", "back"]}],
        }
    )
    assert selector.matches(LABELS)
    assert not selector.matches({"app": "web"})
    assert str(selector) == "app=web,tier in (back,front)"


def test_an_absent_selector_matches_nothing_and_an_empty_one_everything() -> None:
    assert from_object(None) == from_labels({}) == from_labels(None) == NOTHING
    assert from_object({}) == EVERYTHING
    assert not NOTHING.matches({})
    assert EVERYTHING.matches(None)
    assert not parse_label_selector(str(NOTHING)).matches(LABELS)


POD: Obj = {
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {"nodeName": "node1", "hostNetwork": True},
    "status": {"phase": "Running"},
}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("metadata.name=web", True),
        ("metadata.name==web,spec.nodeName=node1", True),
        ("spec.nodeName=", False),
        ("spec.nodeName!=", True),
        ("status.phase!=Failed,status.phase!=Succeeded", True),
        ("status.reason=", True),
        ("spec.hostNetwork=true", True),
        ("metadata.name.deeper=x", False),
    ],
)
def test_a_field_selector_matches_as_in_kubernetes(text: str, matches: bool) -> None:
    assert parse_field_selector(text).matches(POD) is matches


def test_booleans_that_are_not_written_are_false() -> None:
    assert parse_field_selector("spec.unschedulable=false").matches({})
    assert not parse_field_selector("spec.unschedulable!=false").matches({"spec": {}})
    assert parse_field_selector("spec.unschedulable=true").matches(
        {"spec": {"unschedulable": True}}
    )


def test_the_source_of_an_event_is_its_component() -> None:
    selector = parse_field_selector("source=default-scheduler", EVENTS.field_selectors)
    assert selector.matches({"source": {"component": "default-scheduler"}})


def test_a_field_selector_says_what_it_requires() -> None:
    selector = parse_field_selector("metadata.name=web,spec.nodeName!=a")
    assert selector.required("metadata.name") == "web"
    assert selector.required("spec.nodeName") is None


def test_escaped_commas_belong_to_a_value() -> None:
    selector = parse_field_selector(r"reason=a\,b\=c")
    assert selector.matches({"reason": "a,b=c"})


def test_fields_that_a_kind_does_not_offer_are_refused() -> None:
    parse_field_selector("metadata.name=a,spec.nodeName=b", ("spec.nodeName",))
    with pytest.raises(BadInput, match=r"^field label not supported: spec.image$"):
        parse_field_selector("spec.image=a", ("spec.nodeName",))
    with pytest.raises(BadInput, match="invalid field selector"):
        parse_field_selector("nonsense")
