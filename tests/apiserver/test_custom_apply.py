"""Custom objects are applied and tracked by their structural schema, or without one."""

from pathlib import Path
from typing import Any

from labctl.api.objects import Obj
from labctl.api.resource import Resource
from labctl.client.client import Client
from tests.api.custom_samples import CRON_SCHEMA, crontab, definition, version
from tests.apiserver.custom import SUBRESOURCES, define, served
from tests.apiserver.serving import client, refused, run
from tests.apiserver.test_apply import apply, fields, managers, wired

JOBS: Obj = {
    "type": "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
    "items": {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"type": "string"}, "image": {"type": "string"}},
    },
}


def with_jobs() -> Obj:
    spec = CRON_SCHEMA["properties"]["spec"]
    spec = {**spec, "properties": {**spec["properties"], "jobs": JOBS}}
    return {**CRON_SCHEMA, "properties": {**CRON_SCHEMA["properties"], "spec": spec}}


def at(resource: Resource, subresource: str = "") -> str:
    return resource.path("default", "my-cron", subresource)


def test_a_custom_objects_lists_are_merged_as_its_schema_says(tmp_path: Path) -> None:
    async def main() -> None:
        async with wired(tmp_path) as (site, api):
            await define(client(site.server), definition(version(schema=with_jobs())))
            crontabs = served(site.server)
            jobs: list[Any] = [{"name": "a", "image": "1"}, {"name": "b", "image": "1"}]
            made = await apply(api, crontab(jobs=jobs), "first", at(crontabs))
            assert made["spec"]["image"] == "cron:1"
            assert fields(made, "first")["f:spec"] == {
                "f:cronSpec": {},
                "f:jobs": {
                    'k:{"name":"a"}': {".": {}, "f:image": {}, "f:name": {}},
                    'k:{"name":"b"}': {".": {}, "f:image": {}, "f:name": {}},
                },
            }
            other = crontab(jobs=[{"name": "c", "image": "1"}])
            both = await apply(api, other, "second", at(crontabs))
            assert [one["name"] for one in both["spec"]["jobs"]] == ["a", "b", "c"]
            fewer = await apply(api, crontab(jobs=jobs[1:]), "first", at(crontabs))
            assert [one["name"] for one in fewer["spec"]["jobs"]] == ["b", "c"]
            theirs = crontab(jobs=[{"name": "b", "image": "2"}])
            error = await refused(apply(api, theirs, "second", at(crontabs)), 409, "Conflict")
            assert error.status["details"]["causes"][0]["field"] == '.spec.jobs[name="b"].image'
            for bad in (crontab(colour="red"), crontab(jobs=[{"image": "1"}])):
                await refused(apply(api, bad, "first", at(crontabs)), 400, "BadRequest")
            await refused(apply(api, crontab(replicas=99), "x", at(crontabs)), 422, "Invalid")

    run(main())


def test_what_no_schema_describes_is_merged_member_by_member(tmp_path: Path) -> None:
    async def main() -> None:
        async with wired(tmp_path) as (site, api):
            anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
            await define(client(site.server), definition(version(schema=anything)))
            crontabs = served(site.server)
            await apply(api, crontab(map={"a": 1}, list=[1, 2]), "first", at(crontabs))
            both = await apply(api, crontab(map={"b": 2}), "second", at(crontabs))
            assert both["spec"]["map"] == {"a": 1, "b": 2}
            error = await refused(
                apply(api, crontab(list=[3]), "second", at(crontabs)), 409, "Conflict"
            )
            assert error.status["details"]["causes"][0]["field"] == ".spec.list"
            left = await apply(api, crontab(), "first", at(crontabs))
            assert left["spec"] == {"cronSpec": "* * * * */5", "map": {"b": 2}}

    run(main())


def test_custom_objects_are_tracked_scaled_and_replaced_by_version(tmp_path: Path) -> None:
    async def main() -> None:
        async with wired(tmp_path) as (site, api):
            await define(client(site.server), definition(version(subresources=SUBRESOURCES)))
            crontabs = served(site.server)
            made = await api.create(crontabs, crontab())
            assert managers(made) == [("labctl", "Update", "")]
            await _scale(api, crontabs)
            named = {**crontab(), "metadata": {"name": "my-cron", "namespace": "default"}}
            await refused(
                api.replace(crontabs, named),
                422,
                "Invalid",
                'crontabs.stable.example.com "my-cron" is invalid: metadata.resourceVersion: '
                "Invalid value: 0x0: must be specified for an update",
            )

    run(main())


async def _scale(api: Client, crontabs: Resource) -> None:
    scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": 4}}
    scaled = await apply(api, scale, "hpa", at(crontabs, "scale"), force="true")
    assert scaled["spec"] == {"replicas": 4}
    found = await api.get(crontabs, "my-cron", "default")
    assert found["spec"]["replicas"] == 4
    assert ("hpa", "Apply", "scale") in managers(found)
