"""Tables, as `get` and `get --watch` ask for them."""

from contextlib import aclosing
from pathlib import Path

import pytest

from labctl.api.kinds.core import PODS
from labctl.apiserver.answers import Stream
from labctl.apiserver.authentication import ADMIN
from labctl.apiserver.request import Request, Target
from labctl.apiserver.tables import wants_table
from tests.apiserver.serving import client, pod, run, serving

_KUBECTL = (
    "application/json;as=Table;v=v1;g=meta.k8s.io,"
    "application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"
)


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (_KUBECTL, True),
        ("application/json;as=Table;v=v1;g=meta.k8s.io", True),
        ("application/json", False),
        ("application/json, application/json;as=Table;v=v1;g=meta.k8s.io", False),
        ("*/*", False),
        ("", False),
    ],
)
def test_when_a_table_is_wanted(accept: str, wanted: bool) -> None:
    assert wants_table(accept) is wanted


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
