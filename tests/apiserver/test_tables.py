"""Tables, as `get` and `get --watch` ask for them."""

from contextlib import aclosing
from pathlib import Path

import pytest

from labctl.api.kinds.core import PODS
from labctl.apiserver.answers import Stream
from labctl.apiserver.authentication import ADMIN
from labctl.apiserver.forms import Form, wanted_form
from labctl.apiserver.request import Request, Target
from tests.apiserver.serving import client, pod, refused, run, serving

_KUBECTL = (
    "application/json;as=Table;v=v1;g=meta.k8s.io,"
    "application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"
)
# As client-go's metadata client
_METADATA = (
    "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,"
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
)


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (_KUBECTL, Form.TABLE),
        ("application/json;as=Table;v=v1;g=meta.k8s.io", Form.TABLE),
        ("application/json", Form.WHOLE),
        ("application/json, application/json;as=Table;v=v1;g=meta.k8s.io", Form.WHOLE),
        (_METADATA, Form.METADATA),
        (_METADATA.replace("Metadata;", "MetadataList;"), Form.METADATA_LIST),
        ("application/json;as=Unicorn;v=v1;g=meta.k8s.io,application/json", Form.WHOLE),
        ("*/*", Form.WHOLE),
        ("", Form.WHOLE),
    ],
)
def test_the_first_form_that_can_be_met_is_wanted(accept: str, wanted: Form) -> None:
    assert wanted_form(accept) is wanted


def test_lists_and_single_objects_as_tables(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            for name in ("a", "b"):
                await api.create(PODS, pod(name))
            table = await api.table(PODS, "default")
            assert table["kind"] == "Table"
            assert table["metadata"]["resourceVersion"] == str(server.cache.revision)
            assert [row["cells"][0] for row in table["rows"]] == ["a", "b"]
            row = table["rows"][0]["object"]
            assert (row["kind"], row["metadata"]["name"]) == ("PartialObjectMetadata", "a")
            assert len((await api.table(PODS, "default", "a"))["rows"]) == 1
            whole = await api.transport.request(
                "GET", "/api/v1/pods", query={"includeObject": "Object"}, accept=_KUBECTL
            )
            assert whole["rows"][0]["object"]["kind"] == "Pod"

    run(main())


def test_objects_without_spec_and_status(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            made = await api.create(PODS, pod("a"))
            one = await api.transport.request("GET", PODS.path("default", "a"), accept=_METADATA)
            assert one == {
                "kind": "PartialObjectMetadata",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": made["metadata"],
            }
            several = _METADATA.replace("Metadata;", "MetadataList;")
            listed = await api.transport.request("GET", PODS.path("default"), accept=several)
            assert listed["kind"] == "PartialObjectMetadataList"
            assert listed["metadata"]["resourceVersion"] == str(server.cache.revision)
            assert listed["items"] == [one]
            await refused(
                api.transport.request("GET", PODS.path(), accept=_METADATA), 406, "NotAcceptable"
            )
            request = Request("watch", Target(PODS), ADMIN, {}, accept=_METADATA)
            answer = await server.handle(request)
            assert isinstance(answer, Stream)
            async with aclosing(answer.portions) as portions:
                ((line,)) = await anext(portions)
            assert (line.type, line.object) == ("ADDED", one)

    run(main())


def test_each_event_of_a_watch_is_a_table_of_one_row(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            for name in ("a", "b"):
                await api.create(PODS, pod(name))
            request = Request("watch", Target(PODS), ADMIN, {}, accept=_KUBECTL)
            answer = await server.handle(request)
            assert isinstance(answer, Stream)
            async with aclosing(answer.portions) as portions:
                first, second = await anext(portions)
            assert first.object["rows"][0]["cells"][0] == "a"
            assert first.object["columnDefinitions"]
            assert not second.object["columnDefinitions"]
            assert b'"kind":"Table"' in second.encoded()

    run(main())
