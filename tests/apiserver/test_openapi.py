"""OpenAPI: what its documents say of every resource, and how they are handed out."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from multidict import CIMultiDictProxy

from labctl.api.objects import Obj
from labctl.api.protobuf.wire import Allowance, fields
from labctl.api.resource import Resource
from labctl.api.resources import RESOURCES, SERVED
from labctl.api.schema.definitions import Schema
from labctl.apiserver.openapi.definitions import SchemaOf
from labctl.apiserver.openapi.gnostic import as_protobuf
from labctl.apiserver.openapi.swagger import as_json, swagger
from labctl.apiserver.openapi.v3 import group_document
from tests.apiserver.https import Site, listening
from tests.apiserver.serving import run

OLD_KUBECTL = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
CRON_TABS = Resource("stable.example.com", "v1", "CronTab", "crontabs", namespaced=True,
                     subresources=("status",))  # fmt: skip
CRON_TAB_SCHEMA: Schema = {
    "description": "When to do what.",
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "required": ["cron"],
            "properties": {
                "cron": {"type": "string", "oneOf": [{"pattern": "^x"}]},
                "free": {
                    "type": "object",
                    "x-kubernetes-preserve-unknown-fields": True,
                    "properties": {"a": {"type": "string"}},
                },
                "port": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}]},
                "note": {"type": "string", "nullable": True},
            },
        }
    },
}


def built_in(_: Resource) -> Schema | None:
    return None


def of_cron_tabs(resource: Resource) -> Schema | None:
    return CRON_TAB_SCHEMA if resource is CRON_TABS else None


def version_2(resources: Sequence[Resource], schema_of: SchemaOf = built_in) -> Obj:
    document: Obj = json.loads(as_json(*swagger(resources, schema_of)))
    return document


def version_3(resources: Sequence[Resource], schema_of: SchemaOf = built_in) -> Obj:
    document: Obj = json.loads(group_document(resources, schema_of))
    return document


V2 = version_2(SERVED)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def patch_of(document: Obj, resource: Resource) -> Obj:
    operation: Obj = document["paths"][resource.path("{namespace}", "{name}")]["patch"]
    return operation


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda one: one.qualified)
def test_kubectl_finds_what_it_looks_for(resource: Resource) -> None:
    gvk = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    v3 = version_3([resource])
    for document in (V2, v3):
        patch = patch_of(document, resource)
        assert patch["x-kubernetes-group-version-kind"] == gvk
        query = {one["name"] for one in patch["parameters"] if one["in"] == "query"}
        assert query == {"dryRun", "fieldManager", "fieldValidation", "force"}
    patches = patch_of(v3, resource)["requestBody"]["content"]
    assert {"application/strategic-merge-patch+json", "application/apply-patch+yaml"} <= set(
        patches
    )
    assert set(patch_of(V2, resource)["consumes"]) == set(patches)
    for schemas in (V2["definitions"], v3["components"]["schemas"]):
        found = [
            one for one in schemas.values() if gvk in one.get("x-kubernetes-group-version-kind", [])
        ]
        assert len(found) == 1
        assert found[0]["description"]
        assert set(found[0]["properties"]) >= {"apiVersion", "kind", "metadata"}


def test_every_reference_leads_somewhere() -> None:
    for reference in references(V2):
        assert reference.removeprefix("#/definitions/") in V2["definitions"]
    v3 = version_3(SERVED)
    for reference in references(v3):
        assert reference.removeprefix("#/components/schemas/") in v3["components"]["schemas"]


def test_operations_have_names_of_their_own() -> None:
    names = [
        operation["operationId"]
        for item in V2["paths"].values()
        for method, operation in item.items()
        if method != "parameters"
    ]
    assert len(names) == len(set(names))
    assert {
        "listAppsV1DeploymentForAllNamespaces",
        "deleteAppsV1CollectionNamespacedDeployment",
        "readCoreV1Node",
        "patchAppsV1NamespacedDeploymentScale",
        "connectCoreV1PostNamespacedPodExec",
    } <= set(names)


def test_fields_tell_their_values_and_what_they_are_for() -> None:
    policy = V2["definitions"]["io.k8s.api.core.v1.Container"]["properties"]["imagePullPolicy"]
    assert policy["enum"] == ["Always", "IfNotPresent", "Never"]
    assert 'Possible enum values:\n - `"Always"` means' in policy["description"]
    families = V2["definitions"]["io.k8s.api.core.v1.ServiceSpec"]["properties"]["ipFamilies"]
    assert "IPv6" in families["items"]["enum"]
    containers = V2["definitions"]["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"]
    assert containers["x-kubernetes-patch-merge-key"] == "name"
    assert V2["definitions"]["io.k8s.api.core.v1.PodSpec"]["required"] == ["containers"]


def test_version_3_puts_nothing_beside_a_reference() -> None:
    v3 = version_3(SERVED)
    spec = v3["components"]["schemas"]["io.k8s.api.core.v1.Pod"]["properties"]["spec"]
    assert spec["allOf"] == [{"$ref": "#/components/schemas/io.k8s.api.core.v1.PodSpec"}]
    assert spec["description"]
    port = v3["components"]["schemas"]["io.k8s.apimachinery.pkg.util.intstr.IntOrString"]
    assert port["oneOf"] == [{"type": "integer"}, {"type": "string"}]


def test_kinds_that_users_define_are_told_like_the_others() -> None:
    name = "com.example.stable.v1.CronTab"
    v3 = version_3([CRON_TABS], of_cron_tabs)
    kind = v3["components"]["schemas"][name]
    assert kind["properties"]["spec"] == CRON_TAB_SCHEMA["properties"]["spec"]
    assert kind["properties"]["metadata"]["$ref"].endswith("ObjectMeta")
    assert f"{name}List" in v3["components"]["schemas"]
    patches = patch_of(v3, CRON_TABS)["requestBody"]["content"]
    assert "application/strategic-merge-patch+json" not in patches

    v2 = version_2([*SERVED, CRON_TABS], of_cron_tabs)
    spec = v2["definitions"][name]["properties"]["spec"]
    assert spec["required"] == ["cron"]
    assert spec["properties"]["cron"] == {"type": "string"}
    assert "properties" not in spec["properties"]["free"]
    assert "type" not in spec["properties"]["port"]
    assert "type" not in spec["properties"]["note"]
    assert as_protobuf(*swagger([CRON_TABS], of_cron_tabs))


def test_the_protobuf_form_holds_the_same_names() -> None:
    document = dict(fields(as_protobuf(*swagger(SERVED, built_in)), Allowance()))
    assert document[1] == b"2.0"
    assert names_in(document[8], 2) == list(V2["paths"])
    assert names_in(document[9], 1) == list(V2["definitions"])


def names_in(message: int | bytes, number: int) -> list[str]:
    assert isinstance(message, bytes)
    entries = [
        dict(fields(bytes(entry), Allowance()))
        for found, entry in fields(message, Allowance())
        if found == number
    ]
    return [bytes(entry[1]).decode() for entry in entries]


def test_version_2_comes_in_the_form_that_is_asked_for(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site:
            for accept in (OLD_KUBECTL, PROTOBUF, f"{OLD_KUBECTL}, application/json;q=0.5"):
                code, headers, body = await fetch(site, "/openapi/v2", Accept=accept)
                assert (code, headers["Content-Type"]) == (200, PROTOBUF)
                assert dict(fields(body, Allowance()))[1] == b"2.0"
            for accept in ("application/json", "*/*", "", "application/json, */*"):
                code, headers, body = await fetch(site, "/openapi/v2", Accept=accept)
                assert (code, headers["Content-Type"]) == (200, "application/json")
                assert json.loads(body) == V2
            code, _, body = await fetch(site, "/openapi/v2", Accept="text/html")
            assert (code, json.loads(body)["reason"]) == (406, "NotAcceptable")

    run(main())


def test_clients_need_not_fetch_what_they_have(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site:
            for path in ("/openapi/v2", "/openapi/v3", "/openapi/v3/apis/apps/v1"):
                code, headers, _ = await fetch(site, path)
                assert (code, headers["Cache-Control"]) == (200, "no-cache, private")
                for known in (headers["ETag"], f'"x", W/{headers["ETag"]}', "*"):
                    code, _, body = await fetch(site, path, **{"If-None-Match": known})
                    assert (code, body) == (304, b"")
                code, _, _ = await fetch(site, path, **{"If-None-Match": '"x"'})
                assert code == 200

    run(main())


def test_large_documents_are_compressed_for_those_who_can_read_that(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site:
            _, plain, whole = await fetch(site, "/openapi/v2")
            _, headers, body = await fetch(site, "/openapi/v2", **{"Accept-Encoding": "gzip"})
            assert "Content-Encoding" not in plain
            assert headers["Content-Encoding"] == "gzip"
            assert body == whole  # the client has decompressed it
            assert int(headers["Content-Length"]) < len(whole) / 4

    run(main())


def test_addresses_of_version_3_name_their_content(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site:
            _, _, body = await fetch(site, "/openapi/v3")
            paths = json.loads(body)["paths"]
            assert set(paths) == {
                f"apis/{one.api_version}" if one.group else "api/v1" for one in SERVED
            }
            for path, where in paths.items():
                code, headers, body = await fetch(site, where["serverRelativeURL"])
                assert (code, headers["Cache-Control"]) == (200, "public, immutable")
                assert "Expires" in headers
                assert json.loads(body)["openapi"].startswith("3."), path
            code, headers, _ = await fetch(site, "/openapi/v3/apis/apps/v1?hash=OLD")
            location = paths["apis/apps/v1"]["serverRelativeURL"]
            assert (code, headers["Location"]) == (301, location)

    run(main())


def test_what_is_not_there_and_who_may_not_ask(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site:
            for path in ("/openapi", "/openapi/v4", "/openapi/v3/apis/nope/v1", "/openapi/v3/api"):
                code, _, body = await fetch(site, path)
                assert (code, json.loads(body)["reason"]) == (404, "NotFound")
            code, _, _ = await fetch(site, "/openapi/v2", user=None)
            assert code == 403
            code, _, _ = await fetch(site, "/openapi/v3", user="node-node1")
            assert code == 200

    run(main())


async def fetch(
    site: Site, path: str, user: str | None = "admin", **headers: str
) -> tuple[int, CIMultiDictProxy[str], bytes]:
    """Code, headers and the body as it came, with no header but those given."""
    async with (
        site.session(user) as session,
        session.get(
            path,
            headers=headers,
            allow_redirects=False,
            skip_auto_headers=["Accept", "Accept-Encoding"],
        ) as answer,
    ):
        body = await answer.content.read()
        return answer.status, answer.headers, body
