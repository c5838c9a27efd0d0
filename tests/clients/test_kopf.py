"""A kopf operator, unchanged, against the server: handlers run, status is told, finalizers hold."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from labctl.api.kinds.core import EVENTS
from labctl.api.objects import Obj
from labctl.api.resource import Resource
from labctl.client.client import Client
from labctl.client.wait import wait_for
from labctl.controlplane.kubeconfig import kubeconfig
from tests.api.custom_samples import crontab, definition, version
from tests.apiserver.custom import define, served
from tests.apiserver.https import Site, listening
from tests.apiserver.serving import run

pytest.importorskip("kopf")

OPERATOR = Path(__file__).with_name("operator_with_kopf.py")
SECONDS = 30
OPEN = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
# kopf keeps results and progress of its handlers in the status.
SCHEMA = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {"cronSpec": {"type": "string"}, "replicas": {"type": "integer", "default": 1}},
        },
        "status": OPEN,
    },
}  # fmt: skip


@asynccontextmanager
async def operating(site: Site, directory: Path) -> AsyncIterator[None]:
    """The operator in a process of its own."""
    config = directory / "kubeconfig"
    config.write_text(kubeconfig(site.pki, site.url))
    kopf = Path(sys.executable).with_name("kopf")
    environment = {**os.environ, "KUBECONFIG": str(config), "MARKS": str(directory)}
    process = await asyncio.create_subprocess_exec(
        kopf, "run", "--standalone", "--all-namespaces", "--quiet", OPERATOR, env=environment
    )
    try:
        yield
        assert process.returncode is None, "the operator ended by itself"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@pytest.mark.parametrize("subresources", [{}, {"status": {}}], ids=["plain status", "subresource"])
def test_an_operator_looks_after_its_objects(tmp_path: Path, subresources: Obj) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site:
            api = Client(site.transport())
            await define(api, definition(version(schema=SCHEMA, subresources=subresources)))
            crontabs = served(site.server)
            async with operating(site, tmp_path):
                await _story(api, crontabs, tmp_path)
            await api.transport.close()

    run(main(), 100)


async def _story(api: Client, crontabs: Resource, directory: Path) -> None:
    async def seen(wish: int | None) -> Obj | None:
        def holds(obj: Obj | None) -> bool:
            if obj is None:
                return wish is None
            return wish is not None and (obj.get("status") or {}).get("replicas") == wish

        return await wait_for(api, crontabs, "my-cron", "default", holds, SECONDS)

    await api.create(crontabs, crontab(replicas=2))
    made = await seen(2)
    assert made is not None
    assert made["metadata"]["finalizers"] == ["stable.example.com/operator"]
    assert made["status"]["created"] == {"message": "runs * * * * */5"}
    await api.patch(crontabs, "my-cron", {"spec": {"replicas": 3}}, "default")
    await seen(3)
    events = (await api.list(EVENTS, "default", fields="reason=Seen")).items
    assert events[0]["involvedObject"]["kind"] == "CronTab"
    await api.delete(crontabs, "my-cron", "default")
    await seen(None)
    assert (directory / "my-cron").exists()
