"""`python -m tests.apiserver.writer DIRECTORY ENGINE [ENDPOINT]`: an API server that is kept busy.

Creates ConfigMaps without end, several at a time, and tells of each once it was acknowledged.
"""

import asyncio
import sys
from pathlib import Path

from labctl.api.kinds.core import CONFIGMAPS
from labctl.client.client import Client
from tests.apiserver.serving import client, config_map, serving_store
from tests.store.engines import Engine

_WRITERS = 20


async def main(directory: Path, engine: Engine) -> None:
    async with serving_store(await engine.open(directory)) as server, asyncio.TaskGroup() as group:
        for writer in range(_WRITERS):
            group.create_task(_write(client(server), writer))


async def _write(api: Client, writer: int) -> None:
    number = 0
    while True:
        made = await api.create(CONFIGMAPS, config_map(f"c{writer}-{number}", text="x" * 500))
        metadata = made["metadata"]
        print(metadata["name"], metadata["resourceVersion"], flush=True)
        number += 1


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Engine.of(tuple(sys.argv[2:]))))
