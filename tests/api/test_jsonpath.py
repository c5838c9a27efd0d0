"""kubectl's JSONPath templates."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.api.jsonpath import find, render
from labctl.errors import BadInput

LIST: dict[str, Any] = {
    "items": [
        {"kind": "Pod", "metadata": {"name": "a", "labels": {"x.y/z": "1"}}, "ready": True},
        {"kind": "Node", "metadata": {"name": "b"}, "count": 3},
    ]
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{.items[0].metadata.name}", "a"),
        (".items[0].metadata.name", "a"),
        ("{$.items[-1].count}", "3"),
        ("{.items[*].metadata.name}", "a b"),
        ("{.items[0:1].kind}", "Pod"),
        ("{..name}", "a b"),
        (r"{.items[0].metadata.labels.x\.y/z}", "1"),
        ("{.items[0].metadata.labels['x.y/z']}", "1"),
        ('{.items[?(@.kind=="Pod")].metadata.name}', "a"),
        ("{.items[?(@.count)].metadata.name}", "b"),
        ("{.items[?(@.count!=3)].metadata.name}", ""),
        ('{range .items[*]}{.metadata.name}{"\\t"}{.kind}{"\\n"}{end}', "a\tPod\nb\tNode\n"),
        ("name={.items[1].metadata.name};", "name=b;"),
        ("{.items[0].ready}", "true"),
        ("{.items[0].metadata.labels}", '{"x.y/z":"1"}'),
        ("{.nothing.at.all}", ""),
    ],
)
def test_a_template_prints_as_kubectl_does(template: str, text: str) -> None:
    assert render(template, LIST) == text


@pytest.mark.parametrize("template", ["{.items[}", "{.a", "{range .items}{.a}", "{.items[?(x)]}"])
def test_a_template_that_cannot_be_read_is_bad_input(template: str) -> None:
    with pytest.raises(BadInput, match="jsonpath"):
        render(template, LIST)


@given(st.text())
def test_junk_is_bad_input_or_prints_something(template: str) -> None:
    with contextlib.suppress(BadInput):
        assert isinstance(render(template, LIST), str)


def test_all_values_of_a_path_are_found() -> None:
    assert find("{.items[*].metadata.name}", LIST) == ["a", "b"]
    assert find(".items[5]", LIST) == []
