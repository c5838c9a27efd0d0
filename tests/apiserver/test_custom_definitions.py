"""CustomResourceDefinitions through the whole chain: accepted, served, changed, taken away."""

import asyncio
from pathlib import Path
from typing import Any

from labctl.api.kinds.apiextensions import CUSTOMRESOURCEDEFINITIONS as CRDS
from labctl.api.kinds.core import PODS
from labctl.api.kinds.networking import NETWORKPOLICIES
from labctl.api.objects import Obj, condition, copy, is_condition_true
from labctl.api.resource import Resource
from labctl.apiserver.server import ApiServer
from labctl.client.client import Client
from labctl.errors import StatusError
from tests.api.custom_samples import CRON_SCHEMA, crontab, definition, version
from tests.apiserver.custom import NAME, define, is_established, served, until
from tests.apiserver.https import listening
from tests.apiserver.serving import client, first, pod, refused, run, serving


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
    try:
        await request
    except StatusError as error:
        return error.code
    return 0


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


def test_figures_of_a_kind_go_on_when_its_definition_changes(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site, site.session() as session:
            api = Client(site.transport())
            await define(api, definition())
            path = served(site.server).path()
            await session.get(path)
            before = served(site.server)
            crd = await api.get(CRDS, NAME)
            crd["spec"]["names"]["shortNames"] = ["ct"]
            await api.replace(CRDS, crd)
            await until(api, lambda one: "shortNames" in (one or {})["status"]["acceptedNames"])
            assert served(site.server) is not before
            await session.get(path)
            page = await (await session.get("/metrics")).text()
            lines = [line for line in page.splitlines() if 'resource="crontabs"' in line]
            (total,) = [one for one in lines if one.startswith("apiserver_request_total")]
            assert total.endswith(" 2.0")
            await api.transport.close()

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


def test_a_definition_never_takes_the_objects_of_a_built_in_kind(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            policy = {
                "metadata": {"name": "a", "namespace": "default"},
                "spec": {"podSelector": {}},
            }
            made = await api.create(NETWORKPOLICIES, policy)
            crd = definition(plural="networkpolicies", kind="Policy", group="networking.k8s.io")
            name = "networkpolicies.networking.k8s.io"
            approval = {"api-approved.kubernetes.io": "unapproved"}
            crd["metadata"] = {"name": name, "annotations": approval}
            await api.create(CRDS, crd)
            await until(api, _is_refused, name)
            await api.delete(CRDS, name)
            await until(api, lambda one: one is None, name)
            assert (await api.list(NETWORKPOLICIES)).items == [made]

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


def test_many_definitions_at_once_are_all_served(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            crds = [definition(plural=f"kind{n}s", kind=f"Kind{n}") for n in range(30)]
            await asyncio.gather(*(define(api, crd) for crd in crds))
            served_now = {one.plural for one in server.served.catalog.stored if one.custom}
            assert served_now == {f"kind{n}s" for n in range(30)}

    run(main())
