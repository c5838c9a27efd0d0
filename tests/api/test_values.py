"""Quantities, hashes, images, field paths and Status bodies."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.api import status
from labctl.api.causes import required
from labctl.api.fields import format_path, unknown_field
from labctl.api.hash import fnv32a, pod_template_hash, safe_encode
from labctl.api.images import ImageName, parse_image, pull_policy
from labctl.api.kinds.apps import DEPLOYMENTS
from labctl.api.kinds.core import NODES, PODS
from labctl.api.objects import Obj
from labctl.api.quantity import Quantity, milli, parse_quantity, whole
from labctl.api.version import version_info
from labctl.errors import StatusError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", "0"),
        ("100m", "0.1"),
        ("1.5", "1.5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("-1", "-1"),
        ("1k", "1000"),
        ("1Ki", "1024"),
        ("1.5Gi", "1610612736"),
        ("2E", "2e18"),
        ("2e3", "2000"),
        ("2E3", "2000"),
        ("1u", "0.000001"),
        (2, "2"),
        (0.1, "0.1"),
    ],
)
def test_a_quantity_is_an_exact_number(text: str | float, value: str) -> None:
    assert parse_quantity(text) == Decimal(value)


@pytest.mark.parametrize(
    "text", ["", "x", "1x", "1 Gi", "1ki", "m", "1e", "e3", "1e999", "9" * 99, "٣"]
)
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="quantities must match"):
        parse_quantity(text)


def test_quantities_are_rounded_up_to_what_is_counted() -> None:
    assert (milli("100m"), milli("1"), milli("1u")) == (100, 1000, 1)
    assert (whole("110"), whole("1.1"), whole("64Mi")) == (110, 2, 67108864)


@pytest.mark.parametrize(
    ("texts", "written"),
    [
        ([], "0"),
        (["0"], "0"),
        (["500m", "1"], "1500m"),
        (["1500m", "500m"], "2"),
        (["1k", "500"], "1500"),
        (["2e3"], "2k"),
        (["0.0000000001"], "1n"),
        (["128Mi", "128Mi"], "256Mi"),
        (["0", "1Gi"], "1Gi"),
        (["1Gi", "1"], "1073741825"),
        (["1Ki", "1k"], "2024"),
        (["1k", "1Ki"], "2024"),
        (["512Ki", "512Ki"], "1Mi"),
        (["5Ei"], "5Ei"),
        (["2000E"], "9223372036854775807"),
        (["9" * 60], "9223372036854775807"),
        (["0.5Ki"], "512"),
    ],
)
def test_quantities_are_summed_and_written_as_kubernetes_does(
    texts: list[str], written: str
) -> None:
    assert str(Quantity.total(texts)) == written


def test_a_difference_may_be_negative() -> None:
    assert str(Quantity.of("1") - Quantity.of("1500m")) == "-500m"


def test_fnv_has_its_published_values() -> None:
    assert fnv32a(b"") == 0x811C9DC5
    assert fnv32a(b"a") == 0xE40C292C
    assert fnv32a(b"foobar") == 0xBF9CF968


def test_a_template_hash_is_a_function_of_the_template_alone() -> None:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": []}}
    turned = {"spec": {"containers": []}, "metadata": {"labels": {"a": "b"}}}
    assert pod_template_hash(template) == pod_template_hash(turned) == "57ccbd5c9c"
    assert pod_template_hash(template, 0) != pod_template_hash(template)
    assert pod_template_hash(template, 1) != pod_template_hash(template, 0)


@given(
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=3), st.none() | st.integers(0, 9)
)
def test_a_template_hash_can_stand_in_a_name(template: Obj, collisions: int | None) -> None:
    text = pod_template_hash(template, collisions)
    assert 1 <= len(text) <= 10
    assert set(text) <= set("bcdfghjklmnpqrstvwxz2456789")


def test_the_safe_alphabet_tells_all_digits_apart() -> None:
    assert safe_encode("0123456789") == "456789bcdf"


@pytest.mark.parametrize(
    ("text", "image", "policy"),
    [
        ("nginx", ImageName("nginx", "latest"), "Always"),
        ("nginx:latest", ImageName("nginx", "latest"), "Always"),
        ("nginx:1.14.2", ImageName("nginx", "1.14.2"), "IfNotPresent"),
        ("host:5000/a/b", ImageName("host:5000/a/b", "latest"), "Always"),
        ("host:5000/a/b:2", ImageName("host:5000/a/b", "2"), "IfNotPresent"),
        ("a@sha256:ff", ImageName("a", "", "sha256:ff"), "IfNotPresent"),
        ("a:1@sha256:ff", ImageName("a", "1", "sha256:ff"), "IfNotPresent"),
        ("", ImageName("", "latest"), "Always"),
    ],
)
def test_an_image_is_pulled_by_its_tag(text: str, image: ImageName, policy: str) -> None:
    assert parse_image(text) == image
    assert pull_policy(text) == policy


def test_paths_are_shown_as_kubernetes_shows_them() -> None:
    assert format_path(("spec", "containers", 0, "name")) == "spec.containers[0].name"
    assert format_path(("metadata", "labels", "a.b/c")) == "metadata.labels[a.b/c]"
    assert format_path(()) == ""


def test_an_unknown_field_without_a_near_one_lists_what_is_there() -> None:
    assert unknown_field(("zzz",), ("b", "a")).hint == "the fields here are a, b"


@pytest.mark.parametrize(
    ("error", "code", "reason", "message"),
    [
        (status.not_found(PODS, "a"), 404, "NotFound", 'pods "a" not found'),
        (
            status.already_exists(DEPLOYMENTS, "a"),
            409,
            "AlreadyExists",
            'deployments.apps "a" already exists',
        ),
        (
            status.conflict(PODS, "a"),
            409,
            "Conflict",
            (
                'Operation cannot be fulfilled on pods "a": the object has been modified; please apply '
                "your changes to the latest version and try again"
            ),
        ),
        (
            status.forbidden(NODES, "", 'User "u" cannot list resource'),
            403,
            "Forbidden",
            'nodes is forbidden: User "u" cannot list resource',
        ),
        (status.too_old(3, 9), 410, "Expired", "too old resource version: 3 (9)"),
        (status.internal_error("x"), 500, "InternalError", "Internal error occurred: x"),
        (
            status.invalid(DEPLOYMENTS, "a", [required("spec.selector")]),
            422,
            "Invalid",
            'Deployment.apps "a" is invalid: spec.selector: Required value',
        ),
        (
            status.invalid(PODS, "a", [required("x"), required("y", "now")]),
            422,
            "Invalid",
            'Pod "a" is invalid: [x: Required value, y: Required value: now]',
        ),
    ],
)
def test_failures_are_worded_as_kubernetes_words_them(
    error: StatusError, code: int, reason: str, message: str
) -> None:
    assert (error.code, error.reason, error.message) == (code, reason, message)
    assert error.status["kind"] == "Status"
    assert error.status["status"] == "Failure"


def test_an_invalid_object_lists_every_cause() -> None:
    details = status.invalid(DEPLOYMENTS, "a", [required("spec.selector")]).status["details"]
    cause = {
        "reason": "FieldValueRequired",
        "message": "Required value",
        "field": "spec.selector",
    }
    assert details == {"name": "a", "group": "apps", "kind": "Deployment", "causes": [cause]}


def test_the_version_is_a_kubernetes_version() -> None:
    info = version_info()
    assert (info["major"], info["minor"]) == ("1", "33")
    assert info["gitVersion"].startswith("v1.33.")
