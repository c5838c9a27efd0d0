"""Bodies in protobuf: what they come to, for every kind, and that junk does no harm."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.api.objects import Obj
from labctl.api.protobuf import MAGIC
from labctl.api.protobuf.envelope import NoSuchKind, decode
from labctl.api.protobuf.messages import fields_of, message_of, read_message
from labctl.api.protobuf.wire import Allowance, Malformed, encoded_varint, tagged
from labctl.api.resource import Resource
from labctl.api.resources import RESOURCES
from labctl.api.schema import problems
from tests.api.protobuf_bodies import body, integer, message

SAMPLES: dict[str, Any] = {
    "string": "x",
    "bool": True,
    "int32": -7,
    "int64": 1 << 40,
    "bytes": "AAEC",
    "strings": ["a", ""],
    "time": "2026-11-23T13:08:28Z",
    "microtime": "2026-11-23T13:08:28.562908Z",
    "quantity": "1500m",
    "intorstring": "25%",
    "json": {"a": [1, None, {"b": "c"}]},
}


def sample(name: str) -> Obj:
    """An object of a message in which every field is there."""
    obj: Obj = {}
    for field in fields_of(name).values():
        value = SAMPLES[field.type] if field.type in SAMPLES else sample(field.type)
        if field.how == "inline":
            obj |= value
        else:
            wrapped: dict[str, Any] = {"list": [value, value], "map": {"k": value, "": value}}
            obj[field.name] = wrapped.get(field.how, value)
    return obj


def sample_object(resource: Resource) -> Obj:
    name = message_of(resource.api_version, resource.kind)
    assert name is not None, f"{resource.qualified_kind} is not in the table"
    return {"apiVersion": resource.api_version, "kind": resource.kind, **sample(name)}


BUILT_IN = [one for one in RESOURCES if message_of(one.api_version, one.kind)]


@pytest.mark.parametrize("resource", BUILT_IN, ids=lambda one: one.qualified)
def test_every_field_of_every_kind_comes_through(resource: Resource) -> None:
    obj = sample_object(resource)
    assert decode(body(obj), "", "") == obj


@pytest.mark.parametrize("resource", BUILT_IN, ids=lambda one: one.qualified)
def test_the_table_and_the_definitions_know_the_same_fields(resource: Resource) -> None:
    found = problems(resource, sample_object(resource))
    assert not found.unknown
    assert not found.types
    assert not found.required


def test_every_kind_of_the_groups_that_are_known_is_in_the_table() -> None:
    known = {one.api_version for one in BUILT_IN}
    assert [one for one in RESOURCES if one not in BUILT_IN and one.api_version in known] == []


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [
        ("policy/v1", "Eviction"),
        ("v1", "Binding"),
        ("autoscaling/v1", "Scale"),
        ("authentication.k8s.io/v1", "TokenRequest"),
        ("authentication.k8s.io/v1", "SelfSubjectReview"),
        ("authorization.k8s.io/v1", "SelfSubjectAccessReview"),
        ("authorization.k8s.io/v1", "SelfSubjectRulesReview"),
        ("apps/v1", "DeleteOptions"),
        ("v1", "DeleteOptions"),
    ],
)
def test_what_is_sent_and_never_stored_is_known_too(api_version: str, kind: str) -> None:
    name = message_of(api_version, kind)
    assert name is not None
    obj = {"apiVersion": api_version, "kind": kind, **sample(name)}
    assert decode(body(obj), "", "") == obj


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        # Go writes zeros: of what is no pointer they mean nothing, of a pointer what they say.
        ("core.v1.ServiceSpec", tagged(3, b"") + tagged(4, b""), {}),
        ("core.v1.Container", tagged(1, b""), {"name": ""}),
        ("apps.v1.DeploymentSpec", integer(1, 0) + integer(5, 0), {"replicas": 0}),
        ("core.v1.PodSpec", integer(21, 0) + integer(11, 0), {"automountServiceAccountToken": False}),
        ("core.v1.PodSpec", integer(4, 0), {"terminationGracePeriodSeconds": 0}),
        # Structs are there even when empty, as in JSON.
        ("apps.v1.Deployment", tagged(2, b"") + tagged(3, b""), {"spec": {}, "status": {}}),
        ("meta.v1.ObjectMeta", tagged(8, b""), {"creationTimestamp": None}),
        # Members of an embedded struct stand beside its own.
        ("core.v1.Volume", tagged(1, b"v") + tagged(2, tagged(2, b"")), {"name": "v", "emptyDir": {}}),
        # Packed or not, lists are the same; what comes twice adds up or takes over.
        ("core.v1.PodSecurityContext", tagged(4, b"\x01\x80\x01"), {"supplementalGroups": [1, 128]}),
        ("core.v1.PodSecurityContext", integer(4, 1) + integer(4, 128), {"supplementalGroups": [1, 128]}),
        ("core.v1.Pod", tagged(2, tagged(10, b"a")) + tagged(2, tagged(16, b"b")),
         {"spec": {"nodeName": "a", "hostname": "b"}}),
        ("core.v1.PodSpec", tagged(10, b"a") + tagged(10, b"b"), {"nodeName": "b"}),
        ("core.v1.PodSpec", tagged(10, b"a") + tagged(10, b""), {}),
        # Maps may leave out what is empty.
        ("core.v1.ConfigMap", tagged(2, tagged(1, b"a")), {"data": {"a": ""}}),
        ("core.v1.Secret", tagged(2, tagged(1, b"a") + tagged(2, b"\xff")), {"data": {"a": "/w=="}}),
        # Fields that nobody knows are passed over, whatever their type.
        ("core.v1.ConfigMap", integer(99, 5) + tagged(98, b"x") + b"\x99\x06" + bytes(8), {}),
        ("core.v1.ServicePort", tagged(4, integer(1, 0) + integer(2, -1)), {"targetPort": -1}),
        ("core.v1.ServicePort", tagged(4, b""), {"targetPort": 0}),
    ],
)  # fmt: skip
def test_how_fields_come(name: str, data: bytes, expected: Obj) -> None:
    assert read_message(name, data, {}, Allowance()) == expected


def test_a_body_may_leave_its_kind_to_where_it_is_sent() -> None:
    bare = MAGIC + tagged(2, message("core.v1.ConfigMap", {"data": {"a": "b"}}))
    expected = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "b"}}
    assert decode(bare, "v1", "ConfigMap") == expected
    with pytest.raises(NoSuchKind):
        decode(bare, "example.com/v1", "CronTab")


@pytest.mark.parametrize(
    "data",
    [
        b"\x0a",  # no length
        b"\x0a\xff\xff\xff\xff\x0f",  # a length of 4 GB
        b"\x0a" + b"\xff" * 9 + b"\x01",  # a length of 2^64
        b"\xff" * 11,  # a varint without end
        b"\x80",  # half a varint
        b"\x00\x00",  # the field 0
        b"\x0b\x0c",  # a group
        b"\x0f",  # a wire type that there is not
        b"\x08\x05",  # metadata as a number
        b"\x12\x02\x52\x01",  # a name that is longer than what holds it
        tagged(1, integer(1, 7)),  # a name that is a number
        tagged(1, tagged(1, b"\xff")),  # a name that is no UTF-8
        tagged(1, tagged(8, integer(1, 1 << 62))),  # a time beyond all calendars
        tagged(1, tagged(8, integer(1, 0) + integer(2, -1))),
        tagged(1, tagged(17, tagged(7, tagged(1, b"{")))),  # managed fields that are no JSON
        tagged(2, tagged(4, b"\x01")),  # a number of seconds as bytes
    ],
)
def test_what_is_no_pod_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        decode(MAGIC + tagged(2, data), "v1", "Pod")


@given(st.binary(max_size=200))
def test_junk_is_read_or_refused(junk: bytes) -> None:
    read_or_refused(MAGIC + junk)
    read_or_refused(MAGIC + tagged(2, junk))


POD = body(sample_object(next(one for one in RESOURCES if one.kind == "Pod")))


@given(st.integers(0, len(POD) - 1), st.binary(max_size=12), st.integers(0, 12))
def test_a_body_that_was_damaged_is_read_or_refused(at: int, put: bytes, cut: int) -> None:
    read_or_refused(POD[:at] + put + POD[at + cut :])


def read_or_refused(data: bytes) -> None:
    try:
        obj = decode(data, "v1", "Pod")
    except (Malformed, NoSuchKind):
        return
    assert obj["kind"]


@given(st.integers(0, (1 << 64) - 1))
def test_integers_come_back(value: int) -> None:
    signed = value - (1 << 64) if value >> 63 else value
    spec = read_message(
        "core.v1.PodSpec", encoded_varint(4 << 3) + encoded_varint(value), {}, Allowance()
    )
    assert spec == {"terminationGracePeriodSeconds": signed}
