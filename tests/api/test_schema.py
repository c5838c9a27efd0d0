"""The trimmed definitions: complete for what is served, and nothing more."""

from importlib.resources import files

import pytest

from labctl.api import schema
from labctl.api.kinds.core import EVENTS, PODS
from labctl.api.resource import Resource
from labctl.api.resources import RESOURCES
from labctl.api.schema.definitions import definition_name, reachable
from tests.api.manifest_samples import pod, pod_with

MAX_BYTES = 200_000


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda one: one.plural)
def test_every_kind_has_a_whole_definition(resource: Resource) -> None:
    name = definition_name(resource)
    assert name is not None
    assert name.endswith(f".{resource.kind}")
    assert "metadata" in reachable(name)[name]["properties"]
    assert not schema.is_valid(resource, {"noSuchField": 1})


def test_the_definitions_are_small() -> None:
    data = files("labctl.api.schema").joinpath("definitions.json").read_bytes()
    assert len(data) < MAX_BYTES
    assert b'"description":"' not in data


def test_status_is_open_to_what_components_leave_out() -> None:
    status = {"phase": "Running", "containerStatuses": [{"name": "web", "ready": True}]}
    assert schema.is_valid(PODS, {**pod(), "status": status})
    assert not schema.is_valid(PODS, {**pod(), "status": {"phases": []}})


def test_an_event_needs_what_it_is_about() -> None:
    (cause,) = schema.problems(EVENTS, {"metadata": {}}).required
    assert str(cause) == "involvedObject: Required value"


def test_nulls_count_as_absent_and_items_that_are_null_do_not() -> None:
    obj = pod(volumes=None)
    obj["metadata"]["creationTimestamp"] = None
    assert schema.problems(PODS, obj) == schema.problems(PODS, pod())
    (cause,) = schema.problems(PODS, pod(containers=[None])).types
    assert cause.field == "spec.containers[0]"


def test_a_kind_without_a_definition_takes_everything() -> None:
    unknown = Resource("example.com", "v1", "Thing", "things", namespaced=True)
    assert schema.is_valid(unknown, {"spec": 1})
    assert schema.problems(unknown, {"spec": 1}).unknown == ()


def test_what_json_cannot_carry_is_not_valid() -> None:
    deep: object = 1
    for _ in range(300):
        deep = {"a": deep}
    assert not schema.is_valid(PODS, {**pod(), "metadata": {"labels": deep}})
    (cause,) = schema.problems(PODS, pod_with(name=deep)).types
    assert cause.field == "spec.containers[0].name"
