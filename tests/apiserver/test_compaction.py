"""What is kept of history, and that it is forgotten in the background."""

import asyncio
from pathlib import Path

from labctl.apiserver.compaction import compact_for_ever
from tests.store.engines import Engine


def test_history_older_than_one_interval_is_forgotten(engine: Engine, tmp_path: Path) -> None:
    async def main() -> None:
        store = await engine.open(tmp_path)
        old = await store.txn("/a", 0, b"x")
        compaction = asyncio.create_task(compact_for_ever(store, interval=0.05))
        async with asyncio.timeout(10):
            number = 0
            while store.floor < old:
                await store.txn(f"/b/{number}", 0, b"x")
                number += 1
        assert store.floor < await store.revision()
        compaction.cancel()
        await asyncio.gather(compaction, return_exceptions=True)
        await store.close()

    asyncio.run(main())
