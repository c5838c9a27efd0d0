"""Custom kinds through the whole chain: defined, served in versions, changed, scaled, taken away."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

from labctl.api.kinds.apiextensions import CUSTOMRESOURCEDEFINITIONS as CRDS
from labctl.api.kinds.core import PODS
from labctl.api.objects import Obj, condition, copy, is_condition_true
from labctl.api.resource import Resource
from labctl.apiserver.server import ApiServer
from labctl.client.client import Client
from labctl.client.wait import wait_for
from tests.api.custom_samples import CRON_SCHEMA, crontab, definition, version
from tests.apiserver.serving import client, first, pod, refused, run, serving, transport

NAME = "crontabs.stable.example.com"
SUBRESOURCES = {
    "status": {},
    "scale": {
        "specReplicasPath": ".spec.replicas",
        "statusReplicasPath": ".status.replicas",
        "labelSelectorPath": ".status.labelSelector",
    },
}


def is_established(crd: Obj | None) -> bool:
    return crd is not None and is_condition_true(crd, "Established")


async def define(api: Client, crd: Obj) -> Obj:
    """The definition once it is established."""
    made = await api.create(CRDS, crd)
    found = await wait_for(api, CRDS, made["metadata"]["name"], "", is_established, 10)
    assert found is not None
    return found


async def until(api: Client, holds: Callable[[Obj | None], bool], name: str = NAME) -> Obj | None:
    return await wait_for(api, CRDS, name, "", holds, 10)


def served(server: ApiServer, api_version: str = "v1", plural: str = "crontabs") -> Resource:
    found = server.served.catalog.find("stable.example.com", api_version, plural)
    assert found is not None
    return found


def test_a_kind_is_served_once_it_is_established(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            nowhere = Resource("stable.example.com", "v1", "CronTab", "crontabs", namespaced=True)
            await refused(api.list(nowhere), 404, "NotFound", "could not find the requested")
            crd = await define(api, definition())
            assert crd["spec"]["names"]["listKind"] == "CronTabList"
            assert crd["status"]["storedVersions"] == ["v1"]
            assert is_condition_true(crd, "NamesAccepted")
            made = await api.create(nowhere, crontab(replicas=3))
            assert made["spec"] == {"cronSpec": "* * * * */5", "replicas": 3, "image": "cron:1"}
            assert made["metadata"]["generation"] == 1
            answer = await api.transport.request("GET", nowhere.path("default"))
            assert answer["kind"] == "CronTabList"
            assert answer["items"] == [made]

    run(main())


def test_a_broken_definition_is_refused_whole(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            bad = definition(version(schema={"type": "object", "properties": {"spec": {}}}))
            error = await refused(api.create(CRDS, bad), 422, "Invalid", "must not be empty for")
            assert error.status["details"]["causes"] == [
                {
                    "reason": "FieldValueRequired",
                    "message": "Required value: must not be empty for specified object fields",
                    "field": "spec.versions[0].schema.openAPIV3Schema.properties[spec].type",
                }
            ]
            bodies: tuple[Obj, ...] = (
                {"spec": {}}, {"spec": {"versions": [{}]}}, {"spec": {"names": 1}}, {},
            )  # fmt: skip
            for body in bodies:
                with_name = {"metadata": {"name": "a"}, **body}
                failing = api.transport.request("POST", CRDS.path(), body=with_name)
                wrong = await _failure(failing)
                assert wrong in (400, 422)
            assert (await api.list(CRDS)).items == []

    run(main())


async def _failure(request: Any) -> int:
    from labctl.errors import StatusError

    try:
        await request
    except StatusError as error:
        return error.code
    return 0


def test_what_breaks_the_schema_is_told_field_by_field(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await define(api, definition())
            crontabs = served(server)
            error = await refused(
                api.create(crontabs, crontab(replicas="many", size="huge")),
                422,
                "Invalid",
                'CronTab.stable.example.com "my-cron" is invalid: [',
            )
            assert error.status["details"]["causes"] == [
                {
                    "reason": "FieldValueTypeInvalid",
                    "message": 'Invalid value: "string": spec.replicas in body must be of type integer: "string"',
                    "field": "spec.replicas",
                },
                {
                    "reason": "FieldValueNotSupported",
                    "message": 'Unsupported value: "huge": supported values: "small", "large"',
                    "field": "spec.size",
                },
            ]
            made = await api.create(crontabs, crontab())
            broken = {**made, "spec": {"cronSpec": "never"}}
            await refused(api.replace(crontabs, broken), 422, "Invalid", "in body should match")
            wrong = {"metadata": {"labels": {"a": 1}}}
            await refused(
                api.patch(crontabs, "my-cron", wrong, "default"),
                400,
                "BadRequest",
                'CronTab in version "v1" cannot be handled as a CronTab: metadata.labels[a]',
            )
            assert await api.get(crontabs, "my-cron", "default") == made

    run(main())


def test_unknown_fields_are_dropped_told_or_refused(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api, plain = client(server), transport(server)
            await define(api, definition())
            crontabs = served(server)
            made = await api.create(crontabs, crontab(colour="red"))
            assert "colour" not in made["spec"]
            strict = plain.request(
                "POST",
                crontabs.path("default"),
                query={"fieldValidation": "Strict"},
                body=crontab("other", colour="red"),
            )
            message = 'strict decoding error: unknown field "spec.colour"'
            await refused(strict, 400, "BadRequest", message)

    run(main())


def test_patches_of_three_types(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await define(api, definition())
            crontabs = served(server)
            await api.create(crontabs, crontab())
            merged = await api.patch(crontabs, "my-cron", {"spec": {"replicas": 2}}, "default")
            assert merged["metadata"]["generation"] == 2
            operations = [{"op": "add", "path": "/metadata/labels", "value": {"a": "b"}}]
            labelled = await api.patch(crontabs, "my-cron", operations, "default", type="json")
            assert labelled["metadata"]["labels"] == {"a": "b"}
            assert labelled["metadata"]["generation"] == 2
            test = [{"op": "test", "path": "/metadata/resourceVersion", "value": "1"}]
            await refused(
                api.patch(crontabs, "my-cron", test, "default", type="json"), 422, "Invalid"
            )
            await refused(
                api.patch(crontabs, "my-cron", {"spec": {}}, "default", type="strategic"),
                415,
                "UnsupportedMediaType",
                "application/merge-patch+json",
            )

    run(main())


def test_status_and_scale_are_subresources_where_they_are_asked_for(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await define(api, definition(version(subresources=SUBRESOURCES)))
            crontabs = served(server)
            made = await api.create(crontabs, {**crontab(), "status": {"replicas": 7}})
            assert "status" not in made
            status = {
                "status": {"replicas": 1, "labelSelector": "a=b", "x": 1},
                "spec": {"size": "x"},
            }
            told = await api.patch(crontabs, "my-cron", status, "default", subresource="status")
            assert told["status"] == {"replicas": 1, "labelSelector": "a=b"}
            assert told["spec"] == made["spec"]
            assert told["metadata"]["generation"] == 1
            wrong = {"status": {"replicas": "x"}}
            await refused(
                api.patch(crontabs, "my-cron", wrong, "default", subresource="status"),
                422,
                "Invalid",
            )
            scaled = await api.patch(
                crontabs, "my-cron", {"spec": {"replicas": 5}}, "default", subresource="scale"
            )
            assert scaled["spec"] == {"replicas": 5}
            assert scaled["status"] == {"replicas": 1, "selector": "a=b"}
            now = await api.get(crontabs, "my-cron", "default")
            assert now["spec"]["replicas"] == 5
            assert now["metadata"]["generation"] == 2
            too_many = {"spec": {"replicas": 50}}
            await refused(
                api.patch(crontabs, "my-cron", too_many, "default", subresource="scale"),
                422,
                "Invalid",
                "less than or equal to 10",
            )

    run(main())


def test_without_the_subresource_status_is_a_field_like_others(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await define(api, definition())
            crontabs = served(server)
            made = await api.create(crontabs, {**crontab(), "status": {"replicas": 7}})
            assert made["status"] == {"replicas": 7}
            patch = {"status": {"replicas": 8}}
            told = await api.patch(crontabs, "my-cron", patch, "default")
            assert told["metadata"]["generation"] == 2
            await refused(
                api.patch(crontabs, "my-cron", patch, "default", subresource="status"),
                404,
                "NotFound",
            )

    run(main())


def test_one_stored_object_is_seen_in_every_version(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await define(api, definition(version("v1"), version("v1beta1", storage=False)))
            new, old = served(server), served(server, "v1beta1")
            made = await api.create(old, crontab(api_version=old.api_version))
            assert made["apiVersion"] == old.api_version
            shown = await api.get(new, "my-cron", "default")
            assert shown == {**made, "apiVersion": new.api_version}
            assert (await api.list(old)).items == [made]
            await refused(api.replace(old, shown), 400, "BadRequest", "does not match the expected")
            changed = await api.patch(old, "my-cron", {"spec": {"replicas": 2}}, "default")
            assert changed["apiVersion"] == old.api_version
            async with aclosing(api.watch(old)) as events:
                (event,) = await first(events, 1)
                assert event.object == changed
                await api.delete(new, "my-cron", "default")
                (event,) = await first(events, 1)
                assert (event.type, event.object["apiVersion"]) == ("DELETED", old.api_version)

    run(main())


def test_objects_follow_their_definition(tmp_path: Path) -> None:
    """A new schema holds for what was stored under the old one, from the next read on."""

    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await define(api, definition())
            before = served(server)
            made = await api.create(before, crontab(size="small"))
            crd = copy(await api.get(CRDS, NAME))
            spec = CRON_SCHEMA["properties"]["spec"]
            members = {k: v for k, v in spec["properties"].items() if k != "size"}
            members["zone"] = {"type": "string", "default": "here"}
            schema = {"type": "object", "properties": {"spec": {**spec, "properties": members}}}
            crd["spec"]["versions"] = [
                version("v1", schema=schema, storage=False),
                version("v2", schema=schema),
            ]
            await api.replace(CRDS, crd)
            crd = await until(api, lambda one: one is not None and len(_stored(one)) == 2) or {}
            assert crd["metadata"]["generation"] == 2
            assert _stored(crd) == ["v1", "v2"]
            now = served(server)
            assert now is not before
            shown = await api.get(now, "my-cron", "default")
            assert shown["spec"] == {
                "cronSpec": "* * * * */5", "image": "cron:1", "replicas": 1, "zone": "here",
            }  # fmt: skip
            assert shown["metadata"] == made["metadata"]
            await api.patch(now, "my-cron", {"spec": {"replicas": 2}}, "default")
            assert b'"apiVersion":"stable.example.com/v2"' in await _value(server, now, "my-cron")

    run(main())


def _stored(crd: Obj) -> list[str]:
    stored: list[str] = crd["status"]["storedVersions"]
    return stored


async def _value(server: ApiServer, resource: Resource, name: str) -> bytes:
    page = await server.backend.store.page(resource.prefix("default"))
    return next(item.value for item in page.items if item.key.endswith(name))


def test_watches_end_when_their_kind_changes_or_goes(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await define(api, definition())
            crontabs = served(server)
            await api.create(crontabs, crontab())
            events = api.watch(crontabs)
            await first(events, 1)
            unrelated = api.watch(PODS)
            await api.create(PODS, pod("web"))
            await first(unrelated, 1)
            await api.delete(CRDS, NAME)
            await until(api, lambda crd: crd is None)
            left = [event.type async for event in events]
            assert set(left) <= {"DELETED"}
            await api.delete(PODS, "web", "default")
            (event,) = await first(unrelated, 1)
            assert event.type == "DELETED"
            await unrelated.aclose()

    run(main())


def test_a_definition_goes_after_its_objects(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await define(api, definition())
            crontabs = served(server)
            held = crontab("held")
            held["metadata"]["finalizers"] = ["example.com/mine"]
            await api.create(crontabs, held)
            await api.create(crontabs, crontab("free"))
            answer = await api.delete(CRDS, NAME)
            assert answer["metadata"]["finalizers"] == [
                "customresourcecleanup.apiextensions.k8s.io"
            ]
            assert is_condition_true(answer, "Terminating")
            crd = await until(api, _is_in_progress)
            assert crd is not None
            assert [one["metadata"]["name"] for one in (await api.list(crontabs)).items] == ["held"]
            await refused(api.create(crontabs, crontab("late")), 405, "MethodNotAllowed")
            await api.patch(crontabs, "held", {"metadata": {"finalizers": None}}, "default")
            assert await until(api, lambda one: one is None) is None
            await refused(api.list(crontabs), 404, "NotFound")
            # Whoever defines it again begins anew.
            await define(api, definition())
            assert (await api.list(served(server))).items == []

    run(main())


def _is_in_progress(crd: Obj | None) -> bool:
    found = condition(crd or {}, "Terminating") or {}
    return found.get("reason") == "InstanceDeletionInProgress"


def test_a_name_is_given_once_and_again_when_it_is_free(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await define(api, definition())
            rival = definition(plural="crons", kind="CronTab")
            await api.create(CRDS, rival)
            refusal = await until(api, _is_refused, "crons.stable.example.com")
            told = condition(refusal or {}, "NamesAccepted") or {}
            assert (told["reason"], told["message"]) == (
                "ListKindConflict", '"CronTabList" is already in use',
            )  # fmt: skip
            crons = Resource("stable.example.com", "v1", "CronTab", "crons", namespaced=True)
            await refused(api.list(crons), 404, "NotFound")
            await api.delete(CRDS, NAME)
            await until(api, is_established, "crons.stable.example.com")
            assert (await api.list(crons)).items == []

    run(main())


def _is_refused(crd: Obj | None) -> bool:
    return (condition(crd or {}, "NamesAccepted") or {}).get("status") == "False"


def test_everything_is_there_again_after_a_restart(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            await define(client(server), definition(scope="Cluster"))
            cluster_wide = crontab()
            del cluster_wide["metadata"]["namespace"]
            made = await client(server).create(served(server), cluster_wide)
        async with serving(tmp_path) as server:
            assert await client(server).get(served(server), "my-cron") == made

    run(main())


def test_custom_objects_are_paged_selected_and_deleted_together(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api, plain = client(server), transport(server)
            fields = [{"jsonPath": ".spec.size"}]
            await define(api, definition(version(selectableFields=fields)))
            crontabs = served(server)
            for number in range(5):
                size = "large" if number % 2 else "small"
                await api.create(crontabs, crontab(f"c{number}", size=size))
            large = await api.list(crontabs, fields="spec.size=large")
            assert [one["metadata"]["name"] for one in large.items] == ["c1", "c3"]
            await refused(api.list(crontabs, fields="spec.image=x"), 400, "BadRequest")
            page = await plain.request("GET", crontabs.path(), query={"limit": "2"})
            token = {"limit": "9", "continue": page["metadata"]["continue"]}
            rest = await plain.request("GET", crontabs.path(), query=token)
            assert [one["metadata"]["name"] for one in rest["items"]] == ["c2", "c3", "c4"]
            await plain.request("DELETE", crontabs.path("default"))
            assert (await api.list(crontabs)).items == []

    run(main())


def test_many_definitions_at_once_are_all_served(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            crds = [definition(plural=f"kind{n}s", kind=f"Kind{n}") for n in range(30)]
            await asyncio.gather(*(define(api, crd) for crd in crds))
            served_now = {one.plural for one in server.served.catalog.stored if one.custom}
            assert served_now == {f"kind{n}s" for n in range(30)}

    run(main())
