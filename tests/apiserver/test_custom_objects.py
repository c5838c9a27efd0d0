"""Custom objects through the whole chain: validated, patched, scaled, seen in every version."""

from contextlib import aclosing
from pathlib import Path

from tests.api.custom_samples import crontab, definition, version
from tests.apiserver.custom import SUBRESOURCES, define, served
from tests.apiserver.serving import client, first, refused, run, serving, transport


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
                422,
                "Invalid",
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
