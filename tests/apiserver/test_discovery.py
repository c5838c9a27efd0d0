"""Discovery over HTTP: legacy and aggregated, for built-in and custom kinds, with and without slash."""

from pathlib import Path
from typing import Any

import aiohttp

from labctl.api.kinds.apiextensions import CUSTOMRESOURCEDEFINITIONS as CRDS
from labctl.api.objects import Obj
from labctl.client.client import Client
from labctl.client.discovery import discover
from tests.api.custom_samples import definition, version
from tests.apiserver.custom import SUBRESOURCES, define
from tests.apiserver.https import Site, listening
from tests.apiserver.serving import run

V2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
V2BETA1 = V2.replace("v=v2", "v=v2beta1")


def crons() -> Obj:
    crd = definition(version("v1", subresources=SUBRESOURCES), version("v2alpha1", storage=False))
    crd["spec"]["names"] |= {"shortNames": ["ct"], "categories": ["all"]}
    return crd


async def fetch(session: aiohttp.ClientSession, path: str, accept: str = "*/*") -> Any:
    answer = await session.get(path, headers={"Accept": accept})
    assert answer.status == 200, await answer.text()
    return await answer.json()


async def make_crons(site: Site) -> None:
    api = Client(site.transport())
    await define(api, crons())
    await api.transport.close()


def test_every_document_is_there_with_and_without_a_slash(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site, site.session() as session:
            for path in ("/version", "/api", "/apis", "/api/v1", "/apis/apps", "/apis/apps/v1"):
                assert await fetch(session, path) == await fetch(session, f"{path}/")
            for path in ("/apis/none", "/apis/apps/v9", "/api/v2", "/apis//v1"):
                assert (await session.get(path)).status == 404

    run(main())


def test_legacy_documents_tell_of_custom_kinds(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site, site.session() as session:
            before = await fetch(session, "/apis")
            await make_crons(site)
            after = await fetch(session, "/apis")
            (group,) = [one for one in after["groups"] if one not in before["groups"]]
            assert group["name"] == "stable.example.com"
            assert [one["version"] for one in group["versions"]] == ["v1", "v2alpha1"]
            assert group["preferredVersion"]["version"] == "v1"
            assert (await fetch(session, "/apis/stable.example.com"))["kind"] == "APIGroup"
            listed = (await fetch(session, "/apis/stable.example.com/v1"))["resources"]
            assert listed[0]["singularName"] == "crontab"
            assert listed[0]["shortNames"] == ["ct"]
            assert listed[0]["categories"] == ["all"]
            assert [(one["name"], one["kind"]) for one in listed] == [
                ("crontabs", "CronTab"), ("crontabs/scale", "Scale"), ("crontabs/status", "CronTab"),
            ]  # fmt: skip

    run(main())


def test_aggregated_discovery_has_everything_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site, site.session() as session:
            await make_crons(site)
            core = await fetch(session, "/api", V2)
            assert core["kind"] == "APIGroupDiscoveryList"
            assert core["apiVersion"] == "apidiscovery.k8s.io/v2"
            (item,) = core["items"]
            assert item["metadata"]["name"] == ""
            (pods,) = [r for r in item["versions"][0]["resources"] if r["resource"] == "pods"]
            assert pods["responseKind"] == {"group": "", "version": "v1", "kind": "Pod"}
            eviction = {"group": "policy", "version": "v1", "kind": "Eviction"}
            assert eviction in [one["responseKind"] for one in pods["subresources"]]
            groups = {
                one["metadata"]["name"]: one for one in (await fetch(session, "/apis", V2))["items"]
            }
            assert "" not in groups
            assert list(groups)[-1] == "stable.example.com"
            (crontabs,) = groups["stable.example.com"]["versions"][0]["resources"]
            assert crontabs["scope"] == "Namespaced"
            assert crontabs["singularResource"] == "crontab"
            assert groups["stable.example.com"]["versions"][0]["freshness"] == "Current"

    run(main())


def test_the_form_is_what_the_client_likes_best(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site, site.session() as session:
            wishes = {
                f"{V2},{V2BETA1},application/json": V2,
                f"{V2BETA1},application/json": V2BETA1,
                f"application/json,{V2}": "application/json",
                f"application/vnd.kubernetes.protobuf,{V2}": V2,
                "application/json;g=apidiscovery.k8s.io;v=v3;as=APIGroupDiscoveryList,*/*": "application/json",
                "*/*": "application/json",
                "": "application/json",
            }
            for accept, form in wishes.items():
                answer = await session.get("/apis", headers={"Accept": accept})
                assert (answer.status, answer.headers["Content-Type"]) == (200, form)
            refusal = await session.get("/apis", headers={"Accept": "application/xml"})
            assert refusal.status == 406
            assert (await refusal.json())["reason"] == "NotAcceptable"
            assert (await session.get("/version", headers={"Accept": "text/html"})).status == 406

    run(main())


def test_who_knows_a_document_is_not_sent_it_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site, site.session() as session:
            first = await session.get("/apis", headers={"Accept": V2})
            known = {"Accept": V2, "If-None-Match": first.headers["ETag"]}
            again = await session.get("/apis", headers=known)
            assert (again.status, await again.read()) == (304, b"")
            assert again.headers["ETag"] == first.headers["ETag"]
            await make_crons(site)
            changed = await session.get("/apis", headers=known)
            assert changed.status == 200
            assert changed.headers["ETag"] != first.headers["ETag"]

    run(main())


def test_a_client_finds_custom_kinds_by_discovery(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site:
            api = Client(site.transport())
            assert await discover(api) == []
            await define(api, crons())
            found = await discover(api)
            assert [one.api_version for one in found] == [
                "stable.example.com/v1", "stable.example.com/v2alpha1",
            ]  # fmt: skip
            assert (found[0].singular, found[0].short_names) == ("crontab", ("ct",))
            assert found[0].subresources == ("scale", "status")
            await api.delete(CRDS, "crontabs.stable.example.com")
            await api.transport.close()

    run(main())


def test_warnings_tell_what_has_no_effect(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site, site.session() as session:
            schema = {"type": "object", "x-kubernetes-validations": [{"rule": "true"}]}
            old = version("v1", schema=schema, deprecated=True, deprecationWarning="use v2")
            answer = await session.post(CRDS.path(), json=definition(old))
            assert answer.status == 201
            assert "does not evaluate CEL" in answer.headers["Warning"]
            await fetch_until(session, "/apis/stable.example.com/v1")
            path = "/apis/stable.example.com/v1/namespaces/default/crontabs"
            answer = await session.post(path, json={"metadata": {"name": "a"}})
            assert answer.status == 201
            assert answer.headers["Warning"] == '299 - "use v2"'

    run(main())


async def fetch_until(session: aiohttp.ClientSession, path: str) -> None:
    for _ in range(1000):
        if (await session.get(path)).status == 200:
            return
    raise AssertionError(path)
