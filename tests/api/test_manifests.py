"""From text to objects: what YAML means, where things stand, and that junk is only ever bad input."""

import contextlib
import json
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from labctl.api.fields import FieldError
from labctl.api.manifests import (
    MAX_BYTES,
    locate,
    read_documents,
    text_of,
)
from labctl.api.yaml_text import dump
from labctl.api.yaml_values import resolve
from labctl.errors import BadInput

TWO = """\
# a comment
apiVersion: v1
kind: ConfigMap
metadata:
  name: one
data:
  key: value
---
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  metadata: {name: two}
  spec:
    containers:
    - name: a
      image: b
- apiVersion: labctl.io/v1alpha1
  kind: Lab
"""


def test_documents_lists_and_labs_are_told_apart() -> None:
    documents = read_documents(TWO, "two.yaml")
    assert [document.kind for document in documents] == ["ConfigMap", "Pod", "Lab"]
    assert [document.is_manifest for document in documents] == [True, True, False]
    assert [one.obj["metadata"]["name"] for one in documents[:2]] == ["one", "two"]


def test_a_field_is_found_on_its_line() -> None:
    config, pod, _ = read_documents(TWO, "two.yaml")
    assert config.line() == 2
    assert config.line(("data", "key")) == 7
    assert pod.line(("spec", "containers", 0, "image")) == 19
    assert pod.line(("spec", "containers", 5, "image")) == 17
    assert locate(TWO, 2, ("items", 1, "kind")) == 21
    assert locate(TWO, 99, ()) == 1


def test_errors_name_file_line_and_field() -> None:
    _, pod, _ = read_documents(TWO, "two.yaml")
    error = pod.error(("spec", "containers", 0, "image"), "is wrong", "try another")
    assert error.message == "two.yaml:19: items[0].spec.containers[0].image: is wrong"
    assert error.hint == "try another"
    placed = pod.placed(FieldError(("spec",), "is odd"))
    assert placed.message == "two.yaml:16: spec: is odd"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: [", 1, "document 1"),
        ("a: 1\n---\nb: ]\n", 3, "document 2"),
        ("- 1\n- 2", 1, "must be a mapping, not array"),
        ("just text", 1, "must be a mapping, not string"),
        ("kind: Pod", 1, "apiVersion: is required"),
        ("apiVersion: v1\nkind: 7", 2, "kind: must be a non-empty string"),
        ("apiVersion: v1\nkind: Pod\nmetadata: []", 3, "metadata: must be a mapping"),
        ("apiVersion: v1\nkind: A\napiVersion: v2", 3, "'apiVersion' is there twice"),
        ('{"apiVersion": "v1", "kind": "A", "kind": "B"}', 1, "'kind' is there twice"),
        ("a: *nothing", 1, "not the alias of anything"),
        ("a: &b [*b]", 1, "not the alias of anything"),
        ("? [a]\n: b", 1, "a key must be a string"),
        ("a: .inf", 1, "no number that JSON can carry"),
        ("a: " + "9" * 5000, 1, "no number that JSON can carry"),
        ("a: !!binary aGk=", 1, "binary is not supported"),
        ("a: !secret x", 1, "!secret is not supported"),
        ("a:\n\t- b", 2, "cannot start any token"),
        ("a: \x00", 1, "control characters"),
        ("a: " + "[" * 5000, 1, "nested deeper than 100"),
        ('{"a":' * 5000, 1, "nested deeper than 100"),
        ('{"apiVersion": "v1", "kind": "\\ud800"}', 1, "document 1"),
        ("<<: 1", 1, "<< needs a mapping"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(text: str, line: int, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_documents(text, "bad.yaml")
    assert caught.value.message.startswith(f"bad.yaml:{line}: ")
    assert said in caught.value.message


def test_a_file_of_ten_megabytes_is_refused_before_it_is_read() -> None:
    data = b"x" * 10_000_000
    with pytest.raises(BadInput, match=r"^big.yaml: 10.0 MB is too large: the limit is 3 MiB$"):
        text_of(data, "big.yaml")
    with pytest.raises(BadInput, match="too large"):
        read_documents("x" * (MAX_BYTES + 1), "big.yaml")


def test_text_that_is_not_utf_8_is_refused_with_its_line() -> None:
    with pytest.raises(BadInput, match=r"^latin.yaml:2: the text is not UTF-8$"):
        text_of("a: b\nc: ü".encode("latin-1"), "latin.yaml")
    assert text_of(b"\xef\xbb\xbfa: b", "windows.yaml") == "a: b"


def test_aliases_expand_and_bombs_do_not() -> None:
    text = "apiVersion: v1\nkind: A\nx: &x {a: 1}\ny: *x\nz: {<<: *x, b: 2}\n"
    assert read_documents(text, "a")[0].obj["z"] == {"a": 1, "b": 2}
    bomb = "a0: &a0 [x, x]\n" + "".join(
        f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 12)
    )
    with pytest.raises(BadInput, match="aliases expand to too much"):
        read_documents(bomb, "bomb.yaml")


def test_json_with_what_yaml_would_refuse_is_read() -> None:
    text = '{"apiVersion": "v1",\n\t"kind": "A", "smile": "\\ud83d\\ude00"}'
    assert read_documents(text, "a.json")[0].obj["smile"] == "😀"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2001-12-14", "2001-12-14"),
        ("2001-12-14T21:59:43Z", "2001-12-14T21:59:43Z"),
        ("12:30", "12:30"),
        ("12:30:45", "12:30:45"),
        ("0644", 420),
        ("0o644", 420),
        ("0x1F", 31),
        ("08", 8),
        ("1_000", 1000),
        ("-7", -7),
        ("3.0", 3),
        ("1e3", 1000),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.14.2", "1.14.2"),
        ("yes", True),
        ("Off", False),
        ("true", True),
        ("y", "y"),
        ("~", None),
        ("", None),
        ("null", None),
        ("100m", "100m"),
        ("=", "="),
        ("<<", "<<"),
        ("18446744073709551615", 18446744073709551615),
    ],
)
def test_plain_scalars_mean_what_kubectl_takes_them_for(text: str, value: Any) -> None:
    assert resolve(text) == value
    assert type(resolve(text)) is type(value)


def test_quoted_scalars_are_strings() -> None:
    text = "apiVersion: v1\nkind: \"yes\"\na: '1'\nb: |\n  null\nc: !!str 1\n1: one\ntrue: t\n"
    assert read_documents(text, "a")[0].obj == {
        "apiVersion": "v1",
        "kind": "yes",
        "a": "1",
        "b": "null\n",
        "c": "1",
        "1": "one",
        "true": "t",
    }


FRAGMENTS = st.sampled_from(
    (
        "apiVersion: v1\n",
        "kind: Pod\n",
        "a: ",
        "- ",
        "---\n",
        "\n",
        "  ",
        "{",
        "}",
        "[",
        "]",
        "&a ",
        "*a",
        "!!str ",
        "|\n",
        "? ",
        ": ",
        "<<: ",
        '"',
        "'",
        "\t",
        "\x85",
        "\ud800",
    )
)


@given(st.lists(FRAGMENTS | st.text(max_size=5), max_size=25).map("".join))
@example("a: !!float null")
@example("a: !!int 1_")
@example("&a *a : b")
def test_no_text_does_more_harm_than_bad_input(text: str) -> None:
    with contextlib.suppress(BadInput):
        for document in read_documents(text, "junk"):
            assert isinstance(document.obj, dict)
            assert document.line(("a", 0, "b")) >= 1


@given(st.binary(max_size=60))
def test_no_bytes_do_more_harm_than_bad_input(data: bytes) -> None:
    with contextlib.suppress(BadInput):
        read_documents(text_of(data, "junk"), "junk")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(-1e9, 1e9).filter(lambda number: not number.is_integer())
    | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(JSON)
def test_what_was_dumped_is_read_back(value: Any) -> None:
    obj = {"apiVersion": "v1", "kind": "Thing", "value": value}
    assert [one.obj for one in read_documents(json.dumps(obj), "a.json")] == [obj]
    assert [one.obj for one in read_documents(dump(obj), "a.yaml")] == [obj]


def test_strings_that_kubectl_would_take_for_something_else_are_quoted() -> None:
    for text in ("1e3", "0o17", "yes", "null", "12", "1_0", ".inf", "2001-01-01", "", "08"):
        assert yaml.safe_load(dump({"a": text})) == {"a": text}
    assert dump({"a": "1e3", "b": "web", "c": "x\ny\n"}) == 'a: "1e3"\nb: web\nc: |\n  x\n  y\n'
